package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict/level"
)

// Regressed are the comparisons that say so, greatest first.
func (r Result) Regressed() []events.Comparison {
	var out []events.Comparison
	for _, c := range r.Comparisons {
		if c.Verdict == events.VerdictRegressed {
			out = append(out, c)
		}
	}
	return out
}

// Second is a second look at what regressed at the first.
type Second struct {
	// Of are the regressions that were measured again.
	Of []events.Comparison
	// Stored is what the baseline measured when it was reported.
	Stored Bench
	// Before and After are what was measured now: with the baseline's job files,
	// where these are others than the bench's own, and with the bench's.
	Before, After Bench
	// Same are the job files that are the baseline's own, measured under the same
	// settings: what shifted of them is not the job's doing.
	Same []string
	// Differs is a clause that says what differs of the machines from when the
	// baseline was measured, as far as that is recorded; empty for nothing.
	Differs string
}

// Judge compares what was measured again: side by side where both sides were
// measured, and against the baseline as it was stored where there is only one
// job file, so that both sides would be the same.
func (s Second) Judge(opt Options) Result {
	if n := s.After.Counts; n.Completed == 0 {
		return Result{Verdict: events.VerdictFailed, Headline: fmt.Sprintf("None of %s completed: %s.", count(n.Planned, "run"), ends(n))}
	}
	list := s.compared(opt)
	if len(list) == 0 {
		why := "no run of what regressed passed its integrity checks"
		if changed := environment(s.Stored, s.After); changed != "" && len(s.Before.Runs) == 0 {
			why = "the environment changed (" + changed + ")"
		}
		return Result{Verdict: events.VerdictInvalid, Headline: "Nothing could be compared: " + why + "."}
	}
	v := worst(list)
	return Result{Verdict: v, Headline: headline(v, list, opt.withDefaults()), Comparisons: list}
}

// compared are the comparisons of the second look with what regressed.
func (s Second) compared(opt Options) []events.Comparison {
	sided := map[string]bool{}
	for _, r := range s.Before.Runs {
		sided[r.Job] = true
	}
	list := comparisons(s.Before, s.After, opt.withDefaults())
	for _, c := range comparisons(s.Stored, s.After, opt.withDefaults()) {
		if sided[c.Job] {
			continue
		}
		if of, ok := s.levelled(c); ok {
			c = s.againstLevel(of, c, opt.withDefaults())
		}
		list = append(list, c)
	}
	list = slices.DeleteFunc(list, func(c events.Comparison) bool {
		return !slices.ContainsFunc(s.Of, func(of events.Comparison) bool { return again(of, c) })
	})
	slices.SortStableFunc(list, func(x, y events.Comparison) int { return cmp.Compare(severity(y.Verdict), severity(x.Verdict)) })
	return list
}

// levelled is what regressed against a level at the first look, if a comparison of
// the second is of that.
func (s Second) levelled(c events.Comparison) (events.Comparison, bool) {
	i := slices.IndexFunc(s.Of, func(of events.Comparison) bool {
		return again(of, c) && of.Level != nil && of.Level.Decides && of.Level.Spread > 0
	})
	if i < 0 {
		return events.Comparison{}, false
	}
	return s.Of[i], true
}

// againstLevel judges a session of its own by the level that the first look was
// held against: what is asked is whether the machine is still where it was then.
func (s Second) againstLevel(of, c events.Comparison, opt Options) events.Comparison {
	m := Metric(c.Metric)
	how := m.options(opt)
	if how.Tail && !of.Level.Strays {
		c.After = level.Location(s.measuredAgain(c), how)
	}
	a := level.Again(of.Level.Value, of.Level.Spread, of.Level.Sessions, c.After, how)
	c.Before, c.Change, c.P, c.NBefore, c.Level = of.Level.Value, a.Change, a.P, of.Level.Sessions, of.Level
	c.Low, c.High, c.NoInterval = a.Low, a.High, false
	switch {
	case a.Answer == level.Equal:
		c.Verdict = events.VerdictUnchanged
	case a.Answer != level.Shifted:
		c.Verdict = events.VerdictInconclusive
	case a.Better:
		c.Verdict = events.VerdictImproved
	default:
		c.Verdict = events.VerdictRegressed
	}
	return c
}

// measuredAgain are the values that the second look has of a comparison.
func (s Second) measuredAgain(c events.Comparison) []float64 {
	var out []float64
	for _, r := range s.After.Runs {
		if v, ok := r.Values[Metric(c.Metric)]; ok && r.Integrity == events.IntegrityOK && r.Of(c) {
			out = append(out, v)
		}
	}
	return out
}

// again tells whether a comparison of the second look is of what regressed at
// the first, which may have taken hosts of a kind together.
func again(first, second events.Comparison) bool {
	return first.Job == second.Job && first.Point == second.Point && first.Metric == second.Metric &&
		(first.Host == second.Host || strings.HasPrefix(first.Host, "class "))
}

// Of tells whether a run is one of those that a comparison was made of.
func (r Run) Of(c events.Comparison) bool {
	return r.Job == c.Job && r.Point == c.Point && (r.Host == c.Host || "class "+r.HostClass+"/"+r.DeviceClass == c.Host)
}

// Confirm decides about a bench that regressed at first, by the second look.
//
// A regression that the second look saw as well stands, with the figures of the
// first. What it did not see again takes the second look's verdict and figures.
// The sides may be alike and both slower than the baseline was: then it is not
// the commit, and nothing can be told of it.
func Confirm(first Result, bench string, s Second, opt Options) (Result, events.Confirmation) {
	second := s.Judge(opt)
	if len(second.Comparisons) == 0 {
		return Impossible(first, bench, second.Headline)
	}
	slower := s.slower(opt)
	list := make([]events.Comparison, 0, len(first.Comparisons))
	var confirmed []events.Comparison
	cleared, open := 0, false
	for _, c := range first.Comparisons {
		if c.Verdict != events.VerdictRegressed {
			list = append(list, c)
			continue
		}
		now, found := worstOf(c, second.Comparisons)
		switch {
		case found && now.Verdict == events.VerdictRegressed:
			confirmed = append(confirmed, now)
		case found:
			cleared++
			c = now
			if slices.ContainsFunc(slower, func(s events.Comparison) bool { return again(c, s) }) {
				c.Verdict, open = events.VerdictInconclusive, true
			}
		case len(second.Regressed()) == 0:
			c.Verdict, open = events.VerdictInconclusive, true // what was looked at had gone
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(x, y events.Comparison) int { return cmp.Compare(severity(y.Verdict), severity(x.Verdict)) })
	out := Result{Verdict: opt.withDefaults().overall(comparisonsDecided(list)), Comparisons: list}
	if open && out.Verdict != events.VerdictRegressed {
		out.Verdict = events.VerdictInconclusive
	}
	told := events.Confirmation{Bench: bench, Outcome: events.OutcomeConfirmed}
	if len(confirmed) > 0 {
		told.Reason = fmt.Sprintf("at the second look %s differs by %+.1f%%; %d of %s seen again", where(confirmed[0]), confirmed[0].Change*100, len(confirmed), count(len(confirmed)+cleared, "regression"))
		out.Headline = "Regressed, confirmed" + strings.TrimPrefix(headline(out.Verdict, list, opt.withDefaults()), "Regressed")
		if s.allTheSame(confirmed) {
			told.Reason += "; the machine, not the job: " + s.environment()
			out.Headline += " The machine, not the job, which is the baseline's own: " + s.environment() + "."
		}
		return out, told
	}
	if len(first.Regressed()) == 0 {
		return first, told
	}
	was := first.Regressed()[0]
	now, _ := worstOf(was, second.Comparisons)
	told.Outcome = events.OutcomeNotConfirmed
	told.Reason = fmt.Sprintf("at the second look %s differs by %+.1f%%, at the first by %+.1f%%", where(was), now.Change*100, was.Change*100)
	if len(slower) > 0 {
		told.Reason = fmt.Sprintf("the machine, not the job: side by side, what was measured before and after differ by %+.1f%% in %s; what they were measured on is slower than when the baseline was, and %s", now.Change*100, where(was), s.environment())
	}
	out.Headline = "Not confirmed: " + told.Reason + "."
	if len(slower) > 0 {
		out.Headline += " If that is to stay, fiord accept makes these results the baseline."
	}
	return out, told
}

// allTheSame reports whether comparisons are of job files that did not change.
func (s Second) allTheSame(list []events.Comparison) bool {
	return !slices.ContainsFunc(list, func(c events.Comparison) bool { return !slices.Contains(s.Same, c.Job) })
}

// environment says what differs of the machine from when the baseline was measured.
func (s Second) environment() string {
	if s.Differs != "" {
		return "its environment differs: " + s.Differs
	}
	if changed := environment(s.Stored, s.After); changed != "" {
		return "its environment differs: " + changed
	}
	return "nothing that fiord knows of its environment differs"
}

// slower are the regressions that stand against the stored baseline although
// both sides, measured one after the other, are alike.
func (s Second) slower(opt Options) []events.Comparison {
	if len(s.Before.Runs) == 0 {
		return nil
	}
	side := Result{Comparisons: s.compared(opt)}.Regressed()
	stored := Second{Of: s.Of, Stored: s.Stored, After: s.After}
	return slices.DeleteFunc(Result{Comparisons: stored.compared(opt)}.Regressed(), func(c events.Comparison) bool {
		return slices.ContainsFunc(side, func(x events.Comparison) bool { return again(x, c) })
	})
}

// worstOf finds what the second look says of a regression; of several hosts the
// worst.
func worstOf(first events.Comparison, second []events.Comparison) (events.Comparison, bool) {
	i := slices.IndexFunc(second, func(c events.Comparison) bool { return again(first, c) })
	if i < 0 {
		return first, false
	}
	return second[i], true
}

// Impossible decides about a bench that regressed at first when there was no
// second look that could be used: nothing is told that nobody confirmed.
func Impossible(first Result, bench, reason string) (Result, events.Confirmation) {
	list := slices.Clone(first.Comparisons)
	for i := range list {
		if list[i].Verdict == events.VerdictRegressed {
			list[i].Verdict = events.VerdictInconclusive
		}
	}
	if len(first.Regressed()) == 0 {
		return first, events.Confirmation{Bench: bench, Outcome: events.OutcomeImpossible, Reason: reason}
	}
	was := first.Regressed()[0]
	reason = strings.TrimSuffix(reason, ".")
	return Result{
		Verdict: events.VerdictInconclusive, Comparisons: list,
		Headline: fmt.Sprintf("Inconclusive: %s %+.1f%%, which could not be confirmed: %s.", where(was), was.Change*100, reason),
	}, events.Confirmation{Bench: bench, Outcome: events.OutcomeImpossible, Reason: reason}
}

// where names what a comparison is of.
func where(c events.Comparison) string {
	if c.Point == "" {
		return c.Metric
	}
	return c.Metric + " at " + c.Point
}
