package events

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed schemas/*.json
var schemaFiles embed.FS

//go:embed asyncapi.json
var asyncAPI []byte

// Schema is the JSON Schema (draft 2020-12) of the data of one type, as it is
// published.
func Schema(t Type) ([]byte, error) {
	if _, err := Parse(string(t)); err != nil {
		return nil, err
	}
	raw, err := fs.ReadFile(schemaFiles, schemaPath(t))
	if err != nil {
		return nil, fmt.Errorf("read schema of %s: %w", t, err)
	}
	return raw, nil
}

// AsyncAPI is the whole contract as an AsyncAPI 3.0 document in JSON.
func AsyncAPI() []byte { return append([]byte(nil), asyncAPI...) }

// Summary says in half a sentence what an event of the type tells.
func (t Type) Summary() string {
	e, _ := lookup(t)
	return e.summary
}

// Short is the type without prefix and version: bench.requested.
func (t Type) Short() string {
	return strings.TrimSuffix(strings.TrimPrefix(string(t), typePrefix), "."+typeVersion)
}

// Long completes a short name: bench.requested becomes
// dev.fiord.bench.requested.v1. Anything else stays as it is.
func Long(name string) string {
	if strings.Count(name, ".") == 1 {
		return typePrefix + name + "." + typeVersion
	}
	return name
}

func schemaPath(t Type) string { return "schemas/" + t.Short() + ".json" }
