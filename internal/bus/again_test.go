package bus_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

// Who may ask for an event again once brought about any event by sending its
// content with the request.
func TestNothingButNumbersOfOnesOwnIsGivenAgain(t *testing.T) {
	b := bustest.New(t)
	forged, err := events.Marshal(events.New("fiord/test", "forged", nil, lost("forged")))
	if err != nil {
		t.Fatal(err)
	}
	other := reaction(func(context.Context, *bus.Delivery) error { return bus.Permanent(fmt.Errorf("no luck")) })
	other.Name = "other"
	react(t, b, other)
	emit(t, b, "a", lost("h")) // event 1, and dead letter 1 of test-other
	eventually(t, "a dead letter", func() bool { return len(letters(t, b)) == 1 })
	if _, err := b.Emit(t.Context(), "b", nil, events.DiscoveryRequested{By: "me"}); err != nil { // event 2
		t.Fatal(err)
	}
	var handled atomic.Int64
	r := reaction(func(context.Context, *bus.Delivery) error { handled.Add(1); return nil })
	react(t, b, r)
	eventually(t, "the event itself", func() bool { return handled.Load() == 1 })
	for i, c := range []struct{ name, body, reason string }{
		{"content", string(forged), "by its number"},
		{"content beside a number", `{"event":1,"data":{}}`, "by its number"},
		{"two orders", `{"event":1}{"event":1}`, "by its number"},
		{"both numbers", `{"event":1,"dead":1}`, "by its number"},
		{"no number", `{}`, "by its number"},
		{"nothing", ``, "by its number"},
		{"another reaction's letter", `{"dead":1}`, "is of reaction test-other"},
		{"a letter that is not there", `{"dead":77}`, bus.ErrNoDeadLetter.Error()},
		{"an event of another type", `{"event":2}`, "does not react"},
		{"an order itself", `{"event":3}`, "does not react"},
		{"an event that is not there", `{"event":7777}`, "is not in stream"},
	} {
		if _, err := b.JetStream().Publish(t.Context(), bus.RedriveSubject(r.Durable()), []byte(c.body)); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a dead letter of "+c.name, func() bool { return len(letters(t, b)) == i+2 })
		if reason := letters(t, b)[i+1].Reason; !strings.Contains(reason, c.reason) {
			t.Errorf("%s: the reason is %q, want %q", c.name, reason, c.reason)
		}
	}
	if handled.Load() != 1 {
		t.Errorf("the reaction handled %d events, want its own alone", handled.Load())
	}
}
