package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	ce "github.com/cloudevents/sdk-go/v2/event"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// wire is a CloudEvent in structured mode as fiord writes it. Reading it
// directly, with one pass over the envelope and one over the data, takes a
// third of the SDK's time; what has another shape goes through the SDK.
type wire struct {
	SpecVersion     string         `json:"specversion"`
	ID              string         `json:"id"`
	Source          string         `json:"source"`
	Type            string         `json:"type"`
	Subject         string         `json:"subject"`
	Time            string         `json:"time"`
	DataContentType string         `json:"datacontenttype"`
	CorrelationID   string         `json:"correlationid"`
	CausationID     string         `json:"causationid"`
	TraceParent     string         `json:"traceparent"`
	TraceState      string         `json:"tracestate"`
	Data            jsontext.Value `json:"data"`
	DataBase64      jsontext.Value `json:"data_base64"`
}

func (w wire) event(strict bool) (Event, error) {
	if err := w.check(); err != nil {
		return Event{}, err
	}
	t, err := Parse(w.Type)
	if err != nil {
		return Event{}, err
	}
	e := Event{
		ID: w.ID, Source: w.Source, Type: t, Subject: w.Subject,
		CorrelationID: w.CorrelationID, CausationID: w.CausationID,
		TraceParent: w.TraceParent, TraceState: w.TraceState,
	}
	if e.CorrelationID == "" {
		e.CorrelationID = e.ID
	}
	if w.Time != "" {
		if e.Time, err = time.Parse(time.RFC3339Nano, w.Time); err != nil {
			return Event{}, fmt.Errorf("%w: attribute time is %.40q, not a timestamp of RFC 3339", ErrEnvelope, w.Time)
		}
	}
	e.Data, err = DecodeData(t, w.Data, strict)
	return e, err
}

func (w wire) check() error {
	return checkEnvelope(w.SpecVersion, w.ID, w.Source, w.Type, w.DataContentType, len(w.Data))
}

// readWire decodes the envelope. A document that is no JSON object, or whose
// attributes are no strings, is named for what it is.
func readWire(raw []byte) (wire, error) {
	var w wire
	err := jsonv2.Unmarshal(raw, &w, jsontext.AllowDuplicateNames(true))
	if err == nil {
		return w, nil
	}
	var semantic *jsonv2.SemanticError
	if errors.As(err, &semantic) && semantic.JSONPointer != "" {
		return w, fmt.Errorf("%w: attribute %s is a JSON %s, not a string", ErrEnvelope, fieldPath(semantic.JSONPointer), kindName(semantic.JSONKind))
	}
	if semantic != nil {
		return w, fmt.Errorf("%w: a JSON %s, where one event, an object, is wanted", ErrEnvelope, kindName(semantic.JSONKind))
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return w, fmt.Errorf("%w: the message is empty", ErrEnvelope)
	}
	return w, fmt.Errorf("%w: %w", ErrEnvelope, err)
}

// readStructured reads an event in structured mode.
func readStructured(raw []byte, strict bool) (Event, error) {
	w, err := readWire(raw)
	if err != nil {
		return Event{}, err
	}
	if len(w.DataBase64) == 0 {
		return w.event(strict)
	}
	var c ce.Event
	if err := json.Unmarshal(raw, &c); err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrEnvelope, err)
	}
	return fromCloudEvent(c, strict)
}

// appendWire writes the event in structured mode; data is its encoded data.
func appendWire(b []byte, e Event, data []byte) []byte {
	b = append(b, `{"specversion":"1.0"`...)
	b = appendAttribute(b, "id", e.ID)
	b = appendAttribute(b, "source", e.Source)
	b = appendAttribute(b, "type", string(e.Type))
	b = appendAttribute(b, "subject", e.Subject)
	if !e.Time.IsZero() {
		b = append(b, `,"time":"`...)
		b = e.Time.UTC().AppendFormat(b, time.RFC3339Nano)
		b = append(b, '"')
	}
	b = append(b, `,"datacontenttype":"application/json"`...)
	b = appendAttribute(b, extCorrelation, e.CorrelationID)
	b = appendAttribute(b, extCausation, e.CausationID)
	b = appendAttribute(b, extTraceParent, e.TraceParent)
	b = appendAttribute(b, extTraceState, e.TraceState)
	b = append(b, `,"data":`...)
	b = append(b, data...)
	return append(b, '}')
}

// appendAttribute writes one attribute; absent ones are left out.
func appendAttribute(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendString(b, value)
}

// appendString writes a JSON string; only unusual ones need the encoder.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			quoted, err := json.Marshal(s)
			if err != nil { // cannot happen for a string
				return strconv.AppendQuote(b, s)
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
