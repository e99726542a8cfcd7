package bus

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	ce "github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/fiord-bench/fiord/events"
)

const (
	headerContentType = "content-type"

	levelOfPublish = slog.LevelDebug
)

// decode reads a message in structured or binary mode. What does not come from
// a service of fiord is held against the published JSON Schema as well.
//
// Binary mode follows the 1.0.3 draft of the NATS binding: every attribute is
// a header ce-<name>, percent-encoded. Header names are read whatever their case.
func decode(header nats.Header, body []byte) (events.Event, error) {
	if strings.HasPrefix(first(header, headerContentType), "application/cloudevents") || !hasAttributes(header) {
		return decodeStructured(body)
	}
	c, err := binaryEvent(header, body)
	if err != nil {
		return events.Event{}, err
	}
	return events.FromForeign(c)
}

func decodeStructured(body []byte) (events.Event, error) {
	e, err := events.Unmarshal(body)
	if err != nil || events.IsOwn(e.Source) {
		return e, err
	}
	return e, events.CheckForeign(e.Type, body)
}

func binaryEvent(header nats.Header, body []byte) (ce.Event, error) {
	c := ce.New()
	c.DataEncoded = body
	for name, values := range header {
		attribute, ok := strings.CutPrefix(strings.ToLower(name), "ce-")
		if !ok || len(values) == 0 {
			continue
		}
		value, err := url.PathUnescape(values[0])
		if err != nil {
			return c, fmt.Errorf("%w: header %s: %w", events.ErrEnvelope, name, err)
		}
		if err := setAttribute(&c, attribute, value); err != nil {
			return c, fmt.Errorf("%w: header %s: %w", events.ErrEnvelope, name, err)
		}
	}
	return c, nil
}

func setAttribute(c *ce.Event, name, value string) error {
	switch name {
	case "id":
		c.SetID(value)
	case "source":
		c.SetSource(value)
	case "type":
		c.SetType(value)
	case "subject":
		c.SetSubject(value)
	case "specversion":
		c.SetSpecVersion(value)
	case "datacontenttype":
		c.SetDataContentType(value)
	case "dataschema":
		c.SetDataSchema(value)
	case "time":
		t, err := time.Parse(time.RFC3339Nano, value)
		if err != nil {
			return err
		}
		c.SetTime(t)
	default:
		c.SetExtension(name, value)
	}
	return nil
}

func hasAttributes(header nats.Header) bool {
	for name := range header {
		if strings.EqualFold(name, "ce-specversion") || strings.EqualFold(name, "ce-type") {
			return true
		}
	}
	return false
}

// first is the first value of a header, whatever the case of its name.
func first(header nats.Header, name string) string {
	for k, v := range header {
		if strings.EqualFold(k, name) && len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// adoptTrace gives an event that starts a chain the trace it starts in.
func adoptTrace(ctx context.Context, e *events.Event) {
	if e.TraceParent != "" || !trace.SpanContextFromContext(ctx).IsValid() {
		return
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	e.TraceParent, e.TraceState = carrier["traceparent"], carrier["tracestate"]
}

// injectTrace writes this hop's trace context into plain headers.
func injectTrace(ctx context.Context, header nats.Header) {
	propagation.TraceContext{}.Inject(ctx, headerCarrier(header))
}

// extractTrace goes on with the sender's trace, or with the one the chain
// started with if the sender sent none.
func extractTrace(ctx context.Context, header nats.Header, e events.Event) context.Context {
	if first(header, "traceparent") != "" {
		return propagation.TraceContext{}.Extract(ctx, headerCarrier(header))
	}
	if e.TraceParent == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{
		"traceparent": e.TraceParent, "tracestate": e.TraceState,
	})
}

// headerCarrier lets OpenTelemetry read and write NATS headers, which unlike
// HTTP's are not canonicalised.
type headerCarrier nats.Header

func (h headerCarrier) Get(key string) string { return first(nats.Header(h), key) }
func (h headerCarrier) Set(key, value string) { h[key] = []string{value} }
func (h headerCarrier) Keys() []string {
	keys := make([]string, 0, len(h))
	for k := range h {
		keys = append(keys, k)
	}
	return keys
}

func eventAttrs(e events.Event) []slog.Attr {
	return []slog.Attr{
		slog.String("event_type", string(e.Type)),
		slog.String("event_id", e.ID),
		slog.String("subject", e.Subject),
	}
}
