package plot

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"

	"github.com/fiord-bench/fiord/services/plot/page"
	"github.com/fiord-bench/fiord/verdict/changepoint"
)

// historian tells the page what changed when.
type historian struct{ *Service }

// Past searches the history of a bench's name on its ref for changes of level.
func (h historian) Past(ctx context.Context, bench string) (page.Past, error) {
	b, err := source(h).Bench(ctx, bench)
	if err != nil {
		return page.Past{}, err
	}
	p, err := h.past(ctx, b)
	if err != nil {
		return page.Past{}, err
	}
	all := p.series(slices.Sorted(maps.Keys(figureNames()))...)
	searched := all[:min(len(all), maxSeries)]
	out := page.Past{
		Repo: p.Repo, Name: b.Name, Ref: p.Ref, Benches: len(p.entries),
		Series: len(searched), Unsearched: len(all) - len(searched), Turns: p.turns(searched),
	}
	if len(p.entries) > 0 {
		out.Since = p.entries[0].At
	}
	return out, nil
}

// turns lists the benches at which a series changed or that were accepted, the
// newest first.
func (p past) turns(all []series) []page.Turn {
	changes := make([][]page.LevelChange, len(p.entries))
	for _, s := range all {
		for _, c := range changepoint.Find(s.medians(), leastChange) {
			changes[c.At] = append(changes[c.At], page.LevelChange{
				Metric: string(s.metric), Job: s.job, Point: s.point, Machine: s.machine, Unit: s.metric.Unit(),
				Before: c.Before, After: c.After, Change: c.Relative(), Worse: s.worse(c),
				NBefore: c.NBefore, NAfter: c.NAfter, Lasts: c.To == len(s.values), Environment: s.otherMachine(c),
			})
		}
	}
	out := []page.Turn{} // scripts get a list, empty or not
	for i, e := range slices.Backward(p.entries) {
		if len(changes[i]) == 0 && !e.Accepted {
			continue
		}
		slices.SortStableFunc(changes[i], func(a, b page.LevelChange) int { return cmp.Compare(math.Abs(b.Change), math.Abs(a.Change)) })
		t := page.Turn{Bench: e.Bench, Commit: e.Commit, At: e.At, Verdict: e.Verdict, Accepted: e.Accepted, Changes: changes[i]}
		if i > 0 {
			t.Previous, t.PreviousCommit = p.entries[i-1].Bench, p.entries[i-1].Commit
		}
		out = append(out, t)
	}
	return out
}

// otherMachine tells that the last value before a change and the first after it
// were measured on machines of different fingerprints.
func (s series) otherMachine(c changepoint.Change) bool {
	for i := c.At - 1; i >= c.From; i-- {
		if before := s.values[i]; before.n > 0 {
			return before.class != "/" && s.values[c.At].class != "/" && before.class != s.values[c.At].class
		}
	}
	return false
}
