package bus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ViewSlots is how many views one guest may have of a stream at once.
const ViewSlots = 16

// ViewName is the consumer of a guest's view; user is the guest's public key.
func ViewName(user string, slot int) string {
	return kindView + "-" + user + "-" + strconv.Itoa(slot)
}

// guestViewIdle after which the server forgets the consumer of a view whose
// process is gone.
const guestViewIdle = 5 * time.Minute

// viewBatch is how many messages a guest's view asks for at once.
const viewBatch = 256

// guestView reads a stream in order by pulling a consumer that is made for the
// guest, and goes on behind the last message seen when it has to be made again.
type guestView struct {
	bus      *Bus
	stream   string
	name     string // "" for any slot of the guest's
	cfg      jetstream.OrderedConsumerConfig
	consumer jetstream.Consumer
	next     uint64 // sequence in the stream; 0 leaves it to cfg
	last     uint64 // sequence in the consumer
}

// open gets the consumer.
func (v *guestView) open(ctx context.Context) error {
	cfg := jetstream.ConsumerConfig{
		FilterSubjects: v.cfg.FilterSubjects, DeliverPolicy: v.cfg.DeliverPolicy, OptStartSeq: v.cfg.OptStartSeq,
		OptStartTime: v.cfg.OptStartTime, AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: guestViewIdle, MemoryStorage: true,
	}
	if v.next > 0 {
		cfg.DeliverPolicy, cfg.OptStartSeq, cfg.OptStartTime = jetstream.DeliverByStartSequencePolicy, v.next, nil
	}
	first := rand.N(ViewSlots)
	for i := range ViewSlots {
		cfg.Name = v.name
		if v.name == "" {
			cfg.Name = ViewName(v.bus.opts.Guest, (first+i)%ViewSlots)
		}
		c, err := v.bus.order(ctx, v.stream, cfg)
		if errors.Is(err, errTaken) && v.name == "" {
			continue
		}
		if err != nil {
			return fmt.Errorf("watch %s as %s: %w", v.stream, cfg.Name, err)
		}
		v.consumer, v.last = c, 0
		return nil
	}
	return fmt.Errorf("watch %s: this user has %d views already: end some, or use other credentials", v.stream, ViewSlots)
}

// pending is how many messages the view had not been given when it was opened.
func (v *guestView) pending() uint64 { return v.consumer.CachedInfo().NumPending }

// errGap says that messages were lost on their way.
var errGap = errors.New("messages are missing")

// pull asks for messages once and shows them in order, until visit says no.
func (v *guestView) pull(ctx context.Context, visit func(parcel, *jetstream.MsgMetadata) bool) (more bool, err error) {
	options := []jetstream.FetchOpt{jetstream.FetchContext(ctx)}
	// A request that ends sooner than two heartbeats would be refused.
	if ends, ok := ctx.Deadline(); !ok || time.Until(ends) > 3*fetchHeartbeat {
		options = append(options, jetstream.FetchHeartbeat(fetchHeartbeat))
	}
	batch, err := v.consumer.Fetch(viewBatch, options...)
	if err != nil {
		return true, err
	}
	more = true
	for group := v.bus.gather(batch.Messages()); len(group) > 0; group = v.bus.gather(batch.Messages()) {
		for _, msg := range v.bus.examined(group) {
			meta, bad := msg.Metadata()
			switch {
			case bad != nil || err != nil || !more:
				continue
			case meta.Sequence.Consumer != v.last+1:
				err = errGap
				continue
			}
			v.last = meta.Sequence.Consumer
			if meta.Sequence.Stream >= v.next {
				v.next = meta.Sequence.Stream + 1
				more = visit(msg, meta)
			}
		}
	}
	return more, errors.Join(err, batch.Error())
}

// run shows messages until ctx ends.
func (v *guestView) run(ctx context.Context, visit func(parcel, *jetstream.MsgMetadata)) {
	s := v.bus.follow(ctx)
	for ctx.Err() == nil {
		_, err := v.pull(s.current(), func(msg parcel, meta *jetstream.MsgMetadata) bool { visit(msg, meta); return true })
		if err == nil || ctx.Err() != nil || isQuiet(err) {
			continue
		}
		v.bus.log.Debug("view interrupted", "stream", v.stream, "error", err)
		s.pause(ctx)
		if err := v.open(ctx); err != nil && ctx.Err() == nil {
			v.bus.log.Debug("view not there yet", "stream", v.stream, "error", err)
		}
	}
}

// scan shows what the stream held when the view was opened.
func (v *guestView) scan(ctx context.Context, visit func(jetstream.Msg, uint64) (bool, error)) error {
	left := v.pending()
	var failed error
	for left > 0 {
		// A request ends when it is full; what is left may be less.
		batch, err := v.consumer.Fetch(int(min(left, viewBatch)), jetstream.FetchContext(ctx)) //nolint:gosec // bounded
		if err != nil {
			return err
		}
		for msg := range batch.Messages() {
			meta, err := msg.Metadata()
			if err != nil || failed != nil || left == 0 {
				continue
			}
			left--
			goOn, err := visit(msg, meta.Sequence.Stream)
			if meta.NumPending == 0 || !goOn {
				left = 0
			}
			failed = err
		}
		if err := errors.Join(failed, batch.Error()); err != nil {
			return err
		}
	}
	return nil
}

// watchGuest is [Bus.Watch] for a guest.
func (b *Bus) watchGuest(ctx context.Context, v View) (*Subscription, error) {
	g := &guestView{bus: b, stream: StreamEvents, name: v.Name, cfg: v.config(), next: v.FromSequence}
	if err := g.open(ctx); err != nil {
		return nil, err
	}
	caughtUp := v.CaughtUp
	behind := func(pending uint64) {
		if pending == 0 && caughtUp != nil {
			caughtUp()
			caughtUp = nil
		}
	}
	behind(g.pending())
	return b.goOn(ctx, g, func(ctx context.Context, msg parcel, meta *jetstream.MsgMetadata) {
		b.see(ctx, v, msg)
		behind(meta.NumPending)
	}), nil
}

// goOn runs a view until its subscription is stopped.
func (b *Bus) goOn(ctx context.Context, g *guestView, see func(context.Context, parcel, *jetstream.MsgMetadata)) *Subscription {
	ctx, stop := context.WithCancel(ctx)
	s := &Subscription{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		g.run(ctx, func(msg parcel, meta *jetstream.MsgMetadata) { see(ctx, msg, meta) })
	}()
	return s
}
