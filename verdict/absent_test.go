package verdict_test

import (
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict"
)

// twoPoints is a bench of five runs at each of two points, those of the second
// with the given integrity.
func twoPoints(state events.IntegrityState, fault string, metric verdict.Metric) verdict.Bench {
	b := verdict.Bench{Bench: "b", Counts: events.Counts{Planned: 10, Completed: 10}}
	for _, point := range []string{"iodepth=1", "iodepth=2"} {
		for i := range 5 {
			r := verdict.Run{Job: "j", Point: point, Host: "h", Integrity: events.IntegrityOK, Values: map[verdict.Metric]float64{metric: 1000 + float64(i)}}
			if point == "iodepth=2" && fault != "" {
				r.Integrity, r.Faults = state, []string{fault}
			}
			b.Runs = append(b.Runs, r)
		}
	}
	return b
}

func TestAStallInEveryRepeatOfAPointIsARegression(t *testing.T) {
	before := twoPoints(events.IntegrityOK, "", "read.iops")
	got := verdict.Judge(&before, twoPoints(events.IntegritySuspect, "stall", "read.iops"), verdict.Options{})
	if got.Verdict != events.VerdictRegressed || !strings.Contains(got.Headline, "iodepth=2: all 5 runs are suspect: stall") {
		t.Errorf("%s: %s", got.Verdict, got.Headline)
	}
	if len(got.Comparisons) != 1 {
		t.Errorf("what stayed is hidden: %v", got.Comparisons)
	}
}

func TestAPointThatIsSuspectForAnotherReasonIsOpen(t *testing.T) {
	before := twoPoints(events.IntegrityOK, "", "read.iops")
	got := verdict.Judge(&before, twoPoints(events.IntegritySuspect, "busy_neighbour", "read.iops"), verdict.Options{})
	if got.Verdict != events.VerdictInconclusive || !strings.Contains(got.Headline, "Not compared: iodepth=2") {
		t.Errorf("%s: %s", got.Verdict, got.Headline)
	}
}

func TestADirectionThatVanishedIsNamed(t *testing.T) {
	before := twoPoints(events.IntegrityOK, "", "read.iops")
	for i := range before.Runs {
		before.Runs[i].Values["write.iops"] = 500 + float64(i%5)
	}
	got := verdict.Judge(&before, twoPoints(events.IntegrityOK, "", "read.iops"), verdict.Options{})
	if got.Verdict != events.VerdictInconclusive || len(got.Absent) != 2 || got.Absent[0].Direction != "write" {
		t.Errorf("%s: %s: %v", got.Verdict, got.Headline, got.Absent)
	}
}

func TestAnUndecidedTailHidesNeitherEqualRatesNorAGain(t *testing.T) {
	tails := []float64{100, 900, 150, 700, 120} // a tail that five repeats cannot decide
	bench := func(rate float64) verdict.Bench {
		b := verdict.Bench{Bench: "b", Counts: events.Counts{Planned: 5, Completed: 5}}
		for i, tail := range tails {
			b.Runs = append(b.Runs, verdict.Run{Job: "j", Host: "h", Integrity: events.IntegrityOK, Values: map[verdict.Metric]float64{
				"read.iops": rate + float64(i), "read.p99": tail,
			}})
		}
		return b
	}
	before := bench(1000)
	for rate, want := range map[float64]events.Verdict{1001: events.VerdictUnchanged, 1500: events.VerdictImproved, 500: events.VerdictRegressed} {
		if got := verdict.Judge(&before, bench(rate), verdict.Options{}); got.Verdict != want {
			t.Errorf("rate %g: %s, want %s: %s", rate, got.Verdict, want, got.Headline)
		}
	}
	got := verdict.Judge(&before, bench(1001), verdict.Options{Decide: []string{"p99"}})
	if got.Verdict != events.VerdictInconclusive {
		t.Errorf("p99 must be decided: %s: %s", got.Verdict, got.Headline)
	}
}

func TestNothingInCommonNamesWhatDiffers(t *testing.T) {
	before := twoPoints(events.IntegrityOK, "", "read.iops")
	after := twoPoints(events.IntegrityOK, "", "read.iops")
	for i := range after.Runs {
		after.Runs[i].Job = "renamed.fio"
	}
	got := verdict.Judge(&before, after, verdict.Options{})
	if got.Verdict != events.VerdictInconclusive || !strings.Contains(got.Headline, `its job file is "j", and this one's is "renamed.fio"`) {
		t.Errorf("%s: %s", got.Verdict, got.Headline)
	}
}

// A bench whose every run stalls, and whose baseline's did not, has regressed: nothing
// sound is left to compare, and that is the storage's doing.
func TestABenchThatOnlyStallsHasRegressed(t *testing.T) {
	before, after := bench(100, 101, 99, 100, 100), suspect(bench(60, 61, 59, 60, 60))
	for i := range after.Runs {
		after.Runs[i].Faults = []string{"stall"}
	}
	if got := verdict.Hold(nil, &before, after, verdict.Options{}); got.Verdict != events.VerdictRegressed || !strings.Contains(got.Headline, "stall") {
		t.Errorf("%s %q", got.Verdict, got.Headline)
	}
	for i := range after.Runs {
		after.Runs[i].Faults = []string{"busy_neighbour"}
	}
	if got := verdict.Hold(nil, &before, after, verdict.Options{}); got.Verdict != events.VerdictInvalid {
		t.Errorf("of another fault: %s %q", got.Verdict, got.Headline)
	}
}
