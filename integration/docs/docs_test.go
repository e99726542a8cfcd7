package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/cmd/fiord/up"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/config"
	fiordyaml "github.com/fiord-bench/fiord/services/ingest/repofile"
)

const root = "../.."

func documents(t *testing.T) []Document {
	t.Helper()
	files, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	var all []Document
	for _, f := range files {
		d, err := Read(root, f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	if len(all) < 15 {
		t.Fatalf("found %d documents: looking at the wrong folder", len(all))
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, d := range documents(t) {
		for _, l := range d.Links {
			target, _, _ := strings.Cut(l.Text, "#")
			if strings.Contains(target, "://") || target == "" || strings.HasPrefix(target, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(d.Path), target)); err != nil {
				t.Errorf("%s:%d: link to %s: %v", d.Path, l.Line, l.Text, err)
			}
		}
	}
}

func TestDocumentsAreShort(t *testing.T) {
	for path, most := range map[string]int{"README.md": 150, "ARCHITECTURE.md": 200} {
		d, err := Read(root, path)
		if err != nil {
			t.Fatal(err)
		}
		if d.Lines > most {
			t.Errorf("%s has %d lines, %d are allowed: move details to docs/", path, d.Lines, most)
		}
	}
}

func TestEveryDecisionIsListed(t *testing.T) {
	index, err := Read(root, "docs/adr/README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "docs/adr/[0-9]*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("decisions: %d files, %v", len(files), err)
	}
	for _, f := range files {
		name := filepath.Base(f)
		if !slices.ContainsFunc(index.Links, func(l Span) bool { return l.Text == name }) {
			t.Errorf("docs/adr/README.md does not list %s", name)
		}
	}
}

func TestMakeTargetsExist(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, d := range documents(t) {
		for _, c := range d.Commands() {
			if c.Words[0] != "make" || len(c.Words) < 2 {
				continue
			}
			found++
			if target := c.Words[1]; !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:`).Match(makefile) {
				t.Errorf("%s:%d: the Makefile has no target %s", d.Path, c.Line, target)
			}
		}
	}
	if found < 5 {
		t.Errorf("found %d uses of make: the parser has gone blind", found)
	}
}

func TestScriptsExist(t *testing.T) {
	for _, d := range documents(t) {
		for _, c := range d.Commands() {
			name := c.Words[0]
			if !strings.HasPrefix(name, "scripts/") && !strings.HasPrefix(name, "deploy/") || strings.HasSuffix(name, "/") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s:%d: %v", d.Path, c.Line, err)
			}
		}
	}
}

// TestFiordCommandsExist builds the command and asks it about every subcommand
// and flag that a document names.
func TestFiordCommandsExist(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "fiord")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/fiord").CombinedOutput(); err != nil {
		t.Fatalf("build fiord: %v\n%s", err, out)
	}
	help := helper(binary)
	found := 0
	for _, d := range documents(t) {
		for _, c := range d.Commands() {
			if name := c.Words[0]; name != "fiord" && name != "bin/fiord" {
				continue
			}
			path, flags := split(c.Words[1:])
			if len(path) == 0 {
				continue
			}
			found++
			text, err := help(path)
			if err != nil {
				t.Errorf("%s:%d: %v", d.Path, c.Line, err)
				continue
			}
			for _, flag := range flags {
				if !regexp.MustCompile(regexp.QuoteMeta(flag) + `\b`).MatchString(text) {
					t.Errorf("%s:%d: fiord %s has no flag %s", d.Path, c.Line, strings.Join(path, " "), flag)
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("found %d uses of fiord: the parser has gone blind", found)
	}
}

// split parts the words after "fiord" into the subcommand, which is one word or
// two for a command with commands of its own, and the flags.
func split(words []string) (path, flags []string) {
	for i, w := range words {
		name, _, _ := strings.Cut(w, "=")
		switch {
		case strings.HasPrefix(w, "--"):
			flags = append(flags, name)
		case i == 0 || i == 1 && (words[0] == "dead" || words[0] == "creds"):
			path = append(path, w)
		}
	}
	return path, flags
}

// helper asks the binary for the help of a command, once each.
func helper(binary string) func(path []string) (string, error) {
	known := map[string]string{}
	return func(path []string) (string, error) {
		name := strings.Join(path, " ")
		if text, ok := known[name]; ok {
			return text, nil
		}
		out, err := exec.Command(binary, append(slices.Clone(path), "--help")...).CombinedOutput()
		// cobra answers an unknown command with its parent's help.
		if err != nil || !strings.Contains(string(out), "\n  fiord "+name) {
			return "", fmt.Errorf("fiord %s is no command", name)
		}
		known[name] = string(out)
		return known[name], nil
	}
}

func TestExamplesOfFiordYAMLAreValid(t *testing.T) {
	found := 0
	check := func(place string, text []byte) {
		found++
		if _, err := fiordyaml.Parse("fiord.yaml", text); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
	for _, d := range documents(t) {
		for _, b := range yamlWith(d, "benches") {
			check(fmt.Sprintf("%s:%d", d.Path, b.Line), []byte(b.Text))
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy/examples/repository/fiord.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	check("deploy/examples/repository/fiord.yaml", text)
	if found < 3 {
		t.Errorf("found %d examples: the parser has gone blind", found)
	}
}

func TestExamplesOfThePolicyAreValid(t *testing.T) {
	found := 0
	for _, d := range documents(t) {
		for _, b := range yamlWith(d, "rules") {
			found++
			if _, err := repos.Parse("repos.yaml", []byte(b.Text)); err != nil {
				t.Errorf("%s:%d: %v", d.Path, b.Line, err)
			}
		}
	}
	if found == 0 {
		t.Error("found no example: the parser has gone blind")
	}
}

func TestExamplesOfSettingsAreValid(t *testing.T) {
	found := 0
	for _, d := range documents(t) {
		for _, name := range service.Names() {
			for _, b := range yamlWith(d, name) {
				found++
				if err := load(t, b.Text); err != nil {
					t.Errorf("%s:%d: %v", d.Path, b.Line, err)
				}
			}
		}
	}
	if found == 0 {
		t.Error("found no example: the parser has gone blind")
	}
}

// load reads an example as `fiord up` would, but for the values of secrets.
func load(t *testing.T, text string) error {
	t.Helper()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	text = regexp.MustCompile(`(_file: )[^\s,}]+`).ReplaceAllString(text, "${1}"+secret)
	text = regexp.MustCompile(`(token)_env: [^\s,}]+`).ReplaceAllString(text, "${1}_file: "+secret)
	file := filepath.Join(dir, "fiord.yaml")
	for path, content := range map[string]string{secret: "https://example.com/0123456789abcdef", file: text} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg := up.DefaultConfig(dir)
	set, err := config.New(cfg.Sections(), service.Siblings()...)
	if err != nil {
		t.Fatal(err)
	}
	return set.Load(config.Source{File: file})
}

// yamlWith are the YAML blocks of a document with a top-level key.
func yamlWith(d Document, key string) []Block {
	var with []Block
	for _, b := range d.Blocks {
		if b.Language == "yaml" && regexp.MustCompile(`(?m)^`+key+`:`).MatchString(b.Text) {
			with = append(with, b)
		}
	}
	return with
}
