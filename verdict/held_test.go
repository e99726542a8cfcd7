package verdict_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict"
)

// sessionsOf are benches of a machine that moves by spread from one to the next.
func sessionsOf(r *rand.Rand, n int, at, spread float64) []verdict.Bench {
	out := make([]verdict.Bench, n)
	for i := range out {
		out[i] = bench(around(r, at*(1+spread*r.NormFloat64()), 0.01, 5)...)
		out[i].Bench = fmt.Sprint("s", i)
	}
	return out
}

func TestABenchIsHeldAgainstTheLevelOnceThereAreEightSessions(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 1))
	sessions := sessionsOf(r, 20, 1000, 0.02)
	lucky := bench(around(r, 1080, 0.01, 5)...)
	sessions[19] = lucky // a baseline that only had a good day
	same := bench(around(r, 1000, 0.01, 5)...)
	if got := verdict.Judge(&lucky, same, verdict.Options{}); got.Verdict != events.VerdictRegressed {
		t.Fatalf("of two benches alone: %s, so the level has nothing to mend", got.Verdict)
	}
	got := verdict.Hold(sessions, &lucky, same, verdict.Options{})
	if got.Verdict != events.VerdictUnchanged && got.Verdict != events.VerdictInconclusive {
		t.Errorf("unchanged machine: %s %q", got.Verdict, got.Headline)
	}
	for _, c := range got.Comparisons {
		if c.Level == nil || !c.Level.Decides || c.Level.Sessions != 20 || c.Level.Spread < 0.01 || c.Level.Spread > 0.04 || c.NBefore != 20 || c.Before != c.Level.Value {
			t.Errorf("%s: level %+v, before %v of %d", c.Metric, c.Level, c.Before, c.NBefore)
		}
	}
	if !strings.Contains(got.Headline, "This machine moves by ") {
		t.Errorf("headline %q", got.Headline)
	}
	worse := verdict.Hold(sessions, &lucky, bench(around(r, 850, 0.01, 5)...), verdict.Options{})
	if worse.Verdict != events.VerdictRegressed || !strings.HasPrefix(worse.Headline, "Regressed: read.") || !strings.Contains(worse.Headline, "against a level of 20 sessions") {
		t.Errorf("15%% less: %s %q", worse.Verdict, worse.Headline)
	}
}

func TestWithFewSessionsAVerdictSpeaksOfTwoOnly(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 2))
	sessions := sessionsOf(r, 3, 1000, 0.02)
	got := verdict.Hold(sessions, &sessions[2], bench(around(r, 700, 0.01, 5)...), verdict.Options{})
	if got.Verdict != events.VerdictRegressed || !strings.Contains(got.Headline, "two sessions only") || !strings.Contains(got.Headline, "5 sessions more") {
		t.Errorf("%s %q", got.Verdict, got.Headline)
	}
	for _, c := range got.Comparisons {
		if c.Level == nil || c.Level.Decides || c.Level.Sessions != 3 || c.Level.More != 5 {
			t.Errorf("%s: %+v", c.Metric, c.Level)
		}
	}
	if first := verdict.Hold(nil, nil, sessions[0], verdict.Options{}); first.Verdict != events.VerdictBaseline || !strings.HasPrefix(first.Headline, "First result") {
		t.Errorf("first: %s %q", first.Verdict, first.Headline)
	}
	if third := verdict.Hold(sessions[:2], nil, sessions[2], verdict.Options{}); third.Verdict != events.VerdictBaseline || strings.Contains(third.Headline, "First") || !strings.Contains(third.Headline, "6 sessions more") {
		t.Errorf("third without a baseline: %s %q", third.Verdict, third.Headline)
	}
}

func TestAnAcceptedSessionIsTheLevelFromThenOn(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 3))
	sessions := append(sessionsOf(r, 20, 1000, 0.01), sessionsOf(r, 8, 800, 0.01)...)
	sessions[20].Accepted = true
	got := verdict.Hold(sessions, &sessions[27], bench(around(r, 800, 0.01, 5)...), verdict.Options{})
	if c := got.Comparisons[0]; got.Verdict != events.VerdictUnchanged || c.Level.Sessions != 8 {
		t.Errorf("%s %q, level %+v", got.Verdict, got.Headline, c.Level)
	}
}

// Another kernel or device is another machine: what it measured before says
// nothing about the level of now.
func TestAnotherKindOfMachineHasNoLevel(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 4))
	on := func(b verdict.Bench, class string) verdict.Bench {
		for i := range b.Runs {
			b.Runs[i].HostClass, b.Runs[i].DeviceClass = class, "disk"
		}
		return b
	}
	sessions := sessionsOf(r, 12, 1000, 0.01)
	for i := range sessions {
		sessions[i] = on(sessions[i], "kernel-6.1")
	}
	got := verdict.Hold(sessions, &sessions[11], on(bench(around(r, 700, 0.01, 5)...), "kernel-6.12"), verdict.Options{})
	if got.Verdict != events.VerdictInconclusive || !strings.Contains(got.Headline, "kernel-6.1 → kernel-6.12") {
		t.Errorf("%s %q", got.Verdict, got.Headline)
	}
	if got = verdict.Hold(sessions, &sessions[11], on(bench(around(r, 700, 0.01, 5)...), "kernel-6.1"), verdict.Options{}); got.Verdict != events.VerdictRegressed {
		t.Errorf("the same machine: %s %q", got.Verdict, got.Headline)
	}
}

func TestAHostOfAPoolIsHeldAgainstItsKind(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 5))
	on := func(b verdict.Bench, host string) verdict.Bench {
		for i := range b.Runs {
			b.Runs[i].Host, b.Runs[i].HostClass, b.Runs[i].DeviceClass = host, "kind", "disk"
		}
		return b
	}
	sessions := sessionsOf(r, 12, 1000, 0.01)
	for i := range sessions {
		sessions[i] = on(sessions[i], fmt.Sprint("node-", i%4))
	}
	got := verdict.Hold(sessions, &sessions[11], on(bench(around(r, 1000, 0.01, 5)...), "node-9"), verdict.Options{})
	if len(got.Comparisons) != 2 || got.Verdict != events.VerdictUnchanged || got.Comparisons[0].Level.Sessions != 12 {
		t.Errorf("%s %q %+v", got.Verdict, got.Headline, got.Comparisons)
	}
}
