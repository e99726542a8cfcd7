package events

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Event is a CloudEvent with its data decoded.
type Event struct {
	// ID is unique within Source.
	ID string
	// Source names the service, never the instance: fiord/bench.
	Source string
	Type   Type
	// Subject is the id of what the event is about, see [Named].
	Subject string
	// Time the event was made; informative, never used for order.
	Time time.Time
	// CorrelationID is the id of the first event of the chain.
	CorrelationID string
	// CausationID is the id of the event reacted to, empty for the first.
	CausationID string
	// TraceParent and TraceState hold the trace that the chain started with
	// (W3C Trace Context).
	TraceParent string
	TraceState  string

	Data Data
}

// New makes an event in reaction to cause. The id is the hash of the cause's
// identity, the type and the key: the same reaction makes the same event,
// however often it runs. The key tells apart several events of one type that
// one cause brings about.
//
// Without a cause the id is the hash of the key alone: whoever starts a chain
// chooses it, such as the id of a push.
func New(source, key string, cause *Event, data Data) Event {
	e := Event{
		Source: source,
		Type:   data.EventType(),
		Time:   time.Now().UTC().Truncate(time.Millisecond),
		Data:   data,
	}
	if n, ok := data.(Named); ok {
		e.Subject = n.About()
	}
	if cause == nil {
		e.ID = HashID(source, string(e.Type), key)
		e.CorrelationID = e.ID
		return e
	}
	e.ID = HashID(cause.Source, cause.ID, string(e.Type), key)
	e.CorrelationID = cmp.Or(cause.CorrelationID, cause.ID)
	e.CausationID = cause.ID
	e.TraceParent, e.TraceState = cause.TraceParent, cause.TraceState
	return e
}

// NATSSubject is where the event is published: the type's subject, with the
// route if its data has one.
func (e Event) NATSSubject() string {
	if r, ok := e.Data.(Routed); ok {
		return e.Type.Subject() + "." + r.Route()
	}
	return e.Type.Subject()
}

// EndFilter matches every terminal that could stand in this one's place, or is
// "" when the event ends nothing.
func (e Event) EndFilter() string {
	r, ok := e.Data.(Routed)
	if noun := e.Type.Ends(); noun != "" && ok {
		return endFilter(noun, r.Route())
	}
	return ""
}

// MessageID identifies the event to JetStream's duplicate window, whose scope
// is the whole stream: CloudEvents identity is source and id together.
func (e Event) MessageID() string { return HashID("message", e.Source, e.ID) }

// Validate checks the envelope and the data.
func (e Event) Validate() error {
	var missing []string
	for _, a := range []struct{ name, value string }{
		{"id", e.ID}, {"source", e.Source}, {"type", string(e.Type)},
	} {
		if a.value == "" {
			missing = append(missing, a.name)
		}
		if len(a.value) > 256 {
			return fmt.Errorf("%w: attribute %s has %d bytes, at most 256 are allowed", ErrEnvelope, a.name, len(a.value))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: attribute %s is missing", ErrEnvelope, strings.Join(missing, ", "))
	}
	if e.Data == nil {
		return fmt.Errorf("%w: data is missing", ErrEnvelope)
	}
	if e.Type != e.Data.EventType() {
		return fmt.Errorf("%w: attribute type is %s, the data is of %s", ErrEnvelope, e.Type, e.Data.EventType())
	}
	return e.Data.Validate()
}
