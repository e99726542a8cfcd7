package ansible_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// Whatever text a cloud has in tags and values: JSON and YAML read back what
// went in, and no text makes a line of its own in INI or the script.
func FuzzEscapes(f *testing.F) {
	for _, text := range nasty {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, key, text string) {
		key, text = strings.ToValidUTF8(key, "?"), strings.ToValidUTF8(text, "?")
		doc := map[string]any{"text": text, "tags": map[string]any{key: text}, "list": []any{text, true, nil, 1}, key: text}
		vars, err := instance.Encode(doc)
		if err != nil {
			t.Skip()
		}
		m := machine("i-1")
		m.Vars = vars
		inv := build(t, "compose: {copied: text}", m)
		out := map[string]*bytes.Buffer{}
		outputs := map[string]io.Writer{}
		for _, name := range ansible.Files() {
			out[name] = &bytes.Buffer{}
			outputs[name] = out[name]
		}
		if err := inv.Write(outputs); err != nil {
			t.Fatal(err)
		}
		var fromJSON struct {
			All struct{ Hosts map[string]map[string]any }
		}
		if err := json.Unmarshal(out[ansible.FileJSON].Bytes(), &fromJSON); err != nil {
			t.Fatalf("JSON: %v\n%s", err, out[ansible.FileJSON])
		}
		host := fromJSON.All.Hosts["ip-i-1.internal"]
		if host == nil {
			t.Fatalf("JSON lost the host:\n%s", out[ansible.FileJSON])
		}
		for _, name := range []string{"text", "copied"} {
			if got := unwrap(host[name]); got != text && key != name {
				t.Fatalf("JSON: %s is %q, want %q", name, got, text)
			}
		}
		var fromYAML struct {
			All struct{ Hosts map[string]map[string]any }
		}
		plain := strings.ReplaceAll(out[ansible.FileYAML].String(), "!unsafe ", "")
		if err := yaml.Load([]byte(plain), &fromYAML); err != nil {
			t.Fatalf("YAML: %v\n%s", err, out[ansible.FileYAML])
		}
		if !strings.Contains(text, "!unsafe ") && !strings.Contains(key, "!unsafe ") {
			if diff := cmp.Diff(unwrap(host["tags"].(map[string]any)[key]), fromYAML.All.Hosts["ip-i-1.internal"]["tags"].(map[string]any)[key]); diff != "" && key != "tags" {
				t.Fatalf("YAML and JSON disagree (-JSON +YAML):\n%s", diff)
			}
		}
		// The host, an empty line, the source's group, and the host in it.
		if lines := strings.Count(out[ansible.FileINI].String(), "\n"); lines != 4 {
			t.Fatalf("INI has %d lines:\n%s", lines, out[ansible.FileINI])
		}
		script := out[ansible.FileExec].String()
		_, data, _ := strings.Cut(script, "\n#\t")
		for line := range strings.Lines("#\t" + data) {
			if !strings.HasPrefix(line, "#\t") {
				t.Fatalf("the script has a line of its own: %q", line)
			}
		}
	})
}
