package attempt

import "testing"

func TestPhasesOnlyGoForward(t *testing.T) {
	for from, all := range transitions {
		for _, to := range all {
			if to <= from {
				t.Errorf("from %s back to %s", from, to)
			}
		}
	}
}

func TestEveryPhaseCanBeReachedAndComesToAnEnd(t *testing.T) {
	reached := map[Phase]bool{}
	var follow func(p Phase)
	follow = func(p Phase) {
		reached[p] = true
		next, known := transitions[p]
		if !known || p.String() == "" {
			t.Errorf("phase %d has no transitions or no name", p)
		}
		if len(next) == 0 && shown[p] != "ended" {
			t.Errorf("%s is an end that is not shown as one", p)
		}
		for _, to := range next {
			follow(to)
		}
	}
	follow(Received)
	if len(reached) != len(names) {
		t.Errorf("%d phases of %d are reached", len(reached), len(names))
	}
}

func TestWhatIsLeftDecidesTheRecovery(t *testing.T) {
	for _, tc := range []struct {
		begun, runs, wrote bool
		want               Recovery
	}{
		{begun: true, runs: true, want: Adopt},
		{begun: true, wrote: true, want: Adopt},
		{begun: true, want: Drop},
		{runs: true, want: Clear},
	} {
		if got := RecoveryOf(tc.begun, tc.runs, tc.wrote); got != tc.want {
			t.Errorf("begun %t, runs %t, wrote %t: %d, want %d", tc.begun, tc.runs, tc.wrote, got, tc.want)
		}
	}
}
