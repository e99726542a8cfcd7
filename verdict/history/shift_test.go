package history_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict/history"
)

const threshold = 0.05

// compared is a comparison of one metric at one point, known to 1% either way.
func compared(metric, point string, change float64) events.Comparison {
	c := events.Comparison{Job: "a.fio", Point: point, Host: "h", Metric: metric, Change: change, Low: change - 0.01, High: change + 0.01, Verdict: events.VerdictUnchanged}
	if worse := change < 0 == (metric == "read.iops"); worse && (change <= -threshold || change >= threshold) {
		c.Verdict = events.VerdictRegressed
	}
	return c
}

// told is what reports say of shifts.
type told struct {
	since   string
	reports int
	over    string
}

// story reports benches 0, 1, 2 ... to a history, and returns what each said.
type story struct {
	history history.History
	said    []told
}

func (s *story) report(v events.Verdict, list ...events.Comparison) {
	bench := fmt.Sprint(len(s.said))
	out := s.history.Next(bench, "commit-"+bench, v, list, threshold)
	s.history.Report(history.Entry{Bench: bench, Verdict: v}, out, list)
	s.history.Report(history.Entry{Bench: bench, Verdict: v}, out, list) // a redelivery
	var t told
	if out.Shift != nil {
		t.since, t.reports = out.Shift.Since, out.Shift.Reports
	}
	if out.Recovered != nil {
		t.over = out.Recovered.Since
	}
	s.said = append(s.said, t)
}

func slow(change float64) events.Comparison { return compared("read.iops", "bs=4k", change) }

func TestAShiftIsNewOnceAndOverOnce(t *testing.T) {
	var s story
	s.report(events.VerdictBaseline)
	s.report(events.VerdictRegressed, slow(-0.12))
	s.report(events.VerdictRegressed, slow(-0.11))
	s.report(events.VerdictInconclusive, compared("read.iops", "bs=4k", -0.04))
	s.report(events.VerdictRegressed, slow(-0.13))
	s.report(events.VerdictUnchanged, slow(0))
	s.report(events.VerdictUnchanged, slow(0))
	s.report(events.VerdictRegressed, slow(-0.12))
	want := []told{{}, {"1", 1, ""}, {"1", 2, ""}, {}, {"1", 3, ""}, {"", 0, "1"}, {}, {"7", 1, ""}}
	if !slices.Equal(s.said, want) {
		t.Errorf("said %v\nwant %v", s.said, want)
	}
	if got := s.history.Newest(""); got != "6" {
		t.Errorf("baseline %s, want the newest that was unchanged", got)
	}
}

func TestWhatIsNewOfAnOpenShift(t *testing.T) {
	for name, c := range map[string]struct {
		second []events.Comparison
		new    bool
	}{
		"the same":                       {[]events.Comparison{slow(-0.12)}, false},
		"a part of it":                   {[]events.Comparison{slow(-0.12), compared("read.p99", "bs=4k", 0.01)}, false},
		"a little worse":                 {[]events.Comparison{slow(-0.14)}, false},
		"worse, and perhaps not clearly": {[]events.Comparison{{Job: "a.fio", Point: "bs=4k", Host: "h", Metric: "read.iops", Change: -0.2, Low: -0.4, High: -0.1, Verdict: events.VerdictRegressed}}, false},
		"clearly worse":                  {[]events.Comparison{slow(-0.2)}, true},
		"another metric":                 {[]events.Comparison{slow(-0.12), compared("read.lat", "bs=4k", 0.3)}, true},
		"latency clearly worse":          {[]events.Comparison{slow(-0.12), compared("read.p99", "bs=4k", 0.6)}, true},
		"another point":                  {[]events.Comparison{compared("read.iops", "bs=8k", -0.12)}, true},
	} {
		var s story
		s.report(events.VerdictRegressed, slow(-0.12), compared("read.p99", "bs=4k", 0.3))
		s.report(events.VerdictRegressed, c.second...)
		if got := s.said[1].since == "1" && s.said[1].reports == 1; got != c.new {
			t.Errorf("%s: said %+v", name, s.said[1])
		}
	}
}

// What an earlier shift told and a later one includes is not news a third time,
// and a shift cannot creep away by steps that are no news each.
func TestShiftsOnTopOfEachOther(t *testing.T) {
	var s story
	s.report(events.VerdictRegressed, slow(-0.12))
	s.report(events.VerdictRegressed, compared("read.iops", "bs=8k", -0.12))
	s.report(events.VerdictRegressed, slow(-0.12))
	if s.said[1].since != "1" || s.said[2] != (told{"1", 2, ""}) {
		t.Errorf("said %v", s.said)
	}
	var creeping story
	for change := -0.12; change > -0.30; change -= 0.02 {
		creeping.report(events.VerdictRegressed, slow(change))
	}
	news := 0
	for _, said := range creeping.said {
		if said.reports == 1 {
			news++
		}
	}
	if news < 3 || news > 5 {
		t.Errorf("told %d times on the way from -12%% to -30%%: %v", news, creeping.said)
	}
}

func TestAcceptingEndsTheShiftItIsPartOf(t *testing.T) {
	var s story
	s.report(events.VerdictRegressed, slow(-0.12))
	s.report(events.VerdictRegressed, slow(-0.12))
	if !s.history.Accept("1") || s.history.Open != nil {
		t.Fatalf("still open: %+v", s.history.Open)
	}
	s.report(events.VerdictRegressed, slow(-0.12))
	s.report(events.VerdictUnchanged, slow(0))
	if s.said[2] != (told{"2", 1, ""}) || s.said[3] != (told{"", 0, "2"}) {
		t.Errorf("said %v", s.said)
	}
	var older story
	older.report(events.VerdictBaseline)
	older.report(events.VerdictRegressed, slow(-0.12))
	if older.history.Accept("0"); older.history.Open == nil {
		t.Error("accepting what came before the shift ended it")
	}
}

func TestThatOtherPointsAreFineEndsNoShift(t *testing.T) {
	var s story
	s.report(events.VerdictRegressed, slow(-0.12))
	s.report(events.VerdictUnchanged, compared("read.iops", "bs=1m", 0))
	if s.said[1] != (told{}) || s.history.Open == nil {
		t.Errorf("said %+v", s.said[1])
	}
}

func TestWhatWasSlowAndNobodyKnowsWhyIsNoBaseline(t *testing.T) {
	h := of(events.VerdictUnchanged)
	h.Add(history.Entry{Bench: "1", Verdict: events.VerdictUnchanged, Unconfirmed: true})
	if got := h.Newest(""); got != "0" {
		t.Errorf("baseline %s", got)
	}
	if h.Accept("1"); h.Newest("") != "1" {
		t.Error("not even when somebody says so")
	}
	h = of(events.VerdictUnchanged)
	h.Add(history.Entry{Bench: "1", Verdict: events.VerdictInconclusive, Shift: "0"})
	if got := h.Newest(""); got != "0" {
		t.Errorf("baseline %s: what cannot be told from an open shift", got)
	}
}

// Whatever comes: a shift is told as new before it is repeated, counted without
// gaps, and over at most once.
func TestShiftsAreCountedWithoutGaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s story
		reports, over := map[string]int{}, map[string]bool{}
		for range rapid.IntRange(1, 40).Draw(t, "reports") {
			list := []events.Comparison{slow(rapid.Float64Range(-0.5, 0.2).Draw(t, "a")), compared("read.p99", "bs=4k", rapid.Float64Range(-0.2, 0.5).Draw(t, "b"))}
			v := events.VerdictUnchanged
			if list[0].Verdict == events.VerdictRegressed || list[1].Verdict == events.VerdictRegressed {
				v = events.VerdictRegressed
			} else if rapid.Bool().Draw(t, "unsure") {
				v = events.VerdictInconclusive
			}
			s.report(v, list...)
			said := s.said[len(s.said)-1]
			if (said.since != "") != (v == events.VerdictRegressed) {
				t.Fatalf("%s says %+v", v, said)
			}
			if said.since != "" {
				if over[said.since] || said.reports != reports[said.since]+1 {
					t.Fatalf("after %d reports of %s: %+v", reports[said.since], said.since, said)
				}
				reports[said.since]++
			}
			if said.over != "" {
				if over[said.over] || reports[said.over] == 0 {
					t.Fatalf("over again, or never told: %+v", said)
				}
				over[said.over] = true
			}
		}
	})
}

// A shift that has lasted is over when the level has moved to it, and nothing has
// recovered then.
func TestAShiftThatLastedSettles(t *testing.T) {
	at := func(v events.Verdict, before, after float64) []events.Comparison {
		c := slow(after/before - 1)
		c.Before, c.After, c.Verdict, c.Level = before, after, v, &events.Level{Decides: true, Sessions: 9, Value: before}
		return []events.Comparison{c}
	}
	var h history.History
	worse := at(events.VerdictRegressed, 1000, 800)
	h.Report(history.Entry{Bench: "worse"}, h.Next("worse", "", events.VerdictRegressed, worse, threshold), worse)
	back := h.Next("back", "", events.VerdictUnchanged, at(events.VerdictUnchanged, 1000, 990), threshold)
	if back.Recovered == nil || back.Settled != nil {
		t.Errorf("back at the old level: %+v", back)
	}
	same := at(events.VerdictUnchanged, 800, 805)
	stays := h.Next("same", "", events.VerdictUnchanged, same, threshold)
	if stays.Settled == nil || stays.Recovered != nil {
		t.Errorf("at the level that moved: %+v", stays)
	}
	h.Report(history.Entry{Bench: "same"}, stays, same)
	if h.Open != nil || h.Entries[1].Shift != "" {
		t.Errorf("open %+v, entry %+v", h.Open, h.Entries[1])
	}
}
