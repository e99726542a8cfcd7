package bus

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/fiord-bench/fiord/internal/proof"
)

// settleTimeout bounds telling JetStream what became of a message. When it
// passes, the message comes again after AckWait, and finds its work done.
const settleTimeout = 10 * time.Second

// handle takes one message from delivery to settlement. ctx is the handlers'
// context, draining ends when the service starts to stop.
func (w *worker) handle(ctx, draining context.Context, p parcel) {
	msg := p.Msg
	d, err := w.receive(ctx, p)
	if err != nil {
		w.settle(ctx, d, decide(err, d.Attempt, 0, time.Since(d.Stored), w.reaction.GiveUpAfter), err)
		return
	}
	w.metrics.inFlight.Inc()
	defer w.metrics.inFlight.Dec()
	w.beats.add(msg)
	defer w.beats.remove(msg)
	if w.exhausted(d) {
		w.bury(ctx, d, errTooOften)
		return
	}
	for held := 0; ; held++ {
		err = w.call(ctx, d)
		next := decide(err, d.Attempt, w.reaction.MaxAttempts, time.Since(d.Stored), w.reaction.GiveUpAfter)
		w.metrics.handled[next].Inc()
		if next != settleHold {
			w.settle(ctx, d, next, err)
			return
		}
		pause := w.backoff(held)
		d.Log.Warn("held: a dependency is away", "error", err, "again_in", pause)
		select {
		case <-time.After(pause):
		case <-draining.Done():
			w.settle(ctx, d, settleSnooze, RetryAfter(err, w.reaction.BackoffMin))
			return
		}
	}
}

// errTooOften is the reason of a message whose workers died each time.
var errTooOften = Permanent(errors.New("delivered too often without an answer: its handler crashes or hangs"))

// receive decodes a message and reads its delivery count. The error is permanent
// unless trying again may mend it.
func (w *worker) receive(ctx context.Context, p parcel) (*Delivery, error) {
	msg := p.Msg
	d := &Delivery{
		bus: w.bus, msg: msg, Attempt: 1, Log: w.log, Stored: time.Now(),
		message: &nats.Msg{Subject: msg.Subject(), Header: msg.Headers(), Data: msg.Data()},
	}
	meta, err := msg.Metadata()
	if err != nil {
		return d, Permanent(err)
	}
	d.Sequence, d.Stored, d.first = meta.Sequence.Stream, meta.Timestamp, meta.Timestamp
	d.Attempt = int(min(meta.NumDelivered, 1<<30))
	if d.Attempt > 1 {
		d.Attempt = max(1, d.Attempt-w.bus.snoozed(ctx, w.reaction.Durable(), d.Sequence))
	}
	claim := p.claim
	if strings.HasPrefix(msg.Subject(), redrivePrefix) {
		if claim, err = w.recall(ctx, d, claim); err != nil {
			return d, err
		}
	}
	d.Event, err = w.bus.open(claim, d.message.Subject, d.message.Header, d.message.Data)
	d.Log = slog.New(&lazyHandler{w.log.Handler(), d})
	return d, Permanent(err)
}

// exhausted tells that earlier deliveries used up the attempts: their workers
// died before they could say so.
func (w *worker) exhausted(d *Delivery) bool {
	return w.reaction.MaxAttempts > 0 && d.Attempt > w.reaction.MaxAttempts
}

// call runs the handler once, within its timeout and span, and turns a panic
// into an error.
func (w *worker) call(ctx context.Context, d *Delivery) (err error) {
	start := time.Now()
	if w.reaction.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.reaction.Timeout)
		defer cancel()
	}
	ctx = extractTrace(ctx, d.message.Header, d.Event)
	ctx, span := w.bus.span(ctx, "", w.durable, trace.SpanKindConsumer)
	if span.IsRecording() {
		span.SetAttributes(attribute.String("messaging.system", "nats"), attribute.String("messaging.message.id", d.Event.ID),
			attribute.String("fiord.event_type", string(d.Event.Type)), attribute.Int("fiord.attempt", d.Attempt))
	}
	defer func() {
		if value := recover(); value != nil {
			p := &panicError{value: value, stack: debug.Stack()}
			w.metrics.panics.Inc()
			d.Log.Error("handler panicked", "panic", value, "stack", string(p.stack))
			err = p
		}
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
		w.metrics.handling.Observe(time.Since(start).Seconds())
	}()
	return w.reaction.Handle(ctx, d)
}

// settle tells JetStream what became of the message. It uses a context of its
// own: a handler that was cancelled still has its say.
func (w *worker) settle(ctx context.Context, d *Delivery, next disposition, cause error) {
	if next == settleAck && !w.reaction.ConfirmAck {
		w.settled(d, next, d.msg.Ack())
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	var err error
	switch next {
	case settleAck:
		// Until JetStream has understood: a lost acknowledgement brings the
		// event again, and this work is dear.
		err = d.msg.DoubleAck(ctx)
	case settleSnooze:
		var retry *retryError
		errors.As(cause, &retry)
		w.bus.remember(ctx, w.reaction.Durable(), d, cause, true)
		d.Log.Info("put off", "error", cause, "again_in", retry.after)
		err = d.msg.NakWithDelay(retry.after)
	case settleRetry:
		pause := w.backoff(d.Attempt - 1)
		w.bus.remember(ctx, w.reaction.Durable(), d, cause, false)
		d.Log.Warn("attempt failed", "error", cause, "again_in", pause)
		err = d.msg.NakWithDelay(pause)
	case settleDead:
		w.bury(ctx, d, cause)
	}
	w.settled(d, next, err)
}

func (w *worker) settled(d *Delivery, as disposition, err error) {
	if err != nil {
		d.Log.Warn("settlement not confirmed: the event will come again", "outcome", as.String(), "error", err)
	}
}

// bury writes the dead letter, publishes what is owed, and only then ends the
// message. Whatever fails on the way is done again at the next delivery; ids
// make that harmless.
func (w *worker) bury(ctx context.Context, d *Delivery, cause error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	err := w.write(ctx, d, cause)
	if err == nil {
		err = d.msg.TermWithReason("given up")
	} else {
		err = errors.Join(err, d.msg.NakWithDelay(w.backoff(d.Attempt-1)))
	}
	if err != nil {
		d.Log.Warn("giving up was not confirmed: it will be tried again", "cause", cause, "error", err)
	}
}

// write stores the dead letter and publishes what is owed.
func (w *worker) write(ctx context.Context, d *Delivery, cause error) error {
	if errors.Is(cause, proof.ErrUnproven) {
		return w.buryUnproven(ctx, d, cause)
	}
	err := w.bus.deadLetter(ctx, w.reaction.Durable(), d, cause)
	if err == nil && d.Event.Data != nil {
		err = w.owe(ctx, d, cause)
	}
	if err == nil {
		d.Log.Error("given up", "error", cause)
	}
	return err
}

func (w *worker) owe(ctx context.Context, d *Delivery, cause error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			w.metrics.panics.Inc()
			err = &panicError{value: value, stack: debug.Stack()}
		}
	}()
	return w.reaction.OnDead(ctx, d, cause)
}

// backoff doubles from BackoffMin up to BackoffMax; half of it is jitter.
func (w *worker) backoff(failures int) time.Duration {
	d := w.reaction.BackoffMax
	if failures < 30 {
		d = min(d, w.reaction.BackoffMin<<max(failures, 0))
	}
	return d/2 + rand.N(d/2+1)
}
