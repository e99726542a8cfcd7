package ansible_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// nasty are texts that some format or reader is known to get wrong.
var nasty = []string{
	"", "yes", "no", "0123", "1.10", "123456789012", "012345678901", "12:34:56", "=", "null", "~", "true", "1e5", "0x1f",
	"a b", " lead", "trail ", "a # b", "a#b", `back\slash`, `"quoted"`, `it's`, "new\nline", "tab\there", "cr\r", "a=b", "[1:3]",
	"{{ 7*7 }}", "{% raw %}", "{{ x }} {% endraw %} '\"", "{# note #}", "{{", "}}", "{'a': 1}", "[1, 2]", "!unsafe x", "&a", "*a", "- x", "? y", ": z",
	"ünïcode", "日本", "🚀 {{ 1 }}", "\u0085", "\u2028", "\x00", "\x7f", "\ufeff", "$HOME", "`id`", "%(x)s", "@x", "|", ">", "<<", "None", "b'x'", "'''",
}

func nastyInventory(t testing.TB) *ansible.Inventory {
	t.Helper()
	var machines []instance.Instance
	for n, text := range nasty {
		m := machine(fmt.Sprintf("i-%d", n+1), "Name="+text)
		m.Tags = map[string]string{"Name": text, text: "key"}
		vars, err := instance.Encode(map[string]any{
			"text": text, "tags": m.Tags, "list": []any{text, 1, true, nil, 1.5}, "nested": map[string]any{"a": map[string]any{"b": []any{text}}},
			"number": n, "big": json.Number("123456789012345678901234567890"), "float": json.Number("1e20"), "half": 0.5, "negative": -3,
			"yes": true, "no": false, "nothing": nil, "empty_list": []any{}, "empty_dict": map[string]any{},
		})
		if err != nil {
			t.Fatal(err)
		}
		m.Vars = vars
		machines = append(machines, m)
	}
	return build(t, "hostnames: ['tag:Name', instance-id]\ncompose: {composed: text ~ '!', number_: number + 1}\nkeyed_groups: [{key: text, prefix: k, parent_group: parent}]", machines...)
}

// files writes an inventory into a folder.
func files(t testing.TB, inv *ansible.Inventory, dir string) {
	t.Helper()
	outputs := map[string]io.Writer{}
	for _, name := range ansible.Files() {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		outputs[name] = f
	}
	if err := inv.Write(outputs); err != nil {
		t.Fatal(err)
	}
}

// list is what the real ansible-inventory makes of a file.
func list(t testing.TB, file string) map[string]any {
	t.Helper()
	ansibleInventory, err := exec.LookPath("ansible-inventory")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("ansible-inventory is missing: apt-get install ansible-core")
		}
		t.Skip("ansible-inventory is missing: apt-get install ansible-core")
	}
	cmd := exec.Command(ansibleInventory, "-i", file, "--list")
	cmd.Env = append(os.Environ(), "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=1", "ANSIBLE_DEPRECATION_WARNINGS=0", "LC_ALL=C.UTF-8",
		"ANSIBLE_HOME="+t.TempDir(), "ANSIBLE_LOCAL_TEMP="+t.TempDir(), "HOME="+t.TempDir())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ansible-inventory -i %s: %v\n%s", filepath.Base(file), err, stderr.String())
	}
	if stderr.Len() > 0 {
		t.Errorf("ansible-inventory -i %s warns:\n%s", filepath.Base(file), stderr.String())
	}
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(out))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestAllFormatsSayTheSameToTheRealAnsible(t *testing.T) {
	dir := t.TempDir()
	inv := nastyInventory(t)
	files(t, inv, dir)
	want := list(t, filepath.Join(dir, ansible.FileExec))
	for _, file := range []string{ansible.FileYAML, ansible.FileJSON, ansible.FileINI} {
		got := list(t, filepath.Join(dir, file))
		if file == ansible.FileINI {
			sameButTemplates(t, want, got)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s differs from the script (-script +file):\n%s", file, diff)
		}
	}
	vars := want["_meta"].(map[string]any)["hostvars"].(map[string]any)
	if len(vars) != len(inv.Hosts) {
		t.Errorf("Ansible sees %d hosts, want %d", len(vars), len(inv.Hosts))
	}
	for _, h := range inv.Hosts {
		seen, _ := vars[h.Name].(map[string]any)
		if got := unwrap(seen["text"]); got != h.Instance.Tags["Name"] {
			t.Errorf("host %s: text %q, want %q", h.Name, got, h.Instance.Tags["Name"])
		}
		if seen["yes"] != true || seen["nothing"] != nil || seen["big"] != json.Number("123456789012345678901234567890") || seen["negative"] != json.Number("-3") {
			t.Errorf("host %s: types changed: %v", h.Name, seen)
		}
	}
}

// sameButTemplates compares the inventories where INI can carry the text as it
// is; the rest is what TestTextIsNeverEvaluated is about.
func sameButTemplates(t *testing.T, want, got map[string]any) {
	t.Helper()
	isTemplate := func(v any) bool {
		s, ok := v.(string)
		return ok && strings.HasPrefix(s, "{{ '")
	}
	marked := func(v any) bool { return unwrap(v) != nil && fmt.Sprintf("%T", unwrap(v)) != fmt.Sprintf("%T", v) }
	same := cmp.FilterValues(func(a, b any) bool {
		return marked(a) && isTemplate(b) || marked(b) && isTemplate(a)
	}, cmp.Comparer(func(a, b any) bool { return true }))
	if diff := cmp.Diff(any(want), any(got), same); diff != "" {
		t.Errorf("INI differs from the script (-script +INI):\n%s", diff)
	}
}

// What comes from a cloud is shown by Ansible as it is, in every format.
func TestTextIsNeverEvaluated(t *testing.T) {
	ansibleCommand, err := exec.LookPath("ansible")
	if err != nil {
		t.Skip("ansible is missing: apt-get install ansible-core")
	}
	dir := t.TempDir()
	inv := nastyInventory(t)
	files(t, inv, dir)
	want := map[string]string{}
	for _, h := range inv.Hosts {
		if text := h.Instance.Tags["Name"]; strings.Contains(text, "{{") || strings.Contains(text, "{%") || strings.Contains(text, "{#") {
			want[h.Name] = text
		}
	}
	for _, file := range []string{ansible.FileYAML, ansible.FileJSON, ansible.FileINI, ansible.FileExec} {
		cmd := exec.Command(ansibleCommand, "-i", filepath.Join(dir, file), strings.Join(slices.Collect(maps.Keys(want)), ","), "-o", "-m", "debug", "-a", "var=text")
		cmd.Env = append(os.Environ(), "ANSIBLE_DEPRECATION_WARNINGS=0", "LC_ALL=C.UTF-8", "ANSIBLE_LOCAL_TEMP="+t.TempDir(), "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("ansible -i %s: %v\n%s", file, err, out)
		}
		seen := 0
		for line := range strings.Lines(string(out)) {
			host, result, ok := strings.Cut(line, " | SUCCESS => ")
			var doc struct{ Text string }
			if !ok || json.Unmarshal([]byte(result), &doc) != nil {
				continue
			}
			seen++
			if doc.Text != want[host] {
				t.Errorf("%s, host %s: Ansible shows %q, want %q", file, host, doc.Text, want[host])
			}
		}
		if seen != len(want) {
			t.Errorf("%s: %d results of %d hosts:\n%s", file, seen, len(want), out)
		}
	}
}

// unwrap takes the mark off what must not be evaluated.
func unwrap(v any) any {
	if m, ok := v.(map[string]any); ok {
		if text, ok := m["__ansible_unsafe"]; ok {
			return text
		}
	}
	return v
}
