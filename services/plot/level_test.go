package plot_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

// measured places a bench, ends its runs at a rate that its repeats hardly differ
// in, and waits for its report to be remembered.
func (s *site) measured(key string, rate float64, change ...func(*events.BenchRequested)) events.BenchReported {
	s.t.Helper()
	b := s.place(key, 15, change...)
	s.ends(b, func(i int) float64 { return rate * (1 + 0.002*float64(i/3)) })
	got := s.reported(b.id)
	return got
}

func againstMain(r *events.BenchRequested) {
	r.Compare = &events.Compare{Baseline: "main", Threshold: "5%", Confirm: new(false)}
}

// A machine that moves by 2% from session to session and a baseline that had a good
// day: what two benches call a loss is none against the level. A lasting loss is
// one, until a person accepts it.
func TestABenchIsHeldAgainstTheLevelOfItsSessions(t *testing.T) {
	s := newSite(t)
	s.start()
	var last events.BenchReported
	for i, rate := range []float64{1000, 1020, 985, 1010, 975, 1005, 1015, 990, 1075} {
		last = s.measured(fmt.Sprint("day", i), rate, againstMain)
	}
	if len(last.Comparisons) != 6 || last.Comparisons[0].Level == nil || !last.Comparisons[0].Level.Decides || last.Comparisons[0].Level.Sessions != 8 {
		t.Fatalf("ninth: %q, %+v", last.Headline, last.Comparisons)
	}
	usual := s.measured("usual", 1000, againstMain)
	if usual.Verdict == events.VerdictRegressed || !strings.Contains(usual.Headline, "This machine moves by ") {
		t.Errorf("a usual day after a good one: %s %q", usual.Verdict, usual.Headline)
	}
	s.shows(usual.URL, "9 sessions / 5", "This machine moves by")
	worse := s.measured("worse", 700, againstMain)
	if c := worse.Comparisons[0]; worse.Verdict != events.VerdictRegressed || worse.Shift == nil || worse.Shift.Reports != 1 || c.Level.Sessions < 9 || c.Before != c.Level.Value {
		t.Errorf("30%% less: %s %q, %+v", worse.Verdict, worse.Headline, c.Level)
	}
	s.publish(events.New("fiord/test", "accept", nil, events.BaselineAccepted{Bench: worse.Bench, By: "ada", Reason: "checksums are worth it"}))
	s.accepted(worse)
	after := s.measured("after", 702, againstMain)
	if after.Verdict != events.VerdictUnchanged || after.Baseline != worse.Bench || !strings.Contains(after.Headline, "two sessions only") {
		t.Errorf("after it was accepted: %s %q against %s", after.Verdict, after.Headline, after.Baseline)
	}
}

// What no commit asked for has a history by its name.
func TestABenchRunByHandHasAHistory(t *testing.T) {
	s := newSite(t)
	s.start()
	byHand := func(r *events.BenchRequested) { r.Origin = nil }
	first := s.measured("hand0", 1000, byHand)
	if !strings.HasPrefix(first.Headline, "First result") {
		t.Errorf("first: %q", first.Headline)
	}
	second := s.measured("hand1", 1005, byHand)
	if second.Verdict != events.VerdictBaseline || strings.Contains(second.Headline, "First") || !strings.Contains(second.Headline, "7 sessions more") {
		t.Errorf("second: %s %q", second.Verdict, second.Headline)
	}
	s.shows(second.URL+"/history", "randread", "2 benches")
	for i := 2; i < 8; i++ {
		s.measured(fmt.Sprint("hand", i), 1000+float64(i%3), byHand)
	}
	if worse := s.measured("slower", 700, byHand); worse.Verdict != events.VerdictRegressed {
		t.Errorf("30%% less than eight sessions: %s %q", worse.Verdict, worse.Headline)
	}
}

// A repository that was renamed keeps its history, and one that was given its old
// name does not inherit it.
func TestARenamedRepositoryKeepsItsHistory(t *testing.T) {
	s := newSite(t)
	s.start()
	of := func(id, name string) func(*events.BenchRequested) {
		return func(r *events.BenchRequested) {
			o := *r.Origin
			o.Repo.ID, o.Repo.Name = id, name
			r.Origin = &o
			againstMain(r)
		}
	}
	before := s.measured("named", 1000, of("", "ada/disks")) // a version that knew no ids
	same := s.measured("known", 1000, of("7", "ada/disks"))
	if same.Baseline != before.Bench {
		t.Errorf("the first with an id is held against %q, want %s", same.Baseline, before.Bench)
	}
	renamed := s.measured("renamed", 1000, of("7", "ada/drives"))
	if renamed.Baseline != same.Bench {
		t.Errorf("renamed: held against %q, want %s", renamed.Baseline, same.Bench)
	}
	if other := s.measured("other", 500, of("8", "ada/disks")); other.Verdict != events.VerdictBaseline {
		t.Errorf("another repository of the old name: %s %q", other.Verdict, other.Headline)
	}
	if plain := s.measured("scheduled", 1000, of("", "ada/drives")); plain.Baseline != renamed.Bench {
		t.Errorf("by the new name alone: held against %q, want %s", plain.Baseline, renamed.Bench)
	}
}

// A tail that stays open leaves a bench of equal rates unchanged, unless the bench
// says that it must be decided.
func TestWhatMustBeDecidedIsTheBenchsChoice(t *testing.T) {
	s := newSite(t)
	s.start()
	for _, tt := range []struct {
		key    string
		decide []string
		want   events.Verdict
		blocks bool
	}{
		{"rates", nil, events.VerdictUnchanged, false},
		{"tails", []string{"p99"}, events.VerdictInconclusive, true},
	} {
		change := func(r *events.BenchRequested) {
			r.Name = tt.key
			r.Compare = &events.Compare{Baseline: "main", Threshold: "5%", Decide: tt.decide, BlockUndecided: tt.blocks}
		}
		tails := []float64{1e5, 1.8e5, 0.6e5, 2.4e5, 1.2e5}
		measure := func(key string) events.BenchReported {
			b := s.place(key, 15, change)
			s.publish(b.request, b.placed)
			for i := range b.runs {
				e := b.completed(i, 1000*(1+0.002*float64(i/3)))
				d := e.Data.(events.RunCompleted)
				d.Summary.Read.Latency.P99 = new(tails[i/3])
				e.Data = d
				s.publish(e)
			}
			return s.reported(b.id)
		}
		measure(tt.key + "-before")
		if got := measure(tt.key + "-after"); got.Verdict != tt.want || got.BlockUndecided != tt.blocks {
			t.Errorf("decide %v: %s %q, blocks %v", tt.decide, got.Verdict, got.Headline, got.BlockUndecided)
		}
	}
}
