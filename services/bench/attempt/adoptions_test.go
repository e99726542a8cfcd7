package attempt

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestAListWaitsForAnAdoptedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a adoptions
		if err := a.wait(t.Context(), "run"); err != nil {
			t.Fatal(err)
		}
		done := a.begin("run")
		ended := make(chan error, 1)
		go func() { ended <- a.wait(t.Context(), "run") }()
		synctest.Wait()
		select {
		case err := <-ended:
			t.Fatalf("did not wait: %v", err)
		default:
		}
		done()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := a.wait(t.Context(), "run"); err != nil {
			t.Error(err)
		}
	})
}

func TestWaitingForAnAdoptedRunEndsWithItsContext(t *testing.T) {
	var a adoptions
	defer a.begin("run")()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.wait(ctx, "run"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
