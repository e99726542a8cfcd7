package bus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/proof"
)

// ErrNotAcknowledged says that JetStream has not confirmed an event: it may or
// may not be stored. Publishing it again is safe, since its id is the same.
var ErrNotAcknowledged = errors.New("event not acknowledged")

// ErrEnded says that a run or bench already has another end.
var ErrEnded = errors.New("already ended")

// Receipt is JetStream's acknowledgement.
type Receipt struct {
	// Sequence in the event stream; of the first publish if Duplicate.
	Sequence uint64
	// Duplicate tells that the stream had the event already.
	Duplicate bool
}

// Publish validates the event and returns once JetStream has stored it. The
// error is an [events.Invalid] or one of the contract's sentinels if the event
// is wrong, and [ErrNotAcknowledged] if the bus did not confirm.
func (b *Bus) Publish(ctx context.Context, e events.Event) (Receipt, error) {
	return b.publish(ctx, e)
}

// Emit makes an event in reaction to cause, or starting a chain if cause is
// nil, and publishes it; see [events.New] for the key.
func (b *Bus) Emit(ctx context.Context, key string, cause *events.Event, data events.Data) (events.Event, error) {
	e := events.New(b.opts.Source, key, cause, data)
	_, err := b.Publish(ctx, e)
	return e, err
}

// Ending is the outcome of an arbitrated publish.
type Ending struct {
	// Event that stands as the end.
	Event events.Event
	// Won tells that it is the one that was to be published, now or before.
	Won bool
	// Sequence of the end in the event stream.
	Sequence uint64
}

// End publishes a terminal of a run or bench, unless it has ended: JetStream
// accepts exactly one. Losing is no error; the Ending tells who was first.
func (b *Bus) End(ctx context.Context, e events.Event) (Ending, error) {
	filter := e.EndFilter()
	if filter == "" {
		return Ending{}, fmt.Errorf("end: %s is no terminal", e.Type)
	}
	ctx, cancel := context.WithTimeout(ctx, b.opts.PublishTimeout)
	defer cancel()
	unproven := uint64(0) // an end that proves nothing stands in nobody's way
	for pause := undecidedFirst; ; pause = min(2*pause, undecidedLongest) {
		receipt, err := b.publish(ctx, e, jetstream.WithExpectLastSequenceForSubject(unproven, filter))
		if err == nil && !receipt.Duplicate {
			return Ending{Event: e, Won: true, Sequence: receipt.Sequence}, nil
		}
		if err != nil && !isWrongSequence(err) {
			return Ending{}, err
		}
		winner, last, found, err := b.lastEvent(ctx, filter)
		if err != nil {
			return Ending{}, err
		}
		if found {
			return Ending{Event: winner, Won: winner.ID == e.ID && winner.Source == e.Source, Sequence: last}, nil
		}
		unproven = last
		select {
		case <-ctx.Done():
			return Ending{}, fmt.Errorf("%w: an end was refused, and none is stored under %s", ErrNotAcknowledged, filter)
		case <-time.After(pause):
		}
	}
}

// undecidedFirst and undecidedLongest are the pauses before an end that was refused
// without another being stored is tried again. A cluster refuses it while another
// is on its way to the replicas, which is lost if their leader is.
const (
	undecidedFirst   = 5 * time.Millisecond
	undecidedLongest = 250 * time.Millisecond
)

// Ended looks up the end of a run or bench, by its end filter
// ([events.RunRef.EndFilter], [events.BenchEndFilter]).
func (b *Bus) Ended(ctx context.Context, endFilter string) (events.Event, bool, error) {
	e, _, found, err := b.lastEvent(ctx, endFilter)
	return e, found, err
}

// Cancelled looks up whether a bench was asked to stop.
func (b *Bus) Cancelled(ctx context.Context, bench string) (events.CancelRequested, bool, error) {
	e, _, found, err := b.lastEvent(ctx, events.CancelSubject(bench))
	if err != nil || !found {
		return events.CancelRequested{}, false, err
	}
	data, ok := e.Data.(events.CancelRequested)
	return data, ok, nil
}

// lastEvent looks up what is stored under a filter, and proves who made it; the
// leader answers, since the stream does not allow direct gets. Where nothing is
// found, the sequence is that of the last message that proves nothing, if any. It
// waits while a cluster has no leader that could answer.
func (b *Bus) lastEvent(ctx context.Context, filter string) (events.Event, uint64, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, b.opts.PublishTimeout)
	defer cancel()
	raw, err := b.lastMessage(ctx, filter)
	for isLeaderless(err) && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(undecidedLongest):
			raw, err = b.lastMessage(ctx, filter)
		}
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return events.Event{}, 0, false, nil
	}
	if err != nil {
		return events.Event{}, 0, false, fmt.Errorf("look up %s: %w", filter, err)
	}
	e, err := b.openStored(raw)
	if errors.Is(err, proof.ErrUnproven) {
		b.log.Warn("passing over an event", "subject", raw.Subject, "sequence", raw.Sequence, "error", err)
		return b.firstProven(ctx, filter, raw.Sequence)
	}
	if err != nil {
		return events.Event{}, 0, false, fmt.Errorf("read %s: %w", raw.Subject, err)
	}
	return e, raw.Sequence, true, nil
}

// firstProven looks for an event under a filter before one that proves nothing.
func (b *Bus) firstProven(ctx context.Context, filter string, last uint64) (events.Event, uint64, bool, error) {
	stream, err := b.js.Stream(ctx, StreamEvents)
	if err != nil {
		return events.Event{}, 0, false, err
	}
	for next := uint64(1); next < last; {
		raw, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(filter))
		if err != nil {
			return events.Event{}, 0, false, fmt.Errorf("look up %s: %w", filter, err)
		}
		if e, err := b.openStored(raw); err == nil {
			return e, raw.Sequence, true, nil
		}
		next = raw.Sequence + 1
	}
	return events.Event{}, last, false, nil
}

// Between visits the events of a type that are stored between two sequences, both
// excluded, in their order, until visit says no. Events that cannot be read are
// passed over.
func (b *Bus) Between(ctx context.Context, t events.Type, from, to uint64, visit func(events.Event) bool) error {
	stream, err := b.js.Stream(ctx, StreamEvents)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", StreamEvents, err)
	}
	for next := from + 1; next < to; {
		raw, err := stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(t.Filter()))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read events from %d: %w", next, err)
		}
		if raw.Sequence >= to {
			return nil
		}
		if e, err := b.openStored(raw); err == nil && !visit(e) {
			return nil
		}
		next = raw.Sequence + 1
	}
	return nil
}

func (b *Bus) lastMessage(ctx context.Context, filter string) (*jetstream.RawStreamMsg, error) {
	stream, err := b.js.Stream(ctx, StreamEvents)
	if err != nil {
		return nil, err
	}
	return stream.GetLastMsgForSubject(ctx, filter)
}

// isLeaderless tells that a request reached nobody who could answer it: between
// two leaders, or while the servers start.
func isLeaderless(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, nats.ErrNoResponders) || errors.As(err, &api) && api.Code == http.StatusServiceUnavailable
}

func (b *Bus) publish(ctx context.Context, e events.Event, opts ...jetstream.PublishOpt) (Receipt, error) {
	start := time.Now()
	ctx, span := b.span(ctx, "publish ", string(e.Type), trace.SpanKindProducer)
	defer span.End()
	if span.IsRecording() {
		span.SetAttributes(attribute.String("messaging.system", "nats"), attribute.String("messaging.message.id", e.ID))
	}
	receipt, err := b.send(ctx, e, opts)
	b.metrics.published(e.Type, receipt, err, time.Since(start))
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		return Receipt{}, err
	}
	if b.log.Enabled(ctx, levelOfPublish) {
		b.log.LogAttrs(ctx, levelOfPublish, "published", eventAttrs(e)...)
	}
	return receipt, nil
}

func (b *Bus) send(ctx context.Context, e events.Event, opts []jetstream.PublishOpt) (Receipt, error) {
	adoptTrace(ctx, &e)
	body, err := events.Marshal(e)
	if err != nil {
		return Receipt{}, err
	}
	msg := &nats.Msg{Subject: e.NATSSubject(), Data: body, Header: nats.Header{
		headerContentType: {events.MediaType},
		nats.MsgIdHdr:     {e.MessageID()},
	}}
	injectTrace(ctx, msg.Header)
	ctx, cancel := context.WithTimeout(ctx, b.opts.PublishTimeout)
	defer cancel()
	receipt, err := b.store(ctx, e, msg, opts)
	if errors.Is(err, errPreempted) {
		b.log.Warn("an event's id was taken by a message that is not this event: publishing it under another", "event_id", e.ID, "error", err)
		msg.Header.Set(nats.MsgIdHdr, nuid.Next())
		receipt, err = b.store(ctx, e, msg, opts)
	}
	if err != nil && !isWrongSequence(err) {
		return Receipt{}, fmt.Errorf("%w: publish %s to %s: %w", ErrNotAcknowledged, e.Type, msg.Subject, err)
	}
	return receipt, err
}

// store signs a message and returns once the stream has it.
func (b *Bus) store(ctx context.Context, e events.Event, msg *nats.Msg, opts []jetstream.PublishOpt) (Receipt, error) {
	b.sign(ctx, msg)
	opts = append(opts, jetstream.WithRetryAttempts(20), jetstream.WithRetryWait(250*time.Millisecond))
	ack, err := b.js.PublishMsg(ctx, msg, opts...)
	if err != nil {
		return Receipt{}, err
	}
	if ack.Duplicate {
		err = b.genuine(ctx, e, ack.Sequence)
	}
	return Receipt{Sequence: ack.Sequence, Duplicate: ack.Duplicate}, err
}

func isWrongSequence(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
			api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant
	}
	return false
}
