package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	ce "github.com/cloudevents/sdk-go/v2/event"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// ownSource starts the source of every event that a service of fiord makes.
const ownSource = "fiord/"

// IsOwn tells whether a source is one of fiord's services, whose code has made
// and checked the event. Saying so gains a stranger nothing: every event
// passes the compiled checks.
func IsOwn(source string) bool { return strings.HasPrefix(source, ownSource) }

// ReadForeign reads an event in structured mode that comes from outside,
// strictly: a field that nobody knows is an error, since in a document that a
// person wrote it is a misspelling.
func ReadForeign(raw []byte) (Event, error) {
	e, err := readStructured(raw, true)
	if err != nil {
		return Event{}, err
	}
	return e, CheckForeign(e.Type, raw)
}

// FromForeign is [ReadForeign] for an event already taken from its transport.
func FromForeign(c ce.Event) (Event, error) {
	e, err := fromCloudEvent(c, true)
	if err != nil {
		return Event{}, err
	}
	if err := checkData(e.Type, c.Data()); err != nil {
		return Event{}, err
	}
	return e, nil
}

// CheckForeign holds an event in structured mode against the JSON Schema of
// its type.
func CheckForeign(t Type, raw []byte) error {
	w, err := readWire(raw)
	if err != nil {
		return err
	}
	data := []byte(w.Data)
	if len(w.DataBase64) > 0 {
		if err := json.Unmarshal(w.DataBase64, &data); err != nil {
			return fmt.Errorf("%w: attribute data_base64: %w", ErrEnvelope, err)
		}
	}
	return checkData(t, data)
}

// checkData validates data against the embedded schema; all problems at once,
// each with its field.
func checkData(t Type, data []byte) error {
	schema, err := compiled(t)
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return fieldOf(t, err)
	}
	err = schema.Validate(doc)
	if err == nil {
		return nil
	}
	invalid := &Invalid{Type: t}
	var problem *jsonschema.ValidationError
	if !errors.As(err, &problem) {
		return fmt.Errorf("validate %s: %w", t, err)
	}
	collect(problem, invalid)
	return invalid
}

// collect takes the leaves of the validator's tree: they name fields.
func collect(v *jsonschema.ValidationError, into *Invalid) {
	if len(v.Causes) == 0 {
		field := strings.Join(v.InstanceLocation, ".")
		if field == "" {
			field = "data"
		}
		into.Fields = append(into.Fields, FieldError{
			Field:   field,
			Problem: v.ErrorKind.LocalizedString(message.NewPrinter(language.English)),
		})
		return
	}
	for _, cause := range v.Causes {
		collect(cause, into)
	}
}

// compiled gives the compiled schema of a type. Compiling is deferred to the
// first foreign event and kept: it depends on nothing but embedded files.
func compiled(t Type) (*jsonschema.Schema, error) {
	schemas, err := compileAll()
	if err != nil {
		return nil, err
	}
	schema, ok := schemas[t]
	if !ok {
		return nil, fmt.Errorf("%w: no schema of %s", ErrUnknownType, t)
	}
	return schema, nil
}

var compileAll = sync.OnceValues(func() (map[Type]*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	all := map[Type]*jsonschema.Schema{}
	for _, t := range Types() {
		raw, err := fs.ReadFile(schemaFiles, schemaPath(t))
		if err != nil {
			return nil, fmt.Errorf("read schema of %s: %w", t, err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("read schema of %s: %w", t, err)
		}
		if err := c.AddResource(schemaPath(t), doc); err != nil {
			return nil, fmt.Errorf("add schema of %s: %w", t, err)
		}
		if all[t], err = c.Compile(schemaPath(t)); err != nil {
			return nil, fmt.Errorf("compile schema of %s: %w", t, err)
		}
	}
	return all, nil
})
