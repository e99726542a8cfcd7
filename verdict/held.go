package verdict

import (
	"fmt"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict/level"
)

// Hold judges a bench against the sessions before it, oldest first, and where they
// are too few against one of them.
//
// Each metric of each section, point and kind of machine that has a level is held
// against that. What has none yet is compared with before, the bench that serves
// as the baseline, by its repeats alone: the headline then says that it speaks of
// two sessions only, and how many more a level needs. before may be nil: nothing
// was asked for, or there is nothing yet.
func Hold(sessions []Bench, before *Bench, after Bench, opt Options) Result {
	if r, done := unfit(after); done {
		return r.stalled(before, after)
	}
	if len(sessions) == 0 {
		return Judge(before, after, opt).ofTwo(before, level.Enough-1)
	}
	opt = opt.withDefaults()
	benches := append(slices.Clone(sessions), after)
	levels := map[group]map[Metric]Standing{}
	decided := 0
	list := standings(seriesOf(benches, opt), benches, opt)
	more := level.Enough - 1
	for _, s := range list {
		if levels[s.group] == nil {
			levels[s.group] = map[Metric]Standing{}
		}
		levels[s.group][Metric(s.Metric)] = s
		if s.Answer == level.TooFew {
			more = min(more, s.More)
		} else {
			decided++
		}
	}
	out := Result{Verdict: events.VerdictBaseline}
	if before != nil {
		out = Judge(before, after, opt)
	}
	out.Comparisons = withLevels(out.Comparisons, list)
	if decided == 0 {
		if before == nil {
			out.Headline = fmt.Sprintf("%s measured, to be held against nothing: no baseline was asked for, and a level needs %s more.", count(sound(after), "run"), count(more, "session"))
		}
		return out.ofTwo(before, more)
	}
	absent := out.Absent
	sortComparisons(out.Comparisons)
	out.Verdict = opt.overall(comparisonsDecided(out.Comparisons))
	out.Headline = levelHeadline(out.Comparisons, list, opt)
	return out.withAbsences(absent)
}

// ofTwo says of a judgement that it speaks of two sessions only.
func (r Result) ofTwo(before *Bench, more int) Result {
	if before != nil && len(r.Comparisons) > 0 {
		r.Headline += fmt.Sprintf(" This speaks of these two sessions only: how much the machine moves from one to the next is known after %s more.", count(more, "session"))
	}
	return r
}

// withLevels puts what is known of levels into comparisons, and adds those that
// levels alone allow.
func withLevels(list []events.Comparison, standings []Standing) []events.Comparison {
	for _, s := range standings {
		i := slices.IndexFunc(list, s.is)
		if i < 0 {
			if s.Answer == level.TooFew {
				continue // of nothing that was compared
			}
			list = append(list, s.comparison())
			continue
		}
		if s.Answer == level.TooFew {
			list[i].Level = s.level()
			continue
		}
		c := s.comparison()
		c.Merged = list[i].Merged
		list[i] = c
	}
	return list
}

// is says whether a comparison of two sessions is of the same series. What names
// its machine may differ: a comparison of two takes hosts of a kind together.
func (s Standing) is(c events.Comparison) bool {
	return s.Job == c.Job && s.Point == c.Point && s.Metric == c.Metric && (s.Host == c.Host || s.group.kind() == c.Host)
}

// kind names the machine of a group by its fingerprints.
func (g group) kind() string { return "class " + g.class }

// comparison is a standing as reports have it.
func (s Standing) comparison() events.Comparison {
	c := events.Comparison{
		Job: s.Job, Point: s.Point, Host: s.Host, Metric: s.Metric, Unit: s.Unit, Verdict: s.Verdict,
		Before: s.Level, After: s.Value, Change: s.Change, P: s.P, NBefore: s.Sessions, NAfter: s.n, Level: s.level(),
	}
	if s.Low == nil || s.High == nil {
		c.NoInterval = true
	} else {
		c.Low, c.High = *s.Low, *s.High
	}
	return c
}

// level is the reference of a standing as reports have it; nil without a session.
func (s Standing) level() *events.Level {
	if s.Sessions == 0 {
		return nil
	}
	out := &events.Level{Decides: s.Answer != level.TooFew, Value: s.Level, Sessions: s.Sessions, Together: s.Together, Drift: s.Drift, Strays: s.Strays, More: s.More}
	if s.Spread != nil {
		out.Spread = *s.Spread
	}
	if s.LevelLow != nil && s.LevelHigh != nil {
		out.Low, out.High = *s.LevelLow, *s.LevelHigh
	}
	return out
}

// levelHeadline says what a bench with levels came to: first what shifted, then
// what is equal, then what is open, and how much the machine moves.
func levelHeadline(list []events.Comparison, standings []Standing, opt Options) string {
	n := map[events.Verdict]int{}
	two := 0
	for _, c := range list {
		n[c.Verdict]++
		if c.Level == nil || !c.Level.Decides {
			two++
		}
	}
	limit := fmt.Sprintf("%g%%", 100*opt.Threshold)
	text := ""
	v := opt.overall(comparisonsDecided(list))
	top := slices.IndexFunc(list, func(c events.Comparison) bool { return c.Verdict == v })
	switch v {
	case events.VerdictRegressed, events.VerdictImproved:
		text = fmt.Sprintf("%s: %s; %d of %s shifted", title(v), moved(list[top]), n[events.VerdictRegressed]+n[events.VerdictImproved], count(len(list), "comparison"))
		if k := n[events.VerdictUnchanged]; k > 0 {
			text += fmt.Sprintf(", %d within %s", k, limit)
		}
	default:
		text = fmt.Sprintf("%s: %d of %s within %s", title(v), n[events.VerdictUnchanged], count(len(list), "comparison"), limit)
	}
	if k := n[events.VerdictInconclusive]; k > 0 {
		text += fmt.Sprintf(", %d open%s", k, needs(list))
	}
	text += "."
	if spread := typicalSpread(standings); spread > 0 {
		text += fmt.Sprintf(" This machine moves by %.1f%% from session to session.", 100*spread)
	}
	if two > 0 {
		text += fmt.Sprintf(" %s speak of two sessions only.", count(two, "comparison"))
	}
	return text
}

// moved names a comparison that shifted, by how much, and against what.
func moved(c events.Comparison) string {
	what := fmt.Sprintf("%s %+.1f%%", place(c.Metric, c.Job, c.Point), 100*c.Change)
	if c.Level == nil || !c.Level.Decides {
		return what + fmt.Sprintf(" (p = %.3f, %d against %d runs)", c.P, c.NAfter, c.NBefore)
	}
	switch {
	case c.Level.Strays:
		what += " since more repeats stall than before,"
	case c.Level.Drift:
		what += fmt.Sprintf(" over %d sessions", c.Level.Together)
	case c.Level.Together > 1:
		what += fmt.Sprintf(" in the last %d sessions", c.Level.Together)
	}
	return what + " against a level of " + count(c.Level.Sessions, "session")
}

// needs says what would decide what is open.
func needs(list []events.Comparison) string {
	more := 0
	for _, c := range list {
		if c.Verdict != events.VerdictInconclusive {
			continue
		}
		if c.Level == nil || !c.Level.Decides || c.Level.More == 0 {
			return ""
		}
		more = max(more, c.Level.More)
	}
	return fmt.Sprintf(" (%s like this one would decide)", count(more, "more session"))
}
