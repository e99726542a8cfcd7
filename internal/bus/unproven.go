package bus

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// What proves nothing was accepted from nobody, so that it may fill neither the dead-letter
// stream nor the log: its letters are one an event, small, and bounded in number by each process.
// The event itself stays in the event stream, from where fiord replay gives it again should the
// reason have been a mistake in the installation's keys.
const (
	// unprovenBurst letters are written at once, and one more each unprovenEvery.
	unprovenBurst = 100
	unprovenEvery = time.Minute
	// unprovenBody is the largest body that such a letter repeats.
	unprovenBody = 4 << 10
)

// allowance is how many letters about unproven events may be written now.
type allowance struct {
	mu      sync.Mutex
	used    int // of the burst
	since   time.Time
	refused bool // the last time
}

// take reports whether a letter may be written, and else whether that is new.
func (a *allowance) take(now time.Time) (ok, news bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if back := int(now.Sub(a.since) / unprovenEvery); back > 0 {
		a.used, a.since = max(0, a.used-back), now
	}
	if a.used >= unprovenBurst {
		news, a.refused = !a.refused, true
		return false, news
	}
	a.used, a.refused = a.used+1, false
	return true, false
}

// buryUnproven writes the letter of an event that proves nothing, if there may be one.
func (w *worker) buryUnproven(ctx context.Context, d *Delivery, cause error) error {
	ok, news := w.bus.unproven.take(time.Now())
	if !ok {
		if news {
			d.Log.Error("events that prove nothing are many: no more dead letters are written of them for now "+
				"(fiord_bus_unproven_total counts them)", "error", cause, "subject", d.message.Subject, "sequence", d.Sequence)
		}
		return nil
	}
	letter := w.bus.letter(w.reaction.Durable(), d, cause)
	letter.Unproven = true
	if size := len(letter.Body); size > unprovenBody {
		letter.Body, letter.Header, letter.Omitted = nil, nil, size
	}
	d.Log.Error("refused: the event proves nothing", "error", cause, "subject", d.message.Subject, "sequence", d.Sequence)
	return w.bus.storeLetter(ctx, events.HashID("dead", "unproven", strconv.FormatUint(d.Sequence, 10)), letter)
}
