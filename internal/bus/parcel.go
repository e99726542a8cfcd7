package bus

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/internal/proof"
)

// parcel is a message that was examined together with those that came with it.
type parcel struct {
	jetstream.Msg
	claim *proof.Claim
}

// gatherPatience is how long a group waits for the next message where the stream
// has more: one signature then vouches for many. A message that is alone, or the
// last, waits for none.
const gatherPatience = 2 * time.Millisecond

// gather takes messages that arrive together. It returns none when there are no
// more.
func (b *Bus) gather(messages <-chan jetstream.Msg) []jetstream.Msg {
	msg, ok := <-messages
	if !ok {
		return nil
	}
	return b.gatherFrom(msg, messages)
}

func (b *Bus) gatherFrom(msg jetstream.Msg, messages <-chan jetstream.Msg) []jetstream.Msg {
	ok := true
	group := append(make([]jetstream.Msg, 0, 16), msg)
	var timer *time.Timer
	for len(group) < fetchBatch {
		select {
		case msg, ok = <-messages:
		default:
			if meta, err := msg.Metadata(); b.opts.Verifier == nil || err != nil || meta.NumPending == 0 {
				return group
			}
			if timer == nil {
				timer = time.NewTimer(gatherPatience)
				defer timer.Stop()
			}
			select {
			case msg, ok = <-messages:
			case <-timer.C:
				return group
			}
		}
		if !ok {
			return group
		}
		group = append(group, msg)
	}
	return group
}

// examined looks at a group of messages together.
func (b *Bus) examined(group []jetstream.Msg) []parcel {
	messages := make([]proof.Message, len(group))
	if b.opts.Verifier != nil {
		for i, msg := range group {
			var stored time.Time
			if meta, err := msg.Metadata(); err == nil {
				stored = meta.Timestamp
			}
			messages[i] = envelope(msg.Subject(), msg.Headers(), msg.Data(), stored)
		}
	}
	parcels := make([]parcel, len(group))
	for i, claim := range b.examine(messages) {
		parcels[i] = parcel{group[i], claim}
	}
	return parcels
}
