package ansible_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/instance"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// config reads the YAML of a configuration.
func config(t testing.TB, text string) *ansible.Config {
	t.Helper()
	var c ansible.Config
	if err := yaml.Load([]byte(text), &c, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return &c
}

// machine is an instance of Amazon's with a private address and tags k=v.
func machine(id string, tags ...string) instance.Instance {
	i := instance.Instance{ID: id, Provider: instance.AWS, Account: "123456789012", Region: "eu-west-1", State: instance.StateRunning, Tags: map[string]string{}}
	i.Addresses = instance.Addresses{PrivateIPv4: "10.0.0." + strings.TrimLeft(id, "i-"), PrivateDNS: "ip-" + id + ".internal"}
	for _, tag := range tags {
		k, v, _ := strings.Cut(tag, "=")
		i.Tags[k] = v
	}
	vars, err := instance.Encode(map[string]any{
		"instance_id": id, "tags": i.Tags, "placement": map[string]any{"region": "eu-west-1"},
		"security_groups": []any{map[string]any{"group_name": "web"}, map[string]any{"group_name": "ssh"}},
	})
	if err != nil {
		panic(err)
	}
	i.Vars = vars
	return i
}

func build(t testing.TB, cfg string, instances ...instance.Instance) *ansible.Inventory {
	t.Helper()
	s := &instance.Snapshot{Instances: instances}
	s.Sort()
	inv, err := ansible.Build(s, config(t, cfg), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(inv.Hosts) + len(inv.Excluded); got != len(instances) {
		t.Errorf("%d hosts and %d excluded of %d machines", len(inv.Hosts), len(inv.Excluded), len(instances))
	}
	return inv
}

// shape writes an inventory briefly: names of hosts, then group=members.
func shape(inv *ansible.Inventory) []string {
	var out []string
	for _, h := range inv.Hosts {
		out = append(out, h.Name)
	}
	for _, g := range inv.Groups {
		line := g.Name + "=" + strings.Join(g.Hosts, ",")
		if len(g.Children) > 0 {
			line += "+" + strings.Join(g.Children, ",")
		}
		out = append(out, line)
	}
	return out
}

func TestConstructedGroupsFollowAnsiblesRules(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg  string
		want []string
	}{
		"prefix":                        {`keyed_groups: [{key: tags.Env, prefix: env}]`, []string{"a", "b", "env_prod=a"}},
		"no prefix":                     {`keyed_groups: [{key: tags.Env}]`, []string{"a", "b", "_prod=a"}},
		"no prefix, no separator":       {"leading_separator: false\nkeyed_groups: [{key: tags.Env}]", []string{"a", "b", "prod=a"}},
		"separator":                     {`keyed_groups: [{key: tags.Env, prefix: env, separator: ""}]`, []string{"a", "b", "envprod=a"}},
		"default of the empty string":   {`keyed_groups: [{key: tags.Env, prefix: e, default_value: none}]`, []string{"a", "b", "e_none=b", "e_prod=a"}},
		"list":                          {`keyed_groups: [{key: "tags.Roles | split(',')", prefix: r}]`, []string{"a", "b", "r_db=a", "r_web=a,b"}},
		"dict":                          {`keyed_groups: [{key: placement, prefix: p}]`, []string{"a", "b", "p_region_eu_west_1=a,b"}},
		"dict with empty value":         {`keyed_groups: [{key: tags, prefix: t}]`, []string{"a", "b", "t_Env_=b", "t_Env_prod=a", "t_Name_a=a", "t_Name_b=b", "t_Roles_web=b", "t_Roles_web_db=a"}},
		"without trailing separator":    {`keyed_groups: [{key: tags, prefix: t, trailing_separator: false}]`, []string{"a", "b", "t_Env=b", "t_Env_prod=a", "t_Name_a=a", "t_Name_b=b", "t_Roles_web=b", "t_Roles_web_db=a"}},
		"parent":                        {`keyed_groups: [{key: tags.Env, prefix: env, parent_group: "all_{{ placement.region }}"}]`, []string{"a", "b", "all_eu_west_1=+env_prod", "env_prod=a"}},
		"groups by condition":           {`groups: {web: "'web' in tags.Roles", none: "false", db: "tags.Roles is defined and 'db' in tags.Roles"}`, []string{"a", "b", "db=a", "web=a,b"}},
		"groups see composed variables": {"compose: {env: \"tags.Env | default('dev', true)\"}\ngroups: {dev: env == 'dev'}\nkeyed_groups: [{key: env, prefix: e}]", []string{"a", "b", "dev=b", "e_dev=b", "e_prod=a"}},
		"composed see raw variables":    {"compose: {x: instance_id, y: x}\nkeyed_groups: [{key: y, prefix: y}]", []string{"a", "b"}},
		"prefixed variables":            {"hostvars_prefix: aws_\nkeyed_groups: [{key: aws_tags.Env, prefix: env}, {key: tags.Env, prefix: bare}]", []string{"a", "b", "env_prod=a"}},
		"the normalised form":           {`keyed_groups: [{key: fiord.region, prefix: ""}]`, []string{"a", "b", "_eu_west_1=a,b"}},
	} {
		t.Run(name, func(t *testing.T) {
			inv := build(t, "hostnames: ['tag:Name']\n"+tc.cfg,
				machine("i-1", "Name=a", "Env=prod", "Roles=web,db"), machine("i-2", "Name=b", "Env=", "Roles=web"))
			if diff := cmp.Diff(tc.want, shape(inv)); diff != "" {
				t.Errorf("inventory (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHostnamesFollowThePreferences(t *testing.T) {
	full := machine("i-1", "Name=web one", "Env=prod")
	full.Addresses = instance.Addresses{PublicIPv4: "192.0.2.1", PrivateIPv4: "10.0.0.1", PublicDNS: "pub.example", IPv6: "2001:db8::1"}
	for hostnames, want := range map[string]string{
		``:                                    "pub.example",
		`[ip-address]`:                        "192.0.2.1",
		`[ipv6-address]`:                      "2001:db8::1",
		`['tag:Name']`:                        "web_one",
		`['tag:Missing', private-ip-address]`: "10.0.0.1",
		`['tag:Missing,Env']`:                 "prod",
		`['tag:Env=prod']`:                    "Env_prod",
		`['tag:Env=dev', instance-id]`:        "i-1",
		`['tag:Missing']`:                     "192.0.2.1", // no name: the address
		`[{name: instance-id, prefix: 'tag:Env'}]`:                 "prod_i-1",
		`[{name: instance-id, prefix: 'tag:Env', separator: '-'}]`: "prod-i-1",
		`[{name: instance-id, prefix: 'tag:Missing'}]`:             "i-1",
	} {
		inv := build(t, "hostnames: "+hostnames, full)
		if len(inv.Hosts) != 1 || inv.Hosts[0].Name != want {
			t.Errorf("hostnames %s: %v, want %s", hostnames, shape(inv), want)
		}
	}
}

func TestConfigurationsThatCannotBeMeantAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`hostnames: [privat-ip-address]`: "names no attribute",
		`hostnames: ["tag:"]`:            "names no attribute",
		`hostnames: [{prefix: name}]`:    "without name",
		`keyed_groups: [{prefix: x}]`:    "has no key",
		`keyed_groups: [{key: x, default_value: a, trailing_separator: false}]`: "excludes the other",
		"groups:\n  web: \"'a' ?\"":            "line 2",
		"compose:\n  x: lookup('env', 'HOME')": "calling lookup isn't supported",
		`compose: {"a b": x}`:                  "name of a variable",
		`collisions: merge`:                    "must be suffix, list or error",
		`addresses: [publik]`:                  "which is none of",
		`no_address: drop`:                     "must be exclude or keep",
		`keyed_groups: [{key: x, parent_group: "{% if x %}a{% endif %}"}]`: "only {{ expressions }}",
		`keyed_groups: [{key: x, parent_group: "{{ x"}]`:                   "{{ without }}",
		`hostvars_prefix: "a b"`:                                           "part of a variable's name",
		`hostnamess: []`:                                                   "hostnamess",
	} {
		var c ansible.Config
		err := yaml.Load([]byte(text), &c, yaml.WithKnownFields())
		if err == nil {
			err = c.Validate()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestNothingIsLostSilently(t *testing.T) {
	bare := machine("i-9", "Name=bare")
	bare.Addresses = instance.Addresses{}
	gone := machine("i-8", "Name=gone")
	gone.State = instance.StateTerminated
	filtered := machine("i-7", "Name=filtered")
	filtered.Excluded = "exclude_filters[0]"
	inv := build(t, "hostnames: ['tag:Name']\ncompose: {x: tags.Missing}\nkeyed_groups: [{key: tags, prefix: t}, {key: tags.Nope}]",
		machine("i-1", "Name=web"), machine("i-2", "Name=web"), machine("i-3", "Name=all"), machine("i-4", "Name=t_Name_web"), bare, gone, filtered)
	var hosts, reasons, notes []string
	for _, h := range inv.Hosts {
		hosts = append(hosts, h.Name)
	}
	for _, e := range inv.Excluded {
		reasons = append(reasons, e.Instance.ID+": "+e.Reason)
	}
	for _, n := range inv.Notes {
		notes = append(notes, fmt.Sprintf("%s %d: %s", n.Rule, n.Hosts, n.Problem))
	}
	if diff := cmp.Diff([]string{"all_i-3", "t_Name_web_i-4", "web_i-1", "web_i-2"}, hosts); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"i-7: exclude_filters[0]", "i-8: terminated", "i-9: no address"}, reasons); diff != "" {
		t.Errorf("excluded (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		`compose.x 4: expression "tags.Missing": undefined: Missing`,
		`keyed_groups[1] 4: expression "tags.Nope": undefined: Nope`,
	}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestCollisionsFollowThePolicy(t *testing.T) {
	same := []instance.Instance{machine("i-1", "Name=web", "A=a-b"), machine("i-2", "Name=web", "A=a.b")}
	s := &instance.Snapshot{Instances: same}
	_, err := ansible.Build(s, config(t, "hostnames: ['tag:Name']\ncollisions: error"), nil)
	if !errors.Is(err, ansible.ErrCollision) {
		t.Errorf("error: %v, want a collision", err)
	}
	inv := build(t, "hostnames: ['tag:Name']\ncollisions: list", same...)
	if len(inv.Hosts) != 0 || len(inv.Excluded) != 2 || inv.Excluded[0].Reason != "2 machines are named web" {
		t.Errorf("list: %d hosts, excluded %+v", len(inv.Hosts), inv.Excluded)
	}
	_, err = ansible.Build(s, config(t, "keyed_groups: [{key: tags.A, prefix: g}]\ncollisions: error"), nil)
	if !errors.Is(err, ansible.ErrCollision) {
		t.Errorf("groups, error: %v, want a collision", err)
	}
	inv = build(t, "keyed_groups: [{key: tags.A, prefix: g}]\ncollisions: list", same...)
	if len(inv.Groups) != 0 || len(inv.Notes) != 2 {
		t.Errorf("groups, list: %d groups, notes %+v", len(inv.Groups), inv.Notes)
	}
	inv = build(t, "keyed_groups: [{key: tags.A, prefix: g}]", same...)
	if len(inv.Groups) != 2 || inv.Groups[0].Name != "g_a_b" || !strings.HasPrefix(inv.Groups[1].Name, "g_a_b_") {
		t.Errorf("groups, suffix: %v", shape(inv))
	}
	inv = build(t, "keyed_groups: [{key: tags.A, prefix: g}]", append(same, machine("i-3", "A=a_b"))...)
	if i := slices.IndexFunc(inv.Groups, func(g *ansible.Group) bool { return g.Name == "g_a_b" }); i < 0 || len(inv.Groups[i].Hosts) != 1 || inv.Groups[i].Hosts[0] != "ip-i-3.internal" {
		t.Errorf("the name that needs no change isn't kept: %v", shape(inv))
	}
}

func TestStrictFailsAndNamesTheHostAndRule(t *testing.T) {
	s := &instance.Snapshot{Instances: []instance.Instance{machine("i-1")}}
	_, err := ansible.Build(s, config(t, "strict: true\ncompose: {x: tags.Missing}"), nil)
	if err == nil || !strings.Contains(err.Error(), "ip-i-1.internal: compose.x") {
		t.Errorf("Build = %v", err)
	}
}

func TestGroupsThatContainThemselvesAreBroken(t *testing.T) {
	inv := build(t, `keyed_groups: [{key: "'a'", prefix: "", separator: "", parent_group: b}, {key: "'b'", prefix: "", separator: "", parent_group: a}]`, machine("i-1"))
	edges := 0
	for _, g := range inv.Groups {
		edges += len(g.Children)
	}
	if edges != 1 || len(inv.Notes) != 1 {
		t.Errorf("%v, notes %+v; want one edge and one note", shape(inv), inv.Notes)
	}
}

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
