package events

import (
	"bytes"
	"time"
)

// readOwn reads an event exactly as [Marshal] writes it: attributes that need
// no escapes first, the data last. It takes the envelope apart without a
// decoder; the data is then decoded once, and being one whole JSON value makes
// the document one too. Anything else is left to the thorough reader, which
// also finds the words for what is wrong.
func readOwn(raw []byte) (Event, bool) {
	rest, ok := bytes.CutPrefix(raw, []byte(`{"specversion":"1.0"`))
	if !ok || !bytes.HasSuffix(rest, []byte("}")) {
		return Event{}, false
	}
	var e Event
	for {
		name, value, tail, ok := cutAttribute(rest)
		if !ok {
			return Event{}, false
		}
		if string(name) == "data" {
			return e.withData(tail[:len(tail)-1])
		}
		if !e.setAttribute(string(name), string(value)) {
			return Event{}, false
		}
		rest = tail
	}
}

// cutAttribute cuts ,"name":"value" off the front, or ,"data": alone.
func cutAttribute(b []byte) (name, value, tail []byte, ok bool) {
	b, ok = bytes.CutPrefix(b, []byte(`,"`))
	if !ok {
		return nil, nil, nil, false
	}
	name, tail, ok = bytes.Cut(b, []byte(`":`))
	if !ok {
		return nil, nil, nil, false
	}
	if string(name) == "data" {
		return name, nil, tail, true
	}
	if tail, ok = bytes.CutPrefix(tail, []byte(`"`)); !ok {
		return nil, nil, nil, false
	}
	end := bytes.IndexByte(tail, '"')
	if end < 0 {
		return nil, nil, nil, false
	}
	for _, c := range tail[:end] {
		if c == '\\' || c < ' ' || c > '~' {
			return nil, nil, nil, false
		}
	}
	return name, tail[:end], tail[end+1:], true
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
	var err error
	if e.Data, err = DecodeData(e.Type, data, false); err != nil {
		return Event{}, false
	}
	if e.CorrelationID == "" {
		e.CorrelationID = e.ID
	}
	return e, true
}
