package bus_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

// Readiness once looked at the event stream alone: a consumer that was paused, or a
// bucket that was gone, stopped every bench behind an answer of 200.
func TestReadinessSeesWhatIsPausedOrGone(t *testing.T) {
	b := bustest.New(t)
	sub, err := b.React(t.Context(), bus.Reaction{
		Service: "plot", Name: "draw", Types: []events.Type{events.TypeRunFailed}, OnDead: bus.OwesNothing,
		Handle: func(context.Context, *bus.Delivery) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	defer func() {
		if !stopped {
			sub.Stop()
		}
	}()
	js := b.JetStream()
	ready := func(want string) {
		t.Helper()
		err := b.Ready(t.Context())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("ready: %v, want %q", err, want)
		}
	}
	eventually(t, "readiness", func() bool { return b.Ready(t.Context()) == nil })
	if _, err := js.PauseConsumer(t.Context(), bus.StreamEvents, "plot-draw", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	ready("consumer plot-draw is paused for 1h0m0s more: nats consumer resume FIORD plot-draw")
	if _, err := js.ResumeConsumer(t.Context(), bus.StreamEvents, "plot-draw"); err != nil {
		t.Fatal(err)
	}
	ready("")
	sub.Stop() // a running reaction makes its consumer again
	stopped = true
	ready("")
	if _, err := b.KeyValue(t.Context(), bus.BucketTally); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{bus.StreamDead, "KV_" + bus.BucketAttempts, "KV_" + bus.BucketTally, bus.StreamEvents} {
		if err := js.DeleteStream(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		ready("stream " + name + " is not there: fiord provision")
		if err := b.Provision(t.Context()); err != nil {
			t.Fatal(err)
		}
		ready("")
	}
}
