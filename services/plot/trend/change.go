package trend

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict/changepoint"
)

// Changes are what changed when in the figures of one name on one ref.
type Changes struct {
	Repo string `json:"repo"`
	Name string `json:"name"`
	Ref  string `json:"ref"`
	// Benches are how many were searched, since the oldest of them.
	Benches int       `json:"benches"`
	Since   time.Time `json:"since,omitzero"`
	// Series are how many were searched: a figure of a point on a machine each.
	Series int `json:"series"`
	// Unsearched are how many more there are.
	Unsearched int `json:"unsearched,omitempty"`
	// Commits are those at which something changed or was accepted, newest
	// first.
	Commits []Commit `json:"turns"`
}

// Commit is a bench from which on figures were on another level, or whose
// results a person accepted as the new baseline.
type Commit struct {
	Bench    string         `json:"bench"`
	Commit   string         `json:"commit"`
	At       time.Time      `json:"at"`
	Verdict  events.Verdict `json:"verdict"`
	Accepted bool           `json:"accepted,omitempty"`
	// Previous is the bench before it, and its commit: what changed, changed
	// between the two.
	Previous       string `json:"previous,omitempty"`
	PreviousCommit string `json:"previous_commit,omitempty"`
	// Changes of level, greatest first.
	Changes []Change `json:"changes,omitempty"`
}

// Change is a change of level of one series.
type Change struct {
	Metric  string `json:"metric"`
	Job     string `json:"job"`
	Point   string `json:"point"`
	Machine string `json:"machine"`
	// Before and After are the medians of the stretches on either side, in Unit.
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	Unit   string  `json:"unit"`
	// Change is After/Before-1; Worse is its direction.
	Change float64 `json:"change"`
	Worse  bool    `json:"worse"`
	// NBefore and NAfter are how many benches lie in the stretches. Lasts is
	// set if the new level is the newest.
	NBefore int  `json:"n_before"`
	NAfter  int  `json:"n_after"`
	Lasts   bool `json:"lasts"`
	// Environment is set if the machine was another from then on, as far as its
	// fingerprints show: the commit need not be what changed the figures.
	Environment bool `json:"environment_changed,omitempty"`
}

// Changes searches the history of a bench's name on its ref for changes of level.
func (t *Trends) Changes(ctx context.Context, bench string) (Changes, error) {
	b, err := t.archive.Bench(ctx, bench)
	if err != nil {
		return Changes{}, err
	}
	h, err := t.Of(ctx, b)
	if err != nil {
		return Changes{}, err
	}
	all := h.series(slices.Sorted(maps.Keys(figureNames()))...)
	searched := all[:min(len(all), maxSeries)]
	out := Changes{
		Repo: h.Repo, Name: b.Name, Ref: h.Ref, Benches: len(h.Entries),
		Series: len(searched), Unsearched: len(all) - len(searched), Commits: h.commits(searched),
	}
	if len(h.Entries) > 0 {
		out.Since = h.Entries[0].At
	}
	return out, nil
}

// commits lists the benches at which a series changed or that were accepted, the
// newest first.
func (h *History) commits(all []series) []Commit {
	changes := make([][]Change, len(h.Entries))
	for _, s := range all {
		for _, c := range changepoint.WithNewest(s.medians(), leastChange, !s.metric.HigherIsBetter()) {
			changes[c.At] = append(changes[c.At], Change{
				Metric: string(s.metric), Job: s.job, Point: s.point, Machine: s.machine, Unit: s.metric.Unit(),
				Before: c.Before, After: c.After, Change: c.Relative(), Worse: s.worse(c),
				NBefore: c.NBefore, NAfter: c.NAfter, Lasts: c.To == len(s.values), Environment: s.otherMachine(c),
			})
		}
	}
	out := []Commit{} // scripts get a list, empty or not
	for i, e := range slices.Backward(h.Entries) {
		if len(changes[i]) == 0 && !e.Accepted {
			continue
		}
		slices.SortStableFunc(changes[i], func(a, b Change) int { return cmp.Compare(math.Abs(b.Change), math.Abs(a.Change)) })
		one := Commit{Bench: e.Bench, Commit: e.Commit, At: e.At, Verdict: e.Verdict, Accepted: e.Accepted, Changes: changes[i]}
		if i > 0 {
			one.Previous, one.PreviousCommit = h.Entries[i-1].Bench, h.Entries[i-1].Commit
		}
		out = append(out, one)
	}
	return out
}

// otherMachine reports whether the last value before a change and the first after it
// were measured on machines of different fingerprints.
func (s series) otherMachine(c changepoint.Change) bool {
	for i := c.At - 1; i >= c.From; i-- {
		if before := s.values[i]; before.n > 0 {
			return before.class != "/" && s.values[c.At].class != "/" && before.class != s.values[c.At].class
		}
	}
	return false
}
