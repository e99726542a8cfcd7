package events

import (
	"bytes"
	"strings"
	"time"
)

// readOwn reads an event exactly as [Marshal] writes it: attributes that need
// no escapes first, the data last. It takes the envelope apart without a
// decoder; the data is then decoded once, and being one whole JSON value makes
// the document one too. Anything else is left to the thorough reader, which
// also finds the words for what is wrong.
func readOwn(raw []byte) (Event, bool) {
	// The first place that reads like the start of the data is it: within an
	// attribute's value its quotes would be escaped, and those are not read here.
	end := bytes.Index(raw, []byte(`,"data":`))
	if end < 0 || raw[len(raw)-1] != '}' {
		return Event{}, false
	}
	// The attributes of an event share one string.
	rest, ok := strings.CutPrefix(string(raw[:end]), `{"specversion":"1.0"`)
	if !ok {
		return Event{}, false
	}
	var e Event
	for rest != "" {
		var name, value string
		if name, value, rest, ok = cutAttribute(rest); !ok || !e.setAttribute(name, value) {
			return Event{}, false
		}
	}
	return e.withData(raw[end+len(`,"data":`) : len(raw)-1])
}

// cutAttribute cuts ,"name":"value" off the front.
func cutAttribute(s string) (name, value, tail string, ok bool) {
	if s, ok = strings.CutPrefix(s, `,"`); !ok {
		return "", "", "", false
	}
	if name, tail, ok = strings.Cut(s, `":"`); !ok {
		return "", "", "", false
	}
	if value, tail, ok = strings.Cut(tail, `"`); !ok {
		return "", "", "", false
	}
	for i := range len(value) {
		if c := value[i]; c == '\\' || c < ' ' || c > '~' {
			return "", "", "", false
		}
	}
	return name, value, tail, true
}

// setAttribute takes an attribute that Marshal writes, once.
func (e *Event) setAttribute(name, value string) bool {
	var field *string
	switch name {
	case "id":
		field = &e.ID
	case "source":
		field = &e.Source
	case "type":
		if e.Type != "" {
			return false
		}
		e.Type = Type(value)
		return true
	case "subject":
		field = &e.Subject
	case "time":
		at, err := time.Parse(time.RFC3339Nano, value)
		e.Time = at
		return err == nil
	case "datacontenttype":
		return value == "application/json"
	case extCorrelation:
		field = &e.CorrelationID
	case extCausation:
		field = &e.CausationID
	case extTraceParent:
		field = &e.TraceParent
	case extTraceState:
		field = &e.TraceState
	default:
		return false
	}
	if *field != "" {
		return false
	}
	*field = value
	return true
}

func (e Event) withData(data []byte) (Event, bool) {
	if checkEnvelope("1.0", e.ID, e.Source, string(e.Type), "", len(data)) != nil {
		return Event{}, false
	}
	t, ok := lookup(e.Type)
	if !ok {
		return Event{}, false
	}
	if e.Data, ok = t.quick(data); !ok {
		var err error
		if e.Data, err = DecodeData(e.Type, data, false); err != nil {
			return Event{}, false
		}
	}
	if e.CorrelationID == "" {
		e.CorrelationID = e.ID
	}
	return e, true
}
