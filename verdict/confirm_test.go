package verdict_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict"
)

// levels is five sound runs at each point, a hundredth apart.
func levels(host string, iops map[string]float64) verdict.Bench {
	var b verdict.Bench
	for point, level := range iops {
		for i := range 5 {
			v := level * (1 + 0.002*float64(i))
			b.Runs = append(b.Runs, verdict.Run{
				Job: "r.fio", Point: point, Host: host, HostClass: "h-" + host, DeviceClass: "d", Integrity: events.IntegrityOK,
				Values: map[verdict.Metric]float64{"read.iops": v},
			})
		}
	}
	b.Counts = events.Counts{Planned: len(b.Runs), Completed: len(b.Runs)}
	return b
}

var only = verdict.Options{Figures: []string{"iops"}}

// look is a first look at two points of which one or both regressed, and what
// is to be measured again.
func look(t *testing.T, before, after verdict.Bench) (verdict.Result, verdict.Second) {
	t.Helper()
	first := verdict.Judge(&before, after, only)
	if first.Verdict != events.VerdictRegressed {
		t.Fatalf("nothing regressed: %s", first.Headline)
	}
	return first, verdict.Second{Of: first.Regressed(), Stored: before}
}

func TestWhatASecondLookMakesOfAFirst(t *testing.T) {
	before := levels("a", map[string]float64{"bs=4k": 1000, "bs=8k": 1000})
	for name, c := range map[string]struct {
		first, left, right map[string]float64 // left is nil where one side is measured
		outcome            events.Outcome
		verdict            events.Verdict
		regressed          int
		says               string
	}{
		"seen again, against what is stored": {
			map[string]float64{"bs=4k": 800, "bs=8k": 1000}, nil, map[string]float64{"bs=4k": 810},
			events.OutcomeConfirmed, events.VerdictRegressed, 1, "Regressed, confirmed: read.iops at bs=4k -20.0%",
		},
		"seen again side by side, on a machine that is slower by now": {
			map[string]float64{"bs=4k": 800, "bs=8k": 1000}, map[string]float64{"bs=4k": 500}, map[string]float64{"bs=4k": 400},
			events.OutcomeConfirmed, events.VerdictRegressed, 1, "Regressed, confirmed",
		},
		"not seen again": {
			map[string]float64{"bs=4k": 800, "bs=8k": 1000}, nil, map[string]float64{"bs=4k": 1000},
			events.OutcomeNotConfirmed, events.VerdictUnchanged, 0, "Not confirmed: at the second look read.iops at bs=4k differs by +0.0%, at the first by -20.0%.",
		},
		"not seen again, where another point improved": {
			map[string]float64{"bs=4k": 800, "bs=8k": 1500}, nil, map[string]float64{"bs=4k": 1000},
			events.OutcomeNotConfirmed, events.VerdictImproved, 0, "Not confirmed",
		},
		"one of two seen again": {
			map[string]float64{"bs=4k": 800, "bs=8k": 700}, nil, map[string]float64{"bs=4k": 800, "bs=8k": 1000},
			events.OutcomeConfirmed, events.VerdictRegressed, 1, "1 of 2 comparisons shifted",
		},
		"alike and slow": {
			map[string]float64{"bs=4k": 800, "bs=8k": 1000}, map[string]float64{"bs=4k": 800}, map[string]float64{"bs=4k": 800},
			events.OutcomeNotConfirmed, events.VerdictInconclusive, 0, "fiord accept",
		},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := look(t, before, levels("a", c.first))
			second.After = levels("a", c.right)
			if c.left != nil {
				second.Before = levels("a", c.left)
			}
			got, told := verdict.Confirm(first, "again", second, only)
			if got.Verdict != c.verdict || len(got.Regressed()) != c.regressed || !strings.Contains(got.Headline, c.says) {
				t.Errorf("%s with %d regressions: %s", got.Verdict, len(got.Regressed()), got.Headline)
			}
			if told.Outcome != c.outcome || told.Bench != "again" || told.Reason == "" {
				t.Errorf("told %+v", told)
			}
			if len(got.Comparisons) != len(first.Comparisons) {
				t.Errorf("%d comparisons of %d", len(got.Comparisons), len(first.Comparisons))
			}
		})
	}
}

// What regressed on a kind of machine is confirmed by a host of that kind.
func TestHostsOfAKindConfirmEachOther(t *testing.T) {
	kind := func(host string, level float64) verdict.Bench {
		b := levels(host, map[string]float64{"bs=4k": level})
		for i := range b.Runs {
			b.Runs[i].HostClass = "h"
		}
		return b
	}
	first, second := look(t, kind("a", 1000), kind("b", 800))
	if c := second.Of[0]; c.Host != "class h/d" || !slices.ContainsFunc(kind("b", 800).Runs, func(r verdict.Run) bool { return r.Of(c) }) {
		t.Fatalf("regressed on %s", c.Host)
	}
	second.After = kind("b", 800)
	if _, told := verdict.Confirm(first, "again", second, only); told.Outcome != events.OutcomeConfirmed {
		t.Errorf("told %+v", told)
	}
}

func TestASecondLookThatCannotBeUsed(t *testing.T) {
	before := levels("a", map[string]float64{"bs=4k": 1000})
	after := levels("a", map[string]float64{"bs=4k": 800})
	other := levels("a", map[string]float64{"bs=4k": 800})
	for i := range other.Runs {
		other.Runs[i].HostClass = "another kernel"
	}
	for says, measured := range map[string]verdict.Bench{
		"None of 5 runs completed: 5 expired":   {Counts: events.Counts{Planned: 5, Expired: 5}},
		"passed its integrity checks":           suspect(levels("a", map[string]float64{"bs=4k": 800})),
		"the environment changed (a: host h-a ": other,
	} {
		first, second := look(t, before, after)
		second.After = measured
		got, told := verdict.Confirm(first, "again", second, only)
		if got.Verdict != events.VerdictInconclusive || told.Outcome != events.OutcomeImpossible || !strings.Contains(got.Headline, says) || !strings.Contains(told.Reason, says) {
			t.Errorf("%s: %s %+v", says, got.Headline, told)
		}
	}
}

// Of noise alone, a first look regresses now and then; a second confirms next to
// none of that. What is slower by a tenth is confirmed nearly always.
func TestHowOftenASecondLookErrs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const spread = 0.06
	alarms, confirmed := 0, 0
	for range 6000 {
		before, after := bench(around(r, 1000, spread, 5)...), bench(around(r, 1000, spread, 5)...)
		first := verdict.Judge(&before, after, only)
		if first.Verdict != events.VerdictRegressed {
			continue
		}
		alarms++
		second := verdict.Second{Of: first.Regressed(), Stored: before, Before: bench(around(r, 1000, spread, 5)...), After: bench(around(r, 1000, spread, 5)...)}
		if _, told := verdict.Confirm(first, "again", second, only); told.Outcome == events.OutcomeConfirmed {
			confirmed++
		}
	}
	t.Logf("of 6000 benches of noise %d regressed at first, %d were confirmed", alarms, confirmed)
	if alarms < 10 || confirmed*20 > alarms {
		t.Errorf("%d of %d false alarms confirmed", confirmed, alarms)
	}
	seen := 0
	for range 200 {
		before, after := bench(around(r, 1000, 0.01, 5)...), bench(around(r, 900, 0.01, 5)...)
		first := verdict.Judge(&before, after, only)
		second := verdict.Second{Of: first.Regressed(), Stored: before, Before: bench(around(r, 1000, 0.01, 5)...), After: bench(around(r, 900, 0.01, 5)...)}
		if first.Verdict != events.VerdictRegressed {
			continue
		}
		if _, told := verdict.Confirm(first, "again", second, only); told.Outcome == events.OutcomeConfirmed {
			seen++
		}
	}
	if t.Logf("of 200 real losses of a tenth %d were confirmed", seen); seen < 190 {
		t.Errorf("%d of 200 real losses confirmed", seen)
	}
}
