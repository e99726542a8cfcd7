package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
)

// Handler reacts to one event. What it returns decides what becomes of it, see
// the package documentation. Its context ends when the bus drains for longer
// than the reaction's Grace, or when its Timeout is over.
type Handler func(ctx context.Context, d *Delivery) error

// Owe publishes what a reaction owes when it gives up on an event: the
// terminal of the run or bench concerned. It may run more than once and must
// have its effect once, which [Bus.End] and deterministic ids see to.
type Owe func(ctx context.Context, d *Delivery, cause error) error

// OwesNothing is for reactions whose failure leaves nobody waiting.
func OwesNothing(context.Context, *Delivery, error) error { return nil }

// Reaction is one kind of work of one service: a durable pull consumer whose
// name is <Service>-<Name>.
type Reaction struct {
	// Service and Name, in lower case with hyphens.
	Service, Name string
	// Types reacted to.
	Types []events.Type
	// Subjects narrows Types to routes, such as those of one host; each must
	// belong to one of the types. Empty means all.
	Subjects []string
	// Handle does the work, OnDead what is owed when it cannot be done. Both
	// are required.
	Handle Handler
	OnDead Owe

	// Concurrency is how many events are handled at once here; default 1.
	Concurrency int
	// AckWait after which an event whose worker died is delivered again;
	// the bus's by default. Living handlers send heartbeats.
	AckWait time.Duration
	// MaxAttempts before an event is given up on; default 8, negative for no
	// limit. Deliveries whose handler never returned count.
	MaxAttempts int
	// GiveUpAfter this age of the event, snoozing and holding included;
	// default 24 h, negative for never.
	GiveUpAfter time.Duration
	// BackoffMin and BackoffMax bound the delay between attempts, which
	// doubles, with jitter; defaults 1 s and 5 min.
	BackoffMin, BackoffMax time.Duration
	// Timeout of one call of the handler; 0 for none.
	Timeout time.Duration
	// Grace that running handlers get when the service stops; default 10 s.
	Grace time.Duration
	// OnlyNew starts a durable that is new at the end of the stream instead
	// of its beginning.
	OnlyNew bool
	// InactiveThreshold after which the server forgets the durable; 0 keeps
	// it for good.
	InactiveThreshold time.Duration
	// MaxAckPending bounds what all replicas have in hand together; default 1000.
	MaxAckPending int
	// ConfirmAck waits for the server's word that an acknowledgement arrived:
	// one more round trip, for work too dear to be done twice for a lost one.
	ConfirmAck bool
	// Ordered handles one event after the other over all replicas, and a
	// failed one again before the next.
	Ordered bool
}

// Durable is the name of the reaction's consumer.
func (r Reaction) Durable() string { return r.Service + "-" + r.Name }

func (r Reaction) withDefaults() Reaction {
	setDefault(&r.Concurrency, 1)
	setDefault(&r.AckWait, 30*time.Second)
	setDefault(&r.MaxAttempts, 8)
	setDefault(&r.GiveUpAfter, 24*time.Hour)
	setDefault(&r.BackoffMin, time.Second)
	setDefault(&r.BackoffMax, 5*time.Minute)
	setDefault(&r.Grace, 10*time.Second)
	setDefault(&r.MaxAckPending, 1000)
	if r.Ordered {
		r.Concurrency, r.MaxAckPending = 1, 1
	}
	return r
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (r Reaction) validate() error {
	var problems []error
	if r.Service == "" || r.Name == "" || strings.ContainsAny(r.Durable(), " .*>/\\\t\n") {
		problems = append(problems, fmt.Errorf("service %q and name %q make no consumer name", r.Service, r.Name))
	}
	if r.Handle == nil {
		problems = append(problems, errors.New("no Handle"))
	}
	if r.OnDead == nil {
		problems = append(problems, errors.New("no OnDead: declare the terminal owed, or OwesNothing"))
	}
	if len(r.Types) == 0 {
		problems = append(problems, errors.New("no Types"))
	}
	for _, t := range r.Types {
		if _, err := events.Parse(string(t)); err != nil {
			problems = append(problems, err)
		}
	}
	for _, s := range r.Subjects {
		if !r.covers(s) {
			problems = append(problems, fmt.Errorf("subject %s belongs to none of the types", s))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("reaction %s: %w", r.Durable(), err)
	}
	return nil
}

func (r Reaction) covers(subject string) bool {
	for _, t := range r.Types {
		if subject == t.Subject() || strings.HasPrefix(subject, t.Subject()+".") {
			return true
		}
	}
	return false
}

// filters are the subjects of the durable: the events, and what is given to
// this reaction again.
func (r Reaction) filters() []string {
	filters := append([]string(nil), r.Subjects...)
	if len(filters) == 0 {
		for _, t := range r.Types {
			filters = append(filters, t.Filter())
		}
	}
	return append(filters, redrivePrefix+r.Durable())
}

// ConsumerConfig is the durable as JetStream is asked for it. There is no
// BackOff, which would override AckWait and add to every delay, and no
// MaxDeliver: the bus counts, so that giving up is never silent.
func (r Reaction) ConsumerConfig() jetstream.ConsumerConfig {
	r = r.withDefaults()
	deliver := jetstream.DeliverAllPolicy
	if r.OnlyNew {
		deliver = jetstream.DeliverNewPolicy
	}
	return jetstream.ConsumerConfig{
		Durable:           r.Durable(),
		FilterSubjects:    r.filters(),
		DeliverPolicy:     deliver,
		AckPolicy:         jetstream.AckExplicitPolicy,
		AckWait:           r.AckWait,
		MaxDeliver:        -1,
		MaxAckPending:     r.MaxAckPending,
		InactiveThreshold: r.InactiveThreshold,
	}
}
