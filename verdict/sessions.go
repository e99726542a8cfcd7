package verdict

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict/level"
)

// Standing is where the newest session of a series stands against its level:
// one metric of one section, point and kind of machine.
type Standing struct {
	Job    string `json:"job,omitempty"`
	Point  string `json:"point"`
	Host   string `json:"host,omitempty"`
	Metric string `json:"metric"`
	Unit   string `json:"unit"`
	// Answer against the level, and what it means for the metric.
	Answer  level.Answer   `json:"answer"`
	Verdict events.Verdict `json:"verdict"`
	// Value is the median of the newest session's repeats, of tails where the lower
	// ones lie unless Strays; Level the reference with
	// its 95% interval, null while there is none.
	Value     float64  `json:"value"`
	Level     float64  `json:"level"`
	LevelLow  *float64 `json:"level_low" jsonschema:"nullable"`
	LevelHigh *float64 `json:"level_high" jsonschema:"nullable"`
	// Spread is the standard deviation from session to session as a share of the
	// level, null while it is not known.
	Spread *float64 `json:"spread" jsonschema:"nullable"`
	// Change is Value/Level-1 on the scale of the answer, Low and High its 95%
	// interval, null while there is none.
	Change float64  `json:"change"`
	Low    *float64 `json:"low" jsonschema:"nullable"`
	High   *float64 `json:"high" jsonschema:"nullable"`
	// P is the one-sided p-value of the strongest test.
	P float64 `json:"p"`
	// Sessions of the level, Together of the newest that show the change, and
	// More that would decide or make the level known; 0 where none is needed.
	Sessions int `json:"sessions"`
	Together int `json:"together,omitempty"`
	More     int `json:"more,omitempty"`
	// Drift says that the change crept in.
	Drift bool `json:"drift,omitempty"`
	// Strays says that the change is of more repeats than before that lie far above
	// the others: of tails alone.
	Strays bool `json:"strays,omitempty"`
	// Shifts are the sessions, the newest included, that were shifted when they
	// came.
	Shifts []SessionShift `json:"shifts,omitempty"`

	group group
	n     int // sound repeats of the newest session
}

// SessionShift is a session that was shifted against the level of its time.
type SessionShift struct {
	Session string  `json:"session"`
	Change  float64 `json:"change"`
	Better  bool    `json:"better"`
	Drift   bool    `json:"drift,omitempty"`
	// Moved says that the shift had lasted and that the level moved with it.
	Moved bool `json:"moved,omitempty"`
}

// Sessions holds the newest of several benches, oldest first, against the level
// of those before it. All of a bench's comparisons share its error: see
// [level.Family]. Standings come in the order of what a reader must know first.
func Sessions(benches []Bench, opt Options) (Result, []Standing) {
	opt = opt.withDefaults()
	if len(benches) == 0 {
		return Result{Verdict: events.VerdictInvalid, Headline: "There is no session."}, nil
	}
	newest := benches[len(benches)-1]
	if r, done := unfit(newest); done {
		return r, nil
	}
	list := standings(seriesOf(benches, opt), benches, opt)
	slices.SortFunc(list, func(a, b Standing) int {
		return cmp.Or(
			cmp.Compare(severity(b.Verdict), severity(a.Verdict)), cmp.Compare(math.Abs(b.Change), math.Abs(a.Change)),
			cmp.Compare(a.Job, b.Job), cmp.Compare(a.Point, b.Point), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Metric, b.Metric),
		)
	})
	return Result{Verdict: opt.overall(verdicts(list)), Headline: standingsHeadline(list, len(benches)-1, opt)}, list
}

// standings judges each series; all of them are one family.
func standings(series []series, benches []Bench, opt Options) []Standing {
	list := make([]Standing, 0, len(series))
	last := make([]*level.Judgement, 0, len(series))
	for _, s := range series {
		all := level.Follow(s.sessions, s.metric.options(opt))
		last = append(last, &all[len(all)-1])
		list = append(list, s.standing(benches, all, opt))
	}
	level.Family(last)
	for i, j := range last {
		list[i].settle(j)
	}
	return list
}

// options are those of a metric's level.
func (m Metric) options(opt Options) level.Options {
	return level.Options{Threshold: opt.Threshold, LowerIsBetter: !m.HigherIsBetter(), Tail: m.Percent() >= leastTail}
}

// leastTail is the percentile from which on a run that stalled decides alone what
// the run's percentile is.
const leastTail = 95

// series is one metric of one group over all sessions.
type series struct {
	group    group
	metric   Metric
	sessions []level.Session
}

// seriesOf gathers the series that the newest bench has.
func seriesOf(benches []Bench, opt Options) []series {
	newest := benches[len(benches)-1]
	machine, classes := machinesOf(benches), known(newest)
	per := make([]map[group]map[Metric]sample, len(benches))
	for i, b := range benches {
		per[i] = samples(b, machine, classes)
	}
	var out []series
	for g, metrics := range per[len(per)-1] {
		for m := range metrics {
			if !slices.Contains(opt.Figures, m.Figure()) {
				continue
			}
			s := series{group: g, metric: m, sessions: make([]level.Session, len(benches))}
			for i := range benches {
				s.sessions[i].Values, s.sessions[i].Accepted = per[i][g][m].values, benches[i].Accepted
			}
			out = append(out, s)
		}
	}
	return out
}

// machinesOf returns what names the machine of a run through a history: its host,
// if that measured at least half of the sessions before the newest, else its
// kind, as in pools, where hosts come and go. Without fingerprints a host is only
// ever held against itself.
func machinesOf(benches []Bench) func(Run) string {
	measured := map[string]int{}
	for _, b := range benches[:len(benches)-1] {
		seen := map[string]bool{}
		for _, r := range b.Runs {
			if !seen[r.Host] {
				seen[r.Host] = true
				measured[r.Host]++
			}
		}
	}
	return func(r Run) string {
		if 2*measured[r.Host] >= len(benches)-1 || r.HostClass == "" || r.DeviceClass == "" {
			return r.Host
		}
		return "class " + r.HostClass + "/" + r.DeviceClass
	}
}

// standing describes the newest session, before its family is heard.
func (s series) standing(benches []Bench, all []level.Judgement, opt Options) Standing {
	j := all[len(all)-1]
	values := slices.Sorted(slices.Values(s.sessions[len(all)-1].Values))
	out := Standing{
		Job: s.group.job, Point: s.group.point, Host: s.group.machine, Metric: string(s.metric), Unit: s.metric.Unit(),
		Value: s.value(values, j.Strays, opt), Level: j.Level.Value, Change: j.Change, Low: finite(j.Low), High: finite(j.High), P: j.P,
		Sessions: j.Level.Sessions, Together: j.Together, Drift: j.Drift, Strays: j.Strays, group: s.group, n: len(values),
	}
	if j.Level.Sessions > 1 {
		out.Spread, out.LevelLow, out.LevelHigh = finite(j.Level.Spread), finite(j.Level.Low), finite(j.Level.High)
	}
	if j.Answer == level.TooFew {
		out.Low, out.High = nil, nil
	}
	for i, j := range all {
		if j.Answer == level.Shifted {
			out.Shifts = append(out.Shifts, SessionShift{benches[i].Bench, j.Change, j.Better, j.Drift, j.Moved})
		}
	}
	return out
}

// value is what stands for the newest session.
func (s series) value(sorted []float64, strays bool, opt Options) float64 {
	if o := s.metric.options(opt); o.Tail && !strays {
		return level.Location(sorted, o)
	}
	return Median(sorted)
}

// settle takes over the answer that the family left.
func (s *Standing) settle(j *level.Judgement) {
	s.Answer, s.More = j.Answer, j.More
	switch {
	case j.Answer == level.TooFew:
		s.Verdict = events.VerdictBaseline
	case j.Answer == level.Equal:
		s.Verdict = events.VerdictUnchanged
	case j.Answer == level.Undecided:
		s.Verdict = events.VerdictInconclusive
	case j.Better:
		s.Verdict = events.VerdictImproved
	default:
		s.Verdict = events.VerdictRegressed
	}
	if n := len(s.Shifts); j.Answer != level.Shifted && n > 0 && s.Shifts[n-1].Change == s.Change {
		s.Shifts = s.Shifts[:n-1] // the family took it back
	}
}

// finite is nil for what JSON cannot say.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func verdicts(list []Standing) []decided {
	out := make([]decided, len(list))
	for i, s := range list {
		out[i] = decided{Metric(s.Metric), s.Verdict}
	}
	return out
}

// standingsHeadline says in a sentence or two what the standings come to: first
// what shifted, then what is equal, then what is open.
func standingsHeadline(list []Standing, before int, opt Options) string {
	if len(list) == 0 {
		return "Nothing of the newest session was measured before."
	}
	top := list[0]
	if few := top.Verdict == events.VerdictBaseline; few || before < level.Enough {
		return fmt.Sprintf("%s before this one: a level needs %d, so nothing can be said of how this machine moves from session to session.", count(before, "session"), level.Enough)
	}
	n := map[events.Verdict]int{}
	for _, s := range list {
		n[s.Verdict]++
	}
	text := ""
	if top.Verdict == events.VerdictRegressed || top.Verdict == events.VerdictImproved {
		how := ""
		if top.Strays {
			how = " since more repeats stall than before,"
		} else if top.Drift {
			how = fmt.Sprintf(" over %d sessions", top.Together)
		} else if top.Together > 1 {
			how = fmt.Sprintf(" in the last %d sessions", top.Together)
		}
		text = fmt.Sprintf("%s: %s %+.1f%%%s against a level of %s; ", title(top.Verdict), place(top.Metric, top.Job, top.Point), 100*top.Change, how, count(top.Sessions, "session"))
	}
	text += fmt.Sprintf("%d of %s shifted, %d within %g%%, %d open.", n[events.VerdictRegressed]+n[events.VerdictImproved], count(len(list), "comparison"), n[events.VerdictUnchanged], 100*opt.Threshold, n[events.VerdictInconclusive])
	if spread := typicalSpread(list); spread > 0 {
		text += fmt.Sprintf(" This machine moves by %.1f%% from session to session.", 100*spread)
	}
	return text
}

// typicalSpread is the median spread of the rates among standings, or of all if
// there is no rate.
func typicalSpread(list []Standing) float64 {
	var rates, all []float64
	for _, s := range list {
		if s.Spread == nil {
			continue
		}
		all = append(all, *s.Spread)
		if Metric(s.Metric).HigherIsBetter() {
			rates = append(rates, *s.Spread)
		}
	}
	if len(rates) > 0 {
		all = rates
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return Median(all)
}
