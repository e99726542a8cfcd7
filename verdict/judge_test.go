package verdict_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict"
)

// bench is a bench of one point with the given IOPS values.
func bench(iops ...float64) verdict.Bench {
	b := verdict.Bench{Bench: "b", Counts: events.Counts{Planned: len(iops), Completed: len(iops)}}
	for _, v := range iops {
		b.Runs = append(b.Runs, verdict.Run{
			Job: "randread.fio", Point: "iodepth=8", Host: "node-a", Integrity: events.IntegrityOK,
			Values: map[verdict.Metric]float64{"read.iops": v, "read.p99": 1e9 / v},
		})
	}
	return b
}

func around(r *rand.Rand, level, spread float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = level * (1 + spread*r.NormFloat64())
	}
	return out
}

func TestJudgeTellsWhatItCanAndNoMore(t *testing.T) {
	base := bench(100, 101, 99, 100.5, 99.5)
	tests := map[string]struct {
		before *verdict.Bench
		after  verdict.Bench
		want   events.Verdict
		says   string
	}{
		"nothing to compare with":     {nil, base, events.VerdictBaseline, "nothing to compare"},
		"a clear loss":                {&base, bench(80, 81, 79, 80.5, 79.5), events.VerdictRegressed, "2 of 2 comparisons"},
		"a clear gain":                {&base, bench(120, 121, 119, 120.5, 119.5), events.VerdictImproved, "5 against 5 runs"},
		"the same":                    {&base, bench(100.2, 101.1, 99.3, 100, 99.7), events.VerdictUnchanged, "within 5%"},
		"a shift below the threshold": {&base, bench(102, 103, 102.5, 103.5, 102.2), events.VerdictUnchanged, "within 5%"},
		"noise too great":             {&base, bench(60, 140, 99, 120, 75), events.VerdictInconclusive, "more repeats"},
		"too few runs":                {&base, bench(50), events.VerdictInconclusive, "at least 5"},
		"another point":               {&base, otherPoint(), events.VerdictInconclusive, "in common"},
		"a run missing":               {&base, planned(bench(100, 100), 3, events.Counts{Expired: 1}), events.VerdictFailed, "1 expired"},
		"no run completed":            {&base, planned(bench(), 2, events.Counts{Failed: 1, Rejected: 1}), events.VerdictFailed, "1 failed, 1 rejected"},
		"no run to be trusted":        {&base, suspect(bench(100, 100)), events.VerdictInvalid, "integrity"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := verdict.Judge(tt.before, tt.after, verdict.Options{})
			if got.Verdict != tt.want || !strings.Contains(got.Headline, tt.says) {
				t.Errorf("got %s %q, want %s with %q", got.Verdict, got.Headline, tt.want, tt.says)
			}
			for _, c := range got.Comparisons {
				if math.IsInf(c.Low, 0) || math.IsNaN(c.Low) || math.IsInf(c.High, 0) {
					t.Errorf("%s: bounds %v to %v are no JSON numbers", c.Metric, c.Low, c.High)
				}
			}
		})
	}
}

func otherPoint() verdict.Bench {
	b := bench(100, 100, 100, 100, 100)
	for i := range b.Runs {
		b.Runs[i].Point = "iodepth=16"
	}
	return b
}

func planned(b verdict.Bench, n int, c events.Counts) verdict.Bench {
	c.Planned, c.Completed = n, len(b.Runs)
	b.Counts = c
	return b
}

func suspect(b verdict.Bench) verdict.Bench {
	for i := range b.Runs {
		b.Runs[i].Integrity = events.IntegritySuspect
	}
	return b
}

// A run that failed an integrity check must not move the numbers.
func TestSuspectRunsStayOut(t *testing.T) {
	base := bench(100, 101, 99, 100.5, 99.5)
	after := bench(100, 101, 99, 100.5, 99.5, 5)
	after.Runs[5].Integrity = events.IntegrityInvalid
	got := verdict.Judge(&base, after, verdict.Options{})
	for _, c := range got.Comparisons {
		if c.NAfter != 5 {
			t.Errorf("%s: %d runs took part, want the 5 sound ones", c.Metric, c.NAfter)
		}
	}
}

// Hosts are never mixed: a fast machine must not hide what happened on a slow
// one, and another machine of another kind says nothing about the commit.
func TestMachinesAreComparedWithThemselves(t *testing.T) {
	base := bench(100, 101, 99, 100.5, 99.5)
	after := bench(100, 101, 99, 100.5, 99.5)
	for i := range after.Runs {
		after.Runs[i].Host = "node-b"
	}
	if got := verdict.Judge(&base, after, verdict.Options{}); len(got.Comparisons) != 0 {
		t.Errorf("compared %+v across unknown machines", got.Comparisons[0])
	}
	for _, b := range []*verdict.Bench{&base, &after} {
		for i := range b.Runs {
			b.Runs[i].HostClass, b.Runs[i].DeviceClass = "h1", "d1"
		}
	}
	if got := verdict.Judge(&base, after, verdict.Options{}); got.Verdict != events.VerdictUnchanged {
		t.Errorf("same class: %s %q, want unchanged", got.Verdict, got.Headline)
	}
}

// Latency from submission on is longer than completion alone: that is no
// regression, and IOPS are compared all the same.
func TestKindsOfLatencyAreNotComparedWithEachOther(t *testing.T) {
	base, after := bench(100, 101, 99, 100.5, 99.5), bench(100, 101, 99, 100.5, 99.5)
	for i := range after.Runs {
		after.Runs[i].Values["read.p99"] *= 10
		after.Runs[i].LatencyOf = verdict.LatencyOf(events.Summary{Read: &events.Figures{Latency: &events.Latency{Of: "lat"}}})
	}
	got := verdict.Judge(&base, after, verdict.Options{})
	if got.Verdict != events.VerdictUnchanged || len(got.Comparisons) != 1 || got.Comparisons[0].Metric != "read.iops" {
		t.Errorf("%s: %+v", got.Verdict, got.Comparisons)
	}
	if of := verdict.LatencyOf(events.Summary{Read: &events.Figures{Latency: &events.Latency{Of: "clat"}}}); of != "" {
		t.Errorf("completion is %q, unlike in events of old", of)
	}
}

// A new kernel on the same host is no regression of the commit's, and its
// results are not held against those of the old one.
func TestAChangedEnvironmentIsToldInsteadOfAShift(t *testing.T) {
	class := func(b verdict.Bench, host, device string) verdict.Bench {
		b.Runs = slices.Clone(b.Runs)
		for i := range b.Runs {
			b.Runs[i].HostClass, b.Runs[i].DeviceClass = host, device
		}
		return b
	}
	base := class(bench(100, 101, 99, 100.5, 99.5), "k1", "d1")
	slower := bench(80, 81, 79, 80.5, 79.5)
	for name, c := range map[string]struct {
		after verdict.Bench
		want  events.Verdict
		says  string
	}{
		"the same":            {class(slower, "k1", "d1"), events.VerdictRegressed, "Regressed"},
		"another kernel":      {class(slower, "k2", "d1"), events.VerdictInconclusive, "node-a: host k1 → k2"},
		"another drive":       {class(slower, "k1", "d2"), events.VerdictInconclusive, "node-a: device d1 → d2"},
		"fingerprints of old": {class(slower, "", ""), events.VerdictRegressed, "Regressed"},
	} {
		if got := verdict.Judge(&base, c.after, verdict.Options{}); got.Verdict != c.want || !strings.Contains(got.Headline, c.says) {
			t.Errorf("%s: %s %q", name, got.Verdict, got.Headline)
		}
	}
}

// The rates that the documentation promises: without a shift hardly any alarm,
// with a clear one most are found.
func TestErrorRates(t *testing.T) {
	const rounds = 2000
	rate := func(factor float64, n int) (regressed, improved float64) {
		r := rand.New(rand.NewPCG(7, uint64(n)))
		for range rounds {
			before := bench(around(r, 100, 0.03, n)...)
			switch verdict.Judge(&before, bench(around(r, 100*factor, 0.03, n)...), verdict.Options{Figures: []string{"iops"}}).Verdict {
			case events.VerdictRegressed:
				regressed++
			case events.VerdictImproved:
				improved++
			}
		}
		return regressed / rounds, improved / rounds
	}
	if down, up := rate(1, 5); down+up > 0.01 {
		t.Errorf("no shift, 5 against 5: %.2f%% false alarms, want at most 1%%", 100*(down+up))
	}
	if down, _ := rate(0.9, 5); down < 0.85 {
		t.Errorf("10%% loss at 3%% noise, 5 against 5: found %.0f%%, want at least 85%%", 100*down)
	}
	if down, _ := rate(0.9, 10); down < 0.95 {
		t.Errorf("10%% loss at 3%% noise, 10 against 10: found %.0f%%, want at least 95%%", 100*down)
	}
}
