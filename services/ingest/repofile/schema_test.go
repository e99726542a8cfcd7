package repofile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
)

// generate makes the schema from the Go types, with their comments as
// descriptions.
func generate(t *testing.T) string {
	t.Helper()
	r := &jsonschema.Reflector{DoNotReference: true, Anonymous: true, Mapper: mapType, RequiredFromJSONSchemaTags: true}
	comments := func(module, dir string) {
		t.Chdir(dir)
		if err := r.AddGoComments(module, "./", jsonschema.WithFullComment()); err != nil {
			t.Fatal(err)
		}
	}
	module := "github.com/fiord-bench/fiord/"
	comments(module+"services/ingest/repofile", ".")
	comments(module+"events", filepath.Join("..", "..", "..", "events"))
	t.Chdir(filepath.Join("..", "services", "ingest", "repofile"))
	s := r.Reflect(&repofile.File{})
	s.ID = "https://fiord.dev/schemas/fiord.yaml.v1.json"
	s.Title = "fiord.yaml"
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// mapType gives the schemas of types that read themselves from text.
func mapType(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[events.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$`}
	case reflect.TypeFor[events.Bytes]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
			{Type: "integer", Minimum: "0"},
			{Type: "string", Pattern: `^[0-9]+(\.[0-9]+)? ?([KkMmGgTtPpEe]i?)?[Bb]?$`},
		}}
	case reflect.TypeFor[events.Scalar]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}}
	case reflect.TypeFor[events.Targets]():
		r := &jsonschema.Reflector{DoNotReference: true, Anonymous: true, RequiredFromJSONSchemaTags: true}
		s := r.Reflect(events.Targets{})
		s.Version = ""
		s.Properties.Set("count", &jsonschema.Schema{OneOf: []*jsonschema.Schema{
			{Type: "integer", Minimum: "1"}, {Type: "string", Pattern: "^(all|[1-9][0-9]*)$"},
		}})
		return s
	case reflect.TypeFor[repofile.Schedule]():
		r := &jsonschema.Reflector{DoNotReference: true, Anonymous: true, RequiredFromJSONSchemaTags: true}
		s := r.Reflect(struct {
			Cron     string `json:"cron" jsonschema:"required"`
			Timezone string `json:"timezone,omitempty"`
			Branch   string `json:"branch,omitempty"`
			Missed   string `json:"missed,omitempty" jsonschema:"enum=once,enum=skip"`
		}{})
		s.Version = ""
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, s}}
	}
	return nil
}

func TestSchemaIsGenerated(t *testing.T) {
	golden(t, "fiord.schema.json", generate(t))
}

func compile(t *testing.T) *validator.Schema {
	t.Helper()
	doc, err := validator.UnmarshalJSON(bytes.NewReader(repofile.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	if err := c.AddResource("fiord.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("fiord.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// document is YAML as the validator wants it.
func document(t *testing.T, name string, src []byte) any {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if doc, err = validator.UnmarshalJSON(bytes.NewReader(raw)); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return doc
}

// TestSchemaAgreesWithTheParser: an editor that follows the schema must neither
// reject what fiord takes nor let through a shape that fiord refuses.
func TestSchemaAgreesWithTheParser(t *testing.T) {
	s := compile(t)
	for dir, valid := range map[string]bool{"valid": true, "shape": false} {
		for path, src := range files(t, dir) {
			if err := s.Validate(document(t, path, src)); (err == nil) != valid {
				t.Errorf("%s: schema says %v, want valid = %v", path, err, valid)
			}
		}
	}
}

// yamlBlock finds the YAML in Markdown.
var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// What people copy has to work, in the editor and at the push.
func TestExamplesOfTheDocumentationAreValid(t *testing.T) {
	s := compile(t)
	root := filepath.Join("..", "..", "..")
	var sources []string
	for _, glob := range []string{"*.md", "docs/guides/*.md", "docs/adr/*.md", "services/*/*.md", "cmd/fiord/*.md", "deploy/*.md", "deploy/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, glob))
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, found...)
	}
	examples := map[string][]byte{}
	for _, path := range sources {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range yamlBlock.FindAllSubmatch(text, -1) {
			if bytes.Contains(block[1], []byte("\nbenches:")) {
				examples[fmt.Sprintf("%s, block %d", path, i+1)] = block[1]
			}
		}
	}
	sample := filepath.Join(root, "deploy", "examples", "repository", "fiord.yaml")
	text, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	examples[sample] = text
	if len(examples) < 4 {
		t.Fatalf("only %d examples were found", len(examples))
	}
	for name, src := range examples {
		if _, err := repofile.Parse(name, src); err != nil {
			t.Errorf("fiord refuses: %v", err)
		}
		if err := s.Validate(document(t, name, src)); err != nil {
			t.Errorf("%s: an editor marks: %v", name, err)
		}
	}
}
