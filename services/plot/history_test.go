package plot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
)

// A push is held against the newest sound bench of its baseline's branch.
func TestVerdictAgainstTheBaseline(t *testing.T) {
	s := newSite(t)
	s.start()
	compare := func(r *events.BenchRequested) {
		r.Compare = &events.Compare{Baseline: "main", Threshold: "5%", Confirm: new(false)}
	}
	measure := func(key string, level float64) events.BenchReported {
		t.Helper()
		const runs = 15 // five repeats of three points
		b := s.place(key, runs, compare)
		s.publish(b.request, b.placed)
		for i := range runs {
			s.publish(b.completed(i, level*(1+0.002*float64(i/3))))
		}
		got := await[events.BenchReported](s)
		if got.Bench != b.id {
			t.Fatalf("%s: another bench was reported", key)
		}
		s.remembered(b, got)
		return got
	}
	first := measure("one", 1000)
	if first.Verdict != events.VerdictBaseline {
		t.Fatalf("first: %s %q", first.Verdict, first.Headline)
	}
	same := measure("two", 1005)
	if same.Verdict != events.VerdictUnchanged || same.Baseline != first.Bench || len(same.Comparisons) != 6 {
		t.Errorf("second: %s %q against %s", same.Verdict, same.Headline, same.Baseline)
	}
	worse := measure("three", 800)
	if worse.Verdict != events.VerdictRegressed || worse.Baseline != same.Bench {
		t.Errorf("third: %s %q against %s", worse.Verdict, worse.Headline, worse.Baseline)
	}
	still := measure("four", 800)
	if still.Verdict != events.VerdictRegressed || still.Baseline != same.Bench {
		t.Errorf("fourth: %s against %s: what regressed must not become the baseline by itself", still.Verdict, still.Baseline)
	}
	s.publish(events.New("fiord/test", "accept", nil, events.BaselineAccepted{Bench: still.Bench, By: "ada", Reason: "checksums are worth it"}))
	s.accepted(still)
	if after := measure("five", 801); after.Verdict != events.VerdictUnchanged || after.Baseline != still.Bench {
		t.Errorf("fifth: %s against %s, want the accepted %s", after.Verdict, after.Baseline, still.Bench)
	}
}

// history reads the history document of the test's benches.
func (s *site) history() string {
	s.t.Helper()
	key := artifacts.ArchiveKey("history", events.HashID("history", "ada/disks", "randread", "refs/heads/main"))
	claim, err := s.store.Claim(s.t.Context(), key)
	if err != nil {
		return ""
	}
	raw, err := s.store.ReadAll(s.t.Context(), claim, 1<<20)
	if err != nil {
		return "" // replaced since its hash was looked up
	}
	return string(raw)
}

func (s *site) eventually(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("never: %s", what)
		}
	}
}

// remembered waits until a report is part of the history.
func (s *site) remembered(b bench, _ events.BenchReported) {
	s.t.Helper()
	s.eventually("the report is remembered", func() bool { return strings.Contains(s.history(), b.id) })
}

func (s *site) accepted(r events.BenchReported) {
	s.t.Helper()
	s.eventually("the baseline is accepted", func() bool { return strings.Contains(s.history(), `"accepted":true`) })
}
