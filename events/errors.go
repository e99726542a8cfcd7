package events

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
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
	field, problem := "data", "is not readable: "+err.Error()
	var semantic *jsonv2.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.As(err, &semantic):
		field = fieldPath(semantic.JSONPointer)
		switch {
		case errors.Is(err, jsonv2.ErrUnknownName):
			problem = "is not a field of this type"
		case semantic.Err != nil:
			problem = "is not readable: " + semantic.Err.Error()
		default:
			problem = fmt.Sprintf("is a JSON %s where %s is wanted", kindName(semantic.JSONKind), wanted(semantic.GoType))
		}
	case errors.As(err, &syntactic):
		field, problem = fieldPath(syntactic.JSONPointer), fmt.Sprintf("is not JSON at byte %d: %v", syntactic.ByteOffset, syntactic.Err)
	}
	return &Invalid{Type: t, Fields: []FieldError{{Field: field, Problem: problem}}}
}

// wanted names the JSON that a Go type is read from.
func wanted(t reflect.Type) string {
	if t == nil {
		return "something else"
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "a number (" + t.Kind().String() + ")"
}

// fieldPath writes a JSON pointer as people write a path: jobs[0].name.
func fieldPath(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		if _, err := strconv.Atoi(token); err == nil {
			fmt.Fprintf(&b, "[%s]", token)
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(token)
	}
	if b.Len() == 0 {
		return "data"
	}
	return b.String()
}

// kindName is how people call a kind of JSON value.
func kindName(k jsontext.Kind) string {
	switch k {
	case '[':
		return "array"
	case '{':
		return "object"
	}
	return k.String()
}
