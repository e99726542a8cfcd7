// Command contractgen writes what is published of the contract from the Go
// types: a JSON Schema and an example per event type, and the AsyncAPI document. It runs in the
// folder of package events, by go generate.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"github.com/invopop/jsonschema"

	"github.com/fiord-bench/fiord/events"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "contractgen:", err)
		os.Exit(1)
	}
}

func run() error {
	reflector, err := newReflector()
	if err != nil {
		return err
	}
	for _, dir := range []string{"schemas", "examples"} {
		if err := clear(dir); err != nil {
			return err
		}
	}
	for _, e := range events.Examples() {
		if err := writeExample(e); err != nil {
			return err
		}
	}
	schemas := map[events.Type]*jsonschema.Schema{}
	for _, t := range events.Types() {
		schemas[t] = schemaOf(reflector, t)
		if err := write(filepath.Join("schemas", t.Short()+".json"), schemas[t]); err != nil {
			return err
		}
	}
	return write("asyncapi.json", document(schemas))
}

// newReflector reads descriptions from the doc comments, so that the Go types
// are the only place where a field is explained.
func newReflector() (*jsonschema.Reflector, error) {
	r := &jsonschema.Reflector{AllowAdditionalProperties: true, DoNotReference: true, Anonymous: true, Mapper: mapType}
	if err := r.AddGoComments("github.com/fiord-bench/fiord/events", ".", jsonschema.WithFullComment()); err != nil {
		return nil, fmt.Errorf("read comments: %w", err)
	}
	return r, nil
}

// mapType gives the schemas of types that marshal themselves.
func mapType(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[events.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^-?([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$|^0$`,
			Description: "A duration with its unit, such as 90s or 1h30m."}
	case reflect.TypeFor[events.Bytes]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
			{Type: "integer", Minimum: "0"},
			{Type: "string", Pattern: `^[0-9]+(\.[0-9]+)? ?([KkMmGgTtPpEe]i?)?[Bb]?$`},
		}, Description: "A number of bytes, with a unit such as 512MiB or 1GB."}
	case reflect.TypeFor[events.Scalar]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}},
			Description: "The value of a fio option."}
	}
	return nil
}

func schemaOf(r *jsonschema.Reflector, t events.Type) *jsonschema.Schema {
	data, err := events.Zero(t)
	if err != nil {
		panic(err) // the type comes from the catalogue itself
	}
	s := r.Reflect(data)
	s.ID = jsonschema.ID("https://fiord.dev/schemas/" + t.Short() + ".v1.json")
	s.Title = string(t)
	return s
}

func clear(dir string) error {
	old, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

func writeExample(e events.Event) error {
	raw, err := events.Marshal(e)
	if err != nil {
		return fmt.Errorf("example of %s: %w", e.Type, err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	return os.WriteFile(filepath.Join("examples", e.Type.Short()+".json"), b.Bytes(), 0o644) //nolint:gosec // sources are for everybody
}

func write(path string, doc any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return os.WriteFile(path, b.Bytes(), 0o644) //nolint:gosec // sources are for everybody
}
