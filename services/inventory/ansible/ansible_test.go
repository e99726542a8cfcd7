package ansible_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/instance"
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

// shape writes an inventory briefly: names of hosts, then group=members, but
// for the source's group.
func shape(inv *ansible.Inventory) []string {
	var out []string
	for _, h := range inv.Hosts {
		out = append(out, h.Name)
	}
	for _, g := range inv.Groups {
		if g.Name == "aws_ec2" && len(g.Hosts) == len(inv.Hosts) {
			continue // every host is in its source's group
		}
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
		`['tag:Missing', 'tag:Env | upper']`:  "PROD",
		`"tag:Missing,tag:Name"`:              "web_one",
		`[key-name, architecture, instance-state-name, 'tag:Env']`: "prod",
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

// A preference selects: with hostnames of which a machine has none it is no
// host, and says so. ansible_host is for whoever asks for it.
func TestHostnamesSelect(t *testing.T) {
	inv := build(t, "hostnames: ['tag:Role=db', 'tag:Role=web']", machine("i-1", "Role=web"), machine("i-2", "Role=db"), machine("i-3", "Role=x"))
	if len(inv.Hosts) != 2 || inv.Hosts[0].Name != "Role_db" || inv.Hosts[1].Name != "Role_web" || inv.Excluded[0].Reason != "it has none of the hostnames" {
		t.Errorf("%v, excluded %+v", shape(inv), inv.Excluded)
	}
	for cfg, want := range map[string]bool{"{}": true, "hostnames: [instance-id]": false, "hostnames: [instance-id]\naddresses: [private]": true} {
		var script bytes.Buffer
		m := machine("i-1")
		m.Addresses.PrivateIPv4 = "10.0.0.9"
		if err := build(t, cfg, m).Write(map[string]io.Writer{ansible.FileScript: &script}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(script.String(), `"ansible_host"`); got != want {
			t.Errorf("%q: ansible_host is there: %v", cfg, got)
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
		"groups:\n  web: \"'a' ?\"":    "line 2",
		"compose:\n  x: import_('os')": `the function "import_" isn't supported`,
		"strict: perhaps":              "neither true nor false",
		`compose: {"a b": x}`:          "name of a variable",
		`collisions: merge`:            "must be suffix, list or error",
		`addresses: [publik]`:          "which is none of",
		`no_address: drop`:             "must be exclude or keep",
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
	if diff := cmp.Diff([]string{"all_i-3", "bare", "t_Name_web_i-4", "web_i-1", "web_i-2"}, hosts); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"i-7: exclude_filters[0]", "i-8: terminated"}, reasons); diff != "" {
		t.Errorf("excluded (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		`compose.x 5: expression "tags.Missing": undefined: Missing`,
		`keyed_groups[1] 5: expression "tags.Nope": undefined: Nope`,
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
	if len(shape(inv)) != len(inv.Hosts) || len(inv.Notes) != 2 {
		t.Errorf("groups, list: %d groups, notes %+v", len(inv.Groups), inv.Notes)
	}
	inv = build(t, "keyed_groups: [{key: tags.A, prefix: g}]", same...)
	if got := shape(inv)[len(inv.Hosts):]; len(got) != 2 || !strings.HasPrefix(got[0], "g_a_b=") || !strings.HasPrefix(got[1], "g_a_b_") {
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
