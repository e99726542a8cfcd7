package verdict

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/hist"
)

// Run is one run as far as a verdict is concerned.
type Run struct {
	Run   string `json:"run"`
	Job   string `json:"job"`
	Point string `json:"point"`
	Host  string `json:"host"`
	// HostClass and DeviceClass are fingerprints of what was measured on.
	HostClass   string `json:"host_class,omitempty"`
	DeviceClass string `json:"device_class,omitempty"`
	// Integrity other than ok keeps the run out of every comparison.
	Integrity events.IntegrityState `json:"integrity"`
	// Faults are the checks of integrity that the run did not pass.
	Faults []string           `json:"faults,omitempty"`
	Values map[Metric]float64 `json:"values"`
	// LatencyOf is what LatencyOf says of the run's summary.
	LatencyOf string `json:"latency_of,omitempty"`
	// Tails are the run's latencies by direction, for comparisons of percentiles.
	// They are read from the run's result and kept nowhere else; nil is fine.
	Tails map[string]*hist.Histogram `json:"-"`
}

// Bench is the completed runs of one bench and how all of them ended. It is
// what reports/<bench>/verdict.json holds, so that a later bench can be held
// against it.
type Bench struct {
	Bench  string        `json:"bench"`
	Counts events.Counts `json:"counts"`
	Runs   []Run         `json:"runs"`
	// Accepted says that a person accepted these results as the new level; known
	// from the history, and kept there.
	Accepted bool `json:"-"`
}

// Options of a judgement.
type Options struct {
	// Figures that decide: iops, bw, lat, p50, p95, p99, p999. Empty means
	// iops and p99.
	Figures []string
	// Threshold is the least relative shift worth telling; 0 means 5%.
	Threshold float64
	// Decide are the figures that must be decided for the whole to be: one that
	// is undecided makes the verdict inconclusive. Empty means the rates among
	// Figures, or all of them if there is no rate.
	Decide []string
}

// Result is a judgement.
type Result struct {
	Verdict     events.Verdict
	Headline    string
	Comparisons []events.Comparison // greatest shift first
	Absent      []Absence           // what the baseline has and the bench has not
}

// Judge decides about after. before is nil when there is nothing to compare
// with.
func Judge(before *Bench, after Bench, opt Options) Result {
	if r, done := unfit(after); done {
		return r.stalled(before, after)
	}
	if before == nil {
		return Result{Verdict: events.VerdictBaseline, Headline: fmt.Sprintf("First result: %s measured, nothing to compare with yet.", count(sound(after), "run"))}
	}
	opt = opt.withDefaults()
	list := comparisons(*before, after, opt)
	if changed := environment(*before, after); len(list) == 0 && changed != "" {
		return Result{Verdict: events.VerdictInconclusive, Headline: "Inconclusive: the environment changed since the baseline (" + changed + "), so no shift could be told from that; fiord accept makes these results the baseline."}
	}
	absent := absences(*before, after)
	if len(list) == 0 {
		return Result{Verdict: events.VerdictInconclusive, Headline: nothingInCommon(*before, after)}.withAbsences(absent)
	}
	v := opt.overall(comparisonsDecided(list))
	return Result{Verdict: v, Headline: headline(v, list, opt), Comparisons: list}.withAbsences(absent)
}

// nothingInCommon says why no point could be compared: what the two benches
// differ in.
func nothingInCommon(before, after Bench) string {
	differ := func(of func(Run) string) (string, string, bool) {
		var a, b []string
		for _, r := range before.Runs {
			a = append(a, of(r))
		}
		for _, r := range after.Runs {
			b = append(b, of(r))
		}
		if len(a) == 0 || len(b) == 0 || slices.ContainsFunc(b, func(x string) bool { return slices.Contains(a, x) }) {
			return "", "", false
		}
		return a[0], b[0], true
	}
	for _, c := range []struct {
		what string
		of   func(Run) string
	}{
		{"job file", func(r Run) string { return r.Job }}, {"machine", func(r Run) string { return r.Host }}, {"point", func(r Run) string { return r.Point }},
	} {
		if old, now, ok := differ(c.of); ok {
			return fmt.Sprintf("Nothing in common with the baseline: its %s is %q, and this one's is %q.", c.what, old, now)
		}
	}
	return "Nothing in common with the baseline: no metric was measured by both on the same kind of machine."
}

// unfit tells of a bench that cannot be judged, whatever it is held against.
func unfit(b Bench) (Result, bool) {
	n := b.Counts
	switch {
	case n.Completed == 0:
		return Result{Verdict: events.VerdictFailed, Headline: fmt.Sprintf("None of %s completed: %s.", count(n.Planned, "run"), ends(n))}, true
	case n.Completed < n.Planned:
		return Result{Verdict: events.VerdictFailed, Headline: fmt.Sprintf("%d of %s completed: %s.", n.Completed, count(n.Planned, "run"), ends(n))}, true
	case sound(b) == 0:
		return Result{Verdict: events.VerdictInvalid, Headline: fmt.Sprintf("No run of %d passed its integrity checks.", len(b.Runs))}, true
	}
	return Result{}, false
}

// sound counts the runs that may take part in comparisons.
func sound(b Bench) int {
	n := 0
	for _, r := range b.Runs {
		if r.Integrity == events.IntegrityOK {
			n++
		}
	}
	return n
}

// ends lists what went wrong, such as "2 failed, 1 expired".
func ends(n events.Counts) string {
	text := ""
	for _, e := range []struct {
		n    int
		name string
	}{{n.Failed, "failed"}, {n.Rejected, "rejected"}, {n.Expired, "expired"}, {n.Cancelled, "cancelled"}} {
		if e.n == 0 {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d %s", e.n, e.name)
	}
	return text
}

// group is what may be compared: one point of one job on one machine, or on
// one kind of machine when hosts are not the same.
// Latencies of another kind are another group.
// So is the same host once its kernel, its device or their settings are others:
// what shifted then may be theirs.
type group struct{ job, point, machine, class, latency string }

// comparisons holds each common group against the baseline, metric by metric.
func comparisons(before, after Bench, opt Options) []events.Comparison {
	machine := machines(before, after)
	classes := known(before) && known(after)
	a, b := samples(before, machine, classes), samples(after, machine, classes)
	var out []events.Comparison
	for g, metrics := range b {
		for m, now := range metrics {
			if old, ok := a[g][m]; ok && slices.Contains(opt.Figures, m.Figure()) {
				out = append(out, judgeOne(g, m, compareRuns(old.values, now.values), merged(m, old, now), opt))
			}
		}
	}
	sortComparisons(out)
	return out
}

// sortComparisons puts what a reader must hear first at the head.
func sortComparisons(list []events.Comparison) {
	slices.SortFunc(list, func(x, y events.Comparison) int {
		return cmp.Or(
			cmp.Compare(severity(y.Verdict), severity(x.Verdict)),
			cmp.Compare(math.Abs(y.Change), math.Abs(x.Change)),
			cmp.Compare(x.Job, y.Job), cmp.Compare(x.Point, y.Point), cmp.Compare(x.Host, y.Host), cmp.Compare(x.Metric, y.Metric),
		)
	})
}

// machines returns what names the machine of a run: the host if both benches
// used the same ones, else its fingerprints, without which nothing may be
// compared across hosts.
func machines(before, after Bench) func(Run) string {
	hosts := func(b Bench) []string {
		var names []string
		for _, r := range b.Runs {
			names = append(names, r.Host)
		}
		slices.Sort(names)
		return slices.Compact(names)
	}
	old := hosts(before)
	shared := !slices.ContainsFunc(hosts(after), func(h string) bool { return !slices.Contains(old, h) })
	return func(r Run) string {
		if shared || r.HostClass == "" || r.DeviceClass == "" {
			return r.Host
		}
		return "class " + r.HostClass + "/" + r.DeviceClass
	}
}

// sample is a metric of the sound runs of one group, and their latencies, nil
// for a run without.
type sample struct {
	values []float64
	tails  []*hist.Histogram
}

// samples gathers the values of sound runs by group and metric.
func samples(b Bench, machine func(Run) string, classes bool) map[group]map[Metric]sample {
	out := map[group]map[Metric]sample{}
	for _, r := range b.Runs {
		if r.Integrity != events.IntegrityOK {
			continue
		}
		for m, v := range r.Values {
			g := group{job: r.Job, point: r.Point, machine: machine(r)}
			if classes {
				g.class = r.Class()
			}
			if m.Headline() {
				g.latency = r.LatencyOf
			}
			if out[g] == nil {
				out[g] = map[Metric]sample{}
			}
			all := out[g][m]
			out[g][m] = sample{append(all.values, v), append(all.tails, r.Tails[m.Direction()])}
		}
	}
	return out
}

// merged compares a percentile of all I/Os of both sides, if the latencies of all
// runs are at hand.
func merged(m Metric, before, after sample) *events.MergedTail {
	percent := m.Percent()
	if percent == 0 || slices.Contains(before.tails, nil) || slices.Contains(after.tails, nil) {
		return nil
	}
	return TailShift(before.tails, after.tails, percent)
}

// judgeOne turns a shift into a comparison with its verdict. A percentile's
// shift is not reported if that of all I/Os together lies wholly on the other side:
// what people feel are the I/Os, not the median of runs. That it is merely unsure
// there says nothing: one run that stalled is enough for that.
func judgeOne(g group, m Metric, s shift, tail *events.MergedTail, opt Options) events.Comparison {
	c := events.Comparison{
		Job: g.job, Point: g.point, Host: g.machine, Metric: string(m), Unit: m.Unit(),
		Before: s.before, After: s.after, Change: s.change, Low: s.low, High: s.high,
		P: s.p, NBefore: s.nBefore, NAfter: s.nAfter, Trimmed: s.trimmed, Merged: tail,
	}
	better := s.change > 0 == m.HigherIsBetter()
	rejects := s.p < alpha
	if s.trimmed > 0 {
		rejects = s.p < trimmedAlpha
	}
	shifted := rejects && math.Abs(s.change) >= opt.Threshold && !contradicts(tail, s.change)
	switch {
	case shifted && better:
		c.Verdict = events.VerdictImproved
	case shifted:
		c.Verdict = events.VerdictRegressed
	case s.low >= -opt.Threshold && s.high <= opt.Threshold:
		c.Verdict = events.VerdictUnchanged
	default:
		c.Verdict = events.VerdictInconclusive
	}
	if math.IsInf(c.Low, 0) {
		c.Low, c.High, c.NoInterval = 0, 0, true
	}
	return c
}

// contradicts reports that the I/Os of both sides together went the other way.
func contradicts(tail *events.MergedTail, change float64) bool {
	if tail == nil || !tail.Interval {
		return false
	}
	return change > 0 && tail.High < 0 || change < 0 && tail.Low > 0
}

// severity orders verdicts by what a reader must hear first.
func severity(v events.Verdict) int {
	return slices.Index([]events.Verdict{
		events.VerdictUnchanged, events.VerdictImproved, events.VerdictInconclusive, events.VerdictRegressed,
	}, v)
}

// worst is the verdict of the whole: a regression anywhere outweighs all, and
// an improvement is told although other points stayed.
func worst(list []events.Comparison) events.Verdict {
	return slices.MaxFunc(list, func(a, b events.Comparison) int {
		return cmp.Compare(severity(a.Verdict), severity(b.Verdict))
	}).Verdict
}

// headline says the verdict in a sentence, with the greatest shift: first what
// shifted, then what is equal, then what is open.
func headline(v events.Verdict, list []events.Comparison, opt Options) string {
	n := map[events.Verdict]int{}
	for _, c := range list {
		n[c.Verdict]++
	}
	top := list[slices.IndexFunc(list, func(c events.Comparison) bool { return c.Verdict == v })]
	limit := fmt.Sprintf("%g%%", opt.Threshold*100)
	open := ""
	if k := n[events.VerdictInconclusive]; k > 0 {
		need := "more repeats would decide"
		if top.NBefore < 5 || top.NAfter < 5 {
			need = "repeat each point at least 5 times"
		}
		open = fmt.Sprintf("%d of %s cannot be told from noise at %s; %s.", k, count(len(list), "comparison"), limit, need)
	}
	switch v {
	case events.VerdictUnchanged:
		if open != "" {
			return fmt.Sprintf("Unchanged: %s within %s; %s", count(n[v], "comparison"), limit, open)
		}
		return fmt.Sprintf("Unchanged: %s within %s.", count(len(list), "comparison"), limit)
	case events.VerdictInconclusive:
		return "Inconclusive: " + open
	default:
		return fmt.Sprintf("%s: %s %+.1f%% (p = %.3f, %d against %d runs), %d of %s shifted.",
			title(v), place(top.Metric, "", top.Point), top.Change*100, top.P, top.NAfter, top.NBefore, n[v], count(len(list), "comparison"))
	}
}

// comparisonsDecided are the verdicts of comparisons by metric.
func comparisonsDecided(list []events.Comparison) []decided {
	out := make([]decided, len(list))
	for i, c := range list {
		out[i] = decided{Metric(c.Metric), c.Verdict}
	}
	return out
}

// count writes n with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
