package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// The sentinels of the contract. All of them are the sender's fault: sending
// the same event again ends the same way.
var (
	// ErrUnknownType says that the catalogue has no such type.
	ErrUnknownType = errors.New("unknown event type")
	// ErrVersion says that the type is known, in another major version.
	ErrVersion = errors.New("unsupported event version")
	// ErrTooLarge says that an event exceeds MaxData.
	ErrTooLarge = errors.New("event too large")
	// ErrEnvelope says that the bytes are no CloudEvent 1.0 with what fiord needs.
	ErrEnvelope = errors.New("malformed CloudEvent")
)

// MaxData bounds an event's data, in bytes of JSON.
const MaxData = 64 << 10

// FieldError is one thing wrong with one field.
type FieldError struct {
	// Field is the JSON path within data, such as targets.where[1].
	Field string `json:"field"`
	// Problem completes the sentence that the field starts.
	Problem string `json:"problem"`
}

// Invalid reports all that is wrong with the data of one event.
type Invalid struct {
	Type   Type
	Fields []FieldError
}

// Error names every field at fault.
func (e *Invalid) Error() string {
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = f.Field + " " + f.Problem
	}
	return fmt.Sprintf("invalid %s: %s", e.Type, strings.Join(parts, "; "))
}

// fieldOf turns a JSON decoding error into one that names the field.
func fieldOf(t Type, err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		return &Invalid{Type: t, Fields: []FieldError{{
			Field:   wrongType.Field,
			Problem: fmt.Sprintf("is a JSON %s where %s is wanted", wrongType.Value, wrongType.Type),
		}}}
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return &Invalid{Type: t, Fields: []FieldError{{
			Field:   strings.Trim(name, `"`),
			Problem: "is not a field of this type",
		}}}
	}
	var invalid *Invalid
	if errors.As(err, &invalid) {
		return err
	}
	return &Invalid{Type: t, Fields: []FieldError{{Field: "data", Problem: "is not readable: " + err.Error()}}}
}
