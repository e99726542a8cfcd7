package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
)

// Guests (bench hosts and people) make no consumers: whoever may ask JetStream for
// one may name any subject that the server is to deliver to. They ask a service
// for it, which makes consumers that are pulled and no others.

const consumerPrefix = "fiord.consumer."

// Kinds of consumers that guests are made: the first word of their names.
const (
	kindBench  = "bench"
	kindScript = "on"
	kindView   = "view"
)

// ConsumerSubject is where a guest asks for the consumer of that name:
// fiord.consumer.<stream>.<first word of the name>.<rest>, so that rights can name
// the word.
func ConsumerSubject(stream, name string) string {
	kind, rest, _ := strings.Cut(name, "-")
	return consumerPrefix + stream + "." + kind + "." + rest
}

// consumerOrder is what a guest may say of a consumer.
type consumerOrder struct {
	Durable           bool                    `json:"durable,omitempty"`
	Filters           []string                `json:"filters"`
	Deliver           jetstream.DeliverPolicy `json:"deliver"`
	Sequence          uint64                  `json:"sequence,omitempty"`
	Time              *time.Time              `json:"time,omitempty"`
	AckWait           time.Duration           `json:"ack_wait,omitempty"`
	MaxAckPending     int                     `json:"max_ack_pending,omitempty"`
	InactiveThreshold time.Duration           `json:"inactive_threshold,omitempty"`
}

type consumerAnswer struct {
	Error string `json:"error,omitempty"`
	// Taken tells that another process pulls the consumer.
	Taken bool `json:"taken,omitempty"`
}

// errTaken says that the consumer is another process's.
var errTaken = errors.New("consumer is in use")

func orderOf(cfg jetstream.ConsumerConfig) consumerOrder {
	return consumerOrder{
		Durable: cfg.Durable != "", Filters: cfg.FilterSubjects, Deliver: cfg.DeliverPolicy,
		Sequence: cfg.OptStartSeq, Time: cfg.OptStartTime,
		AckWait: cfg.AckWait, MaxAckPending: cfg.MaxAckPending, InactiveThreshold: cfg.InactiveThreshold,
	}
}

// config is a consumer that is pulled; nothing in an order can make it another.
func (o consumerOrder) config(name string) jetstream.ConsumerConfig {
	cfg := jetstream.ConsumerConfig{
		Name: name, FilterSubjects: o.Filters, DeliverPolicy: o.Deliver, OptStartSeq: o.Sequence, OptStartTime: o.Time,
		InactiveThreshold: o.InactiveThreshold, AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true,
	}
	if o.Durable {
		cfg.Durable, cfg.AckPolicy, cfg.MemoryStorage = name, jetstream.AckExplicitPolicy, false
		cfg.AckWait, cfg.MaxAckPending, cfg.MaxDeliver = o.AckWait, o.MaxAckPending, -1
	}
	return cfg
}

// ServeConsumers makes consumers for guests until stop is called. Every service of
// an installation may serve; one of them answers each request.
func (b *Bus) ServeConsumers() (stop func() error, err error) {
	sub, err := b.nc.QueueSubscribe(consumerPrefix+">", "fiord", func(msg *nats.Msg) {
		go b.answerConsumer(msg)
	})
	if err != nil {
		return nil, fmt.Errorf("serve consumers: %w", err)
	}
	return sub.Unsubscribe, nil
}

func (b *Bus) answerConsumer(msg *nats.Msg) {
	ctx, cancel := context.WithTimeout(context.Background(), b.opts.PublishTimeout)
	defer cancel()
	var answer consumerAnswer
	if err := b.makeConsumer(ctx, msg.Subject, msg.Data); err != nil {
		answer = consumerAnswer{err.Error(), errors.Is(err, errTaken)}
		b.log.Debug("no consumer for a guest", "subject", msg.Subject, "error", err)
	}
	raw, err := json.Marshal(answer)
	if err == nil {
		err = msg.Respond(raw)
	}
	if err != nil {
		b.log.Warn("request for a consumer not answered", "subject", msg.Subject, "error", err)
	}
}

func (b *Bus) makeConsumer(ctx context.Context, subject string, body []byte) error {
	stream, kind, rest, err := parseConsumerSubject(subject)
	if err != nil {
		return err
	}
	var o consumerOrder
	if err := json.Unmarshal(body, &o); err != nil {
		return fmt.Errorf("read order of a consumer: %w", err)
	}
	if err := o.check(kind, rest); err != nil {
		return fmt.Errorf("order of consumer %s-%s: %w", kind, rest, err)
	}
	return b.put(ctx, stream, o.config(kind+"-"+rest))
}

func parseConsumerSubject(subject string) (stream, kind, rest string, err error) {
	parts := strings.Split(strings.TrimPrefix(subject, consumerPrefix), ".")
	if len(parts) != 3 || parts[2] == "" {
		return "", "", "", fmt.Errorf("%s names no consumer", subject)
	}
	stream, kind, rest = parts[0], parts[1], parts[2]
	streams := map[string][]string{kindBench: {StreamEvents}, kindScript: {StreamEvents}, kindView: {StreamEvents, StreamDead, StreamLive}}
	if !slices.Contains(streams[kind], stream) {
		return "", "", "", fmt.Errorf("no guest has consumers called %s-… of stream %s", kind, stream)
	}
	return stream, kind, rest, nil
}

// check holds an order against what the consumer is for. Workers of one pool share
// a durable: none of them may turn it into something else for the others.
func (o consumerOrder) check(kind, rest string) error {
	if o.Durable != (kind == kindScript || kind == kindBench && !strings.HasPrefix(rest, "wanted-")) {
		return errors.New("is durable and should not be, or the other way round")
	}
	if !o.Durable {
		if o.InactiveThreshold <= 0 || o.InactiveThreshold > time.Hour {
			return errors.New("inactive_threshold is not between 0 and 1 h")
		}
		return nil
	}
	if o.AckWait < time.Second || o.MaxAckPending < 1 {
		return errors.New("ack_wait is less than 1 s, or max_ack_pending less than 1")
	}
	if kind == kindBench {
		want := []string{events.TypeRunsRequested.Subject() + "." + strings.Replace(rest, "-", ".", 1), RedriveSubject(kind + "-" + rest)}
		if !slices.Equal(o.Filters, want) {
			return fmt.Errorf("filters are %v, want %v", o.Filters, want)
		}
	}
	return nil
}

// put makes the consumer. One that is no durable is made afresh, unless somebody
// pulls it.
func (b *Bus) put(ctx context.Context, stream string, cfg jetstream.ConsumerConfig) error {
	if cfg.Durable != "" {
		_, err := b.js.CreateOrUpdateConsumer(ctx, stream, cfg)
		return err
	}
	if old, err := b.js.Consumer(ctx, stream, cfg.Name); err == nil {
		if strings.HasPrefix(cfg.Name, kindView+"-") && old.CachedInfo().NumWaiting > 0 {
			return fmt.Errorf("%w: %s", errTaken, cfg.Name)
		}
		if err := b.js.DeleteConsumer(ctx, stream, cfg.Name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return err
		}
	}
	_, err := b.js.CreateConsumer(ctx, stream, cfg)
	return err
}

// consumer makes a durable of the event stream, or brings it in line.
func (b *Bus) consumer(ctx context.Context, cfg jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	if b.opts.Guest != "" {
		return b.order(ctx, StreamEvents, cfg)
	}
	ctx, cancel := context.WithTimeout(ctx, b.opts.PublishTimeout)
	defer cancel()
	for {
		c, err := b.js.CreateOrUpdateConsumer(ctx, StreamEvents, cfg)
		if !isLeaderless(err) { // nor while the server takes in new users
			return c, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(orderPause):
		}
	}
}

// orderPause is the pause between two tries of a guest to get a consumer while no
// service answers.
const orderPause = 250 * time.Millisecond

// order gets a consumer: from a service if the bus is a guest's, and otherwise
// from JetStream. A guest waits while no service is up.
func (b *Bus) order(ctx context.Context, stream string, cfg jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	name := cmp.Or(cfg.Durable, cfg.Name)
	lost := 0
	for told := false; ; told = true {
		err := b.orderOnce(ctx, stream, name, cfg)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && lost < maxLost {
			lost++ // with a server that was changing its accounts at that moment
			continue
		}
		if errors.Is(err, nats.ErrNoResponders) && !told {
			// A server on which guests have no account of their own, and no services:
			// JetStream itself makes the consumer.
			direct, cancel := context.WithTimeout(ctx, time.Second)
			if direct := b.put(direct, stream, orderOf(cfg).config(name)); direct == nil || isAPIError(direct) {
				err = direct
			}
			cancel()
		}
		if err == nil {
			var c jetstream.Consumer
			if c, err = b.js.Consumer(ctx, stream, name); err == nil {
				return c, nil
			}
		}
		if !errors.Is(err, nats.ErrNoResponders) {
			return nil, err
		}
		if !told {
			b.log.Warn("no service of fiord answers yet; waiting for one", "consumer", name)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("get consumer %s: no service of fiord answers: %w", name, ctx.Err())
		case <-time.After(orderPause):
		}
	}
}

// maxLost is how many answers to an order may get lost on their way.
const maxLost = 2

func isAPIError(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api)
}

func (b *Bus) orderOnce(ctx context.Context, stream, name string, cfg jetstream.ConsumerConfig) error {
	body, err := json.Marshal(orderOf(cfg))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.opts.PublishTimeout)
	defer cancel()
	reply, err := b.nc.RequestWithContext(ctx, ConsumerSubject(stream, name), body)
	if err != nil {
		return err
	}
	var answer consumerAnswer
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return fmt.Errorf("get consumer %s: %w", name, err)
	}
	if answer.Taken {
		return errTaken
	}
	if answer.Error != "" {
		return fmt.Errorf("get consumer %s: %s", name, answer.Error)
	}
	return nil
}
