package events

import (
	"encoding/json"
	"fmt"
	"strings"

	ce "github.com/cloudevents/sdk-go/v2/event"
)

// MediaType of an event in structured mode.
const MediaType = "application/cloudevents+json"

// The extension attributes fiord uses, by the names CloudEvents allows.
const (
	extCorrelation = "correlationid"
	extCausation   = "causationid"
	extTraceParent = "traceparent"
	extTraceState  = "tracestate"
)

// Marshal validates the event and writes it in structured mode.
func Marshal(e Event) ([]byte, error) {
	data, err := encodeData(e)
	if err != nil {
		return nil, err
	}
	return appendWire(make([]byte, 0, len(data)+640), e, data), nil
}

func encodeData(e Event) ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	data, err := json.Marshal(e.Data)
	if err != nil {
		return nil, fmt.Errorf("encode data of %s: %w", e.Type, err)
	}
	if len(data) > MaxData {
		return nil, tooLarge(e.Type, len(data))
	}
	return data, nil
}

func tooLarge(t Type, size int) error {
	return fmt.Errorf("%w: data of %s has %d bytes, at most %d are allowed: put what grows behind a claim check", ErrTooLarge, t, size, MaxData)
}

// Unmarshal reads an event in structured mode and validates it. Attributes
// and fields that this build does not know are passed over.
func Unmarshal(raw []byte) (Event, error) {
	if e, ok := readOwn(raw); ok {
		return e, nil
	}
	return readStructured(raw, false)
}

// ToCloudEvent validates the event and gives it as the CloudEvents SDK's type.
func ToCloudEvent(e Event) (ce.Event, error) {
	data, err := encodeData(e)
	if err != nil {
		return ce.Event{}, err
	}
	c := ce.New()
	c.SetID(e.ID)
	c.SetSource(e.Source)
	c.SetType(string(e.Type))
	if e.Subject != "" {
		c.SetSubject(e.Subject)
	}
	if !e.Time.IsZero() {
		c.SetTime(e.Time)
	}
	for _, x := range []struct{ name, value string }{
		{extCorrelation, e.CorrelationID}, {extCausation, e.CausationID},
		{extTraceParent, e.TraceParent}, {extTraceState, e.TraceState},
	} {
		if x.value != "" {
			c.SetExtension(x.name, x.value)
		}
	}
	c.SetDataContentType(ce.ApplicationJSON)
	c.DataEncoded = data
	if c.FieldErrors != nil {
		return ce.Event{}, fmt.Errorf("%w: %w", ErrEnvelope, c.Validate())
	}
	return c, nil
}

// FromCloudEvent decodes and validates the data of a CloudEvent, whatever mode
// it travelled in.
func FromCloudEvent(c ce.Event) (Event, error) { return fromCloudEvent(c, false) }

func fromCloudEvent(c ce.Event, strict bool) (Event, error) {
	if err := envelope(c); err != nil {
		return Event{}, err
	}
	t, err := Parse(c.Type())
	if err != nil {
		return Event{}, err
	}
	data, err := DecodeData(t, c.Data(), strict)
	if err != nil {
		return Event{}, err
	}
	e := Event{
		ID: c.ID(), Source: c.Source(), Type: t, Subject: c.Subject(), Time: c.Time(),
		CorrelationID: extension(c, extCorrelation), CausationID: extension(c, extCausation),
		TraceParent: extension(c, extTraceParent), TraceState: extension(c, extTraceState),
		Data: data,
	}
	if e.CorrelationID == "" {
		e.CorrelationID = e.ID
	}
	return e, nil
}

// envelope checks what CloudEvents requires, naming the attribute at fault.
func envelope(c ce.Event) error {
	return checkEnvelope(c.SpecVersion(), c.ID(), c.Source(), c.Type(), c.DataContentType(), len(c.Data()))
}

func checkEnvelope(version, id, source, typ, contentType string, size int) error {
	if version != ce.CloudEventsVersionV1 {
		return fmt.Errorf("%w: attribute specversion is %.20q, must be %q", ErrEnvelope, version, ce.CloudEventsVersionV1)
	}
	for _, a := range [...]struct{ name, value string }{{"id", id}, {"source", source}, {"type", typ}} {
		if a.value == "" {
			return fmt.Errorf("%w: attribute %s is missing", ErrEnvelope, a.name)
		}
		if len(a.value) > 256 {
			return fmt.Errorf("%w: attribute %s has %d bytes, at most 256 are allowed", ErrEnvelope, a.name, len(a.value))
		}
	}
	if size == 0 {
		return fmt.Errorf("%w: data is missing", ErrEnvelope)
	}
	media, _, _ := strings.Cut(contentType, ";")
	if media = strings.TrimSpace(media); media != "" && !strings.EqualFold(media, ce.ApplicationJSON) {
		return fmt.Errorf("%w: attribute datacontenttype is %.60q, must be %s", ErrEnvelope, contentType, ce.ApplicationJSON)
	}
	return nil
}

func extension(c ce.Event, name string) string {
	s, _ := c.Extensions()[name].(string)
	return s
}
