package checkout

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const host = "git.storage-lab.example"

// fails asks a host that does not answer.
func fails(t *testing.T, a *away) {
	t.Helper()
	if err := a.enter(host); err != nil {
		t.Fatalf("not asked: %v", err)
	}
	a.leave(host, false)
}

func spared(t *testing.T, a *away) {
	t.Helper()
	if err := a.enter(host); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), host) {
		t.Errorf("error %v, want ErrUnavailable with the host's name", err)
	}
}

// One hanging forge once held every place, and the pushes to all others waited.
func TestHostThatIsAwayIsSparedForLongerAndLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a away
		for _, rest := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute, time.Minute} {
			fails(t, &a)
			time.Sleep(rest - time.Millisecond)
			spared(t, &a)
			time.Sleep(time.Millisecond)
		}
		if err := a.enter("another.example"); err != nil {
			t.Errorf("another host is spared, too: %v", err)
		}
	})
}

func TestHostThatWasAwayIsAskedByOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a away
		fails(t, &a)
		time.Sleep(shortestRest)
		if err := a.enter(host); err != nil {
			t.Fatal(err)
		}
		spared(t, &a)
		a.leave(host, true)
		for range 2 {
			if err := a.enter(host); err != nil {
				t.Errorf("it answered and is spared: %v", err)
			}
		}
		if len(a.hosts) > 0 {
			t.Error("a host that answers is remembered")
		}
	})
}
