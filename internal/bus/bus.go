package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/fiord-bench/fiord/internal/proof"
)

// Options of a bus. Conn and Source are required.
type Options struct {
	// Conn to NATS; the caller made it and closes it, see [Connect].
	Conn *nats.Conn
	// Source of the events published here: fiord/bench.
	Source string
	// Topology of the streams; the zero value is [DefaultTopology].
	Topology Topology
	// Log gets one line per event at the edge; nil discards.
	Log *slog.Logger
	// Metrics takes the bus's collectors; nil keeps them to itself.
	Metrics prometheus.Registerer
	// Tracer starts a span per publish and per handled event; nil traces nothing.
	Tracer trace.Tracer
	// AckWait of reactions that name none; default 30 s.
	AckWait time.Duration
	// Guest is the public key of a user who is no service: a bench host or a person.
	// Such a bus makes no consumers but has a service make them. On a server that
	// knows no users any name will do; see [GuestName].
	Guest string
	// Signer proves of what is published here who made it; nil without a grant.
	Signer *proof.Signer
	// Verifier holds what is read here against who made it; nil verifies nothing.
	Verifier *proof.Verifier
	// PublishTimeout bounds one acknowledged publish with its retries;
	// default 10 s.
	PublishTimeout time.Duration
}

// Bus publishes and consumes events of one service.
type Bus struct {
	nc      *nats.Conn
	js      jetstream.JetStream
	opts    Options
	log     *slog.Logger
	tracer  trace.Tracer
	metrics *metrics
	clock   clock
	// unproven bounds the letters of events that prove nothing.
	unproven allowance

	mu        sync.Mutex
	reactions map[string]bool // durables that are handled here
	opened    map[string]bool // buckets that are used here
}

// New makes a bus over a connection. It talks to nobody yet.
func New(opts Options) (*Bus, error) {
	if opts.Conn == nil || opts.Source == "" {
		return nil, errors.New("new bus: Conn and Source are required")
	}
	if strings.ContainsAny(opts.Guest, " .*>") {
		return nil, fmt.Errorf("new bus: guest %q is no public key", opts.Guest)
	}
	if opts.Topology == (Topology{}) {
		opts.Topology = DefaultTopology()
	}
	if opts.PublishTimeout == 0 {
		opts.PublishTimeout = 10 * time.Second
	}
	js, err := jetstream.New(opts.Conn, jetstream.WithDefaultTimeout(opts.PublishTimeout))
	if err != nil {
		return nil, fmt.Errorf("new bus: %w", err)
	}
	b := &Bus{nc: opts.Conn, js: js, opts: opts, log: opts.Log, tracer: opts.Tracer}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if _, off := b.tracer.(noop.Tracer); off {
		b.tracer = nil
	}
	if b.metrics, err = newMetrics(opts.Metrics); err != nil {
		return nil, fmt.Errorf("new bus: %w", err)
	}
	return b, nil
}

// span starts a span if anybody traces; without, it gives the one that ctx
// carries on from the sender, at no cost.
func (b *Bus) span(ctx context.Context, verb, object string, kind trace.SpanKind) (context.Context, trace.Span) {
	if b.tracer == nil {
		return ctx, noop.Span{}
	}
	return b.tracer.Start(ctx, verb+object, trace.WithSpanKind(kind))
}

// Source is what this bus publishes as.
func (b *Bus) Source() string { return b.opts.Source }

// Conn is the connection, for micro services and for subjects of their own.
func (b *Bus) Conn() *nats.Conn { return b.nc }

// JetStream is the context, for key-value buckets.
func (b *Bus) JetStream() jetstream.JetStream { return b.js }

// Ready tells whether events can flow: the connection is up, the streams and the
// buckets that are used here are there, and so are the consumers of the reactions
// of this bus, none paused.
func (b *Bus) Ready(ctx context.Context) error {
	if s := b.nc.Status(); s != nats.CONNECTED {
		return fmt.Errorf("nats connection is %s", s)
	}
	if _, err := b.js.Stream(ctx, StreamEvents); err != nil {
		return missing("stream", StreamEvents, err)
	}
	return errors.Join(b.readyState(ctx), b.readyConsumers(ctx))
}
