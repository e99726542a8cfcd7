package discovery_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/discovery"
	"github.com/fiord-bench/fiord/services/inventory/instance"
	"github.com/fiord-bench/fiord/services/inventory/jinja"
	"github.com/fiord-bench/fiord/services/inventory/source"
)

// answer is what a configuration makes of the fleet, without the variables
// that every machine has anyway.
type answer struct {
	// Refused: the plugin makes no inventory.
	Refused bool                      `json:"refused,omitempty"`
	Hosts   map[string]map[string]any `json:"hosts,omitempty"`
	Groups  map[string]members        `json:"groups,omitempty"`

	ids map[string]string // of the machines, by host
}

type members struct {
	Hosts    []string `json:"hosts,omitempty"`
	Children []string `json:"children,omitempty"`
}

// The configurations in testdata/aws_ec2 are of the shapes that are found in
// public repositories and in the plugin's documentation, each of some features.
// What Ansible's plugin answers to each, on a fleet that a moto server keeps,
// is in testdata/answers; make compare-inventory asks it again.
func TestConfigurationsGiveThePluginsAnswer(t *testing.T) {
	t.Setenv("FIORD_TEST_REGION", "us-west-2")
	files, err := filepath.Glob(filepath.Join(configurationsIn(), "*.aws_ec2.yml"))
	if err != nil || len(files) == 0 || len(files) < 60 && answersIn() == "testdata" {
		t.Fatalf("%d configurations, %v", len(files), err)
	}
	same := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".aws_ec2.yml")
		got := strings.Join(differences(t, file, name), "\n")
		want, listed := reasons[name]
		switch {
		case got == "" && !listed:
			same++
		case got == "":
			t.Errorf("%s: the difference that is listed (%s) is no more", name, want)
		case !listed:
			t.Errorf("%s: differs from the plugin:\n%s", name, got)
		}
	}
	t.Logf("%d of %d configurations give the plugin's answer, %d differ for a reason", same, len(files), len(reasons))
}

// answersIn is where the plugin's answers and the fleet are: those that are
// kept, or those that the plugin was just asked for.
func answersIn() string {
	if fresh := os.Getenv("FIORD_PLUGIN_ANSWERS"); fresh != "" {
		return fresh
	}
	return "testdata"
}

// configurationsIn is where the configurations are: those that are kept, or
// those that the plugin was just asked about.
func configurationsIn() string {
	if fresh := os.Getenv("FIORD_PLUGIN_ANSWERS"); fresh != "" {
		return filepath.Join(fresh, "configurations")
	}
	return "testdata/aws_ec2"
}

// differences compares fiord's answer with the plugin's, the newest that there
// is an answer of.
func differences(t *testing.T, file, name string) []string {
	t.Helper()
	path := filepath.Join(answersIn(), "answers", name+".newest.json")
	if _, err := os.Stat(path); err != nil || !strings.HasPrefix(name, "new-") {
		path = filepath.Join(answersIn(), "answers", name+".json")
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && answersIn() != "testdata" {
		return nil // not asked this time
	}
	if err != nil {
		t.Fatal(err)
	}
	want := &answer{}
	if err := json.Unmarshal(raw, want); err != nil {
		t.Fatal(path, err)
	}
	got, err := fiordsAnswer(t, file)
	switch {
	case err != nil && want.Refused:
		return nil
	case err != nil:
		return []string{"refused: " + err.Error()}
	case want.Refused:
		return []string{"the plugin refuses it"}
	}
	join(want, got)
	forget(want, injected)
	forget(got, injected)
	return append(compareHosts(want, got), compareGroups(want.Groups, got.Groups)...)
}

// injected is the machine with templates in its tags, which the plugin
// evaluates: what its owner writes into a tag is code there, and data here. It
// has a test of its own.
const injected = "i-5e1e4b98a4fd21a8e"

// named says whether a host is a machine.
func (a *answer) named(id string) func(host string) bool {
	return func(host string) bool { return host == id || a.ids[host] == id }
}

// join gives machines of one name one name again: the plugin makes one host of
// them, with the variables of the last, and fiord one each.
func join(want, got *answer) {
	rename := func(host string) string {
		base, isSuffixed := strings.CutSuffix(host, "_"+got.ids[host])
		for name := range want.Hosts {
			if isSuffixed && ansible.SafeHost(name) == base {
				got.ids[base] = got.ids[host]
				want.Hosts[name], got.Hosts[base] = map[string]any{}, map[string]any{}
				delete(got.Hosts, host)
				return base
			}
		}
		return host
	}
	renamed := map[string]string{}
	for _, host := range slices.Sorted(maps.Keys(got.Hosts)) {
		renamed[host] = rename(host)
	}
	for name, m := range got.Groups {
		for i, host := range m.Hosts {
			m.Hosts[i] = renamed[host]
		}
		slices.Sort(m.Hosts)
		m.Hosts = slices.Compact(m.Hosts)
		got.Groups[name] = m
	}
	want.ids = got.ids
}

// forget takes a machine out of an answer, and the groups that only it was in.
func forget(a *answer, id string) {
	gone := map[string]bool{}
	for name, m := range a.Groups {
		before := len(m.Hosts)
		m.Hosts = slices.DeleteFunc(m.Hosts, a.named(id))
		if a.Groups[name] = m; len(m.Hosts) == 0 && before > 0 {
			gone[name] = true
			delete(a.Groups, name)
		}
	}
	for name, m := range a.Groups {
		before := len(m.Children)
		m.Children = slices.DeleteFunc(m.Children, func(child string) bool { return gone[child] })
		if a.Groups[name] = m; len(m.Children) == 0 && before > 0 {
			delete(a.Groups, name)
		}
	}
	maps.DeleteFunc(a.Hosts, func(host string, _ map[string]any) bool { return a.named(id)(host) })
}

func fleetOf(t *testing.T) []instance.Instance {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(answersIn(), "fleet.json"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := source.Parse(source.AWS, "aws_ec2", raw)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// fiordsAnswer builds the inventory of the fleet.
func fiordsAnswer(t *testing.T, file string) (*answer, error) {
	cfg, err := discovery.Load(file, os.Getenv)
	if err != nil {
		return nil, err
	}
	machines := fleetOf(t)
	base := map[string]map[string]any{}
	for _, i := range machines {
		var vars map[string]any
		if err := json.Unmarshal(i.Vars, &vars); err != nil {
			t.Fatal(err)
		}
		base[i.ID] = vars
	}
	if err := cfg.Sift(machines); err != nil {
		return nil, err
	}
	inv, err := ansible.Build(&instance.Snapshot{Instances: machines}, &cfg.Inventory, nil)
	if err != nil {
		return nil, err
	}
	var script bytes.Buffer
	if err := inv.Write(map[string]io.Writer{ansible.FileScript: &script}); err != nil {
		t.Fatal(err)
	}
	return distil(t, script.Bytes(), base), nil
}

func distil(t *testing.T, script []byte, base map[string]map[string]any) *answer {
	t.Helper()
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(script, &doc); err != nil {
		t.Fatal(err)
	}
	var meta struct {
		Hostvars map[string]map[string]any `json:"hostvars"`
	}
	if err := json.Unmarshal(doc["_meta"], &meta); err != nil {
		t.Fatal(err)
	}
	out := &answer{Hosts: map[string]map[string]any{}, Groups: map[string]members{}, ids: map[string]string{}}
	for host, vars := range meta.Hostvars {
		id := gjson.Get(asJSON(t, vars), "fiord.id").String()
		out.ids[host] = id
		kept := map[string]any{}
		for k, v := range vars {
			v = safe(v)
			if raw, ok := base[id][k]; k == "fiord" || strings.Contains(k, "ec2_tags") || ok && asJSON(t, raw) == asJSON(t, v) {
				continue
			}
			kept[k] = v
		}
		out.Hosts[host] = kept
	}
	for name, raw := range doc {
		if name == "_meta" || name == "all" || name == "ungrouped" {
			continue
		}
		var m members
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(name, err)
		}
		slices.Sort(m.Hosts)
		slices.Sort(m.Children)
		out.Groups[name] = m
	}
	return out
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// safe takes the mark of what Ansible must not evaluate away.
func safe(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if text, ok := v["__ansible_unsafe"]; ok && len(v) == 1 {
			return text
		}
		for k := range v {
			v[k] = safe(v[k])
		}
	case []any:
		for i := range v {
			v[i] = safe(v[i])
		}
	}
	return v
}

// pythonText is a variable as text: Ansible before 2.19 makes texts of what
// expressions give, and what looks like a list again one; fiord keeps kinds, as
// Ansible does since.
func pythonText(t any) string {
	if t == nil {
		return ""
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return err.Error()
	}
	s, err := jinja.Text(gjson.ParseBytes(raw))
	if err != nil {
		return err.Error()
	}
	return s
}

func compareHosts(want, got *answer) (out []string) {
	named := map[string]map[string]any{}
	for name, vars := range want.Hosts {
		named[ansible.SafeHost(name)] = vars
	}
	for _, host := range slices.Sorted(maps.Keys(named)) {
		have, ok := got.Hosts[host]
		if !ok {
			out = append(out, "host missing: "+host)
			continue
		}
		for _, k := range slices.Sorted(maps.Keys(named[host])) {
			if strings.Contains(k, "ec2_tags") {
				continue // before 11.2 there was none; that they are tags is tested by themselves
			}
			if v, ok := have[k]; !ok || pythonText(v) != pythonText(named[host][k]) {
				out = append(out, fmt.Sprintf("%s: %s is %v (%v), want %v", host, k, v, ok, named[host][k]))
			}
		}
		for _, k := range slices.Sorted(maps.Keys(have)) {
			if _, ok := named[host][k]; !ok && k != "ansible_host" {
				out = append(out, fmt.Sprintf("%s: %s is %v, want none", host, k, have[k]))
			}
		}
	}
	for _, host := range slices.Sorted(maps.Keys(got.Hosts)) {
		if _, ok := named[host]; !ok {
			out = append(out, "host too many: "+host)
		}
	}
	return out
}

func compareGroups(want, got map[string]members) (out []string) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		w, g := want[name], got[name]
		for i := range w.Hosts {
			w.Hosts[i] = ansible.SafeHost(w.Hosts[i])
		}
		slices.Sort(w.Hosts)
		if !slices.Equal(w.Hosts, g.Hosts) || !slices.Equal(w.Children, g.Children) {
			out = append(out, fmt.Sprintf("group %s: %v, want %v", name, g, w))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			out = append(out, fmt.Sprintf("group too many: %s %v", name, got[name]))
		}
	}
	return out
}
