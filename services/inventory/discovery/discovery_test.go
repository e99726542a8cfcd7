package discovery_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/discovery"
	"github.com/fiord-bench/fiord/services/inventory/instance"
	"github.com/fiord-bench/fiord/services/inventory/side"
	"github.com/fiord-bench/fiord/services/inventory/source"
)

func TestPluginsConfigurationIsTakenAsItIs(t *testing.T) {
	cfg, err := discovery.Load("testdata/demo.aws_ec2.yml", os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	ec2 := cfg.Sources[0].EC2
	if len(cfg.Sources) != 1 || len(ec2.Regions) != 2 || ec2.Filters["tag:Environment"][1] != "staging" || len(ec2.ExcludeFilters) != 1 {
		t.Errorf("source %+v", ec2)
	}
	if a := ec2.Accounts[0]; a.Profile != "lab" || a.Roles[0].ARN != "arn:aws:iam::123456789012:role/inventory" {
		t.Errorf("account %+v", a)
	}
	if inv := cfg.Inventory; len(inv.Hostnames) != 3 || len(inv.KeyedGroups) != 4 || len(inv.Groups) != 1 || len(inv.Compose) != 2 || !inv.Strict {
		t.Errorf("inventory %+v", cfg.Inventory)
	}
}

func TestWhatCannotBeMeantIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "no documents",
		"version: 2":                            "this fiord reads version 1",
		"version: 1\nsource: []":                "source",
		"plugin: vmware_vm_inventory":           "amazon.aws.aws_ec2, google.cloud.gcp_compute and",
		"plugin: aws_ec2\nregions: ['{{ r }}']": "undefined: r",
		"plugin: aws_ec2\ngroups: {a: \"x is prime\"}":                              `the test "prime" isn't supported`,
		"plugin: aws_ec2\ngroups: {a: [x]}":                                         "line 2: expected an expression",
		"plugin: aws_ec2\ngroups: [x]":                                              "expected a mapping, found seq",
		"plugin: aws_ec2\nstrict: true\ngroups: {a: x y}":                           `line 3: groups: a: expression "x y"`,
		"plugin: aws_ec2\nstrict: true\ncompose: {u: '~/.ssh/key.pem'}":             `quote it twice: "'~/.ssh/key.pem'"`,
		"version: 1\nsources: [{ec2: {}}]":                                          "has no name",
		"version: 1\nsources: [{name: a}]":                                          "has 0 of",
		"version: 1\nsources: [{name: a, ec2: {}, workers: true}]":                  "has 2 of",
		"version: 1\nsources: [{name: a, workers: true}, {name: a, workers: true}]": "two sources are named a",
		"version: 1\nsources: [{name: a, file: x}]":                                 "format",
		"version: 1\nsources: [{name: a, ec2: {accounts: [{roles: [{arn: x}]}]}}]":  "isn't an ARN",
		"version: 1\nside_files: [{name: ../x, template: a}]":                       "a name has letters",
		"version: 1\nside_files: [{name: x}]":                                       "has no template",
		"version: 1\nside_files: [{name: x, template: '{{ .A'}]":                    "side file x",
		"version: 1\nside_files: [{name: x, template_file: none.tmpl}]":             "none.tmpl",
		"version: 1\nstrict: maybe":                                                 "line 2",
		"a: b: c":                                                                   "",
	} {
		if _, err := discovery.Parse([]byte(text), t.TempDir(), os.Getenv); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestSourcesAreAskedTogetherAndFailApart(t *testing.T) {
	cfg, err := discovery.Parse([]byte(`
version: 1
sources:
  - {name: rack, file: ../source/testdata/static.yaml, format: static}
  - {name: cloud, file: ../source/testdata/gcloud.json, format: gcloud}
  - {name: gone, file: nowhere.json, format: az}
  - {name: engines, docker: ["unix:///nonexistent.sock"]}
  - {name: workers, workers: true}
`), ".", os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	workers := func() []instance.Instance { return []instance.Instance{{ID: "w", Name: "w", Provider: instance.Fiord}} }
	snapshot, err := cfg.Discover(t.Context(), nil, workers)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, st := range snapshot.Sources {
		line := st.String()
		if st.Error != "" {
			line += " failed"
		}
		got = append(got, line)
	}
	want := []string{"cloud", "engines/unix:///nonexistent.sock failed", "gone failed", "rack", "workers"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if len(snapshot.Instances) != 5 || snapshot.Complete() {
		t.Errorf("%d instances, complete %v", len(snapshot.Instances), snapshot.Complete())
	}
	if _, err := cfg.Discover(t.Context(), []string{"rock"}, workers); err == nil {
		t.Error("an unknown source was asked")
	}
	if some, err := cfg.Discover(t.Context(), []string{"rack"}, workers); err != nil || len(some.Instances) != 2 {
		t.Errorf("one source: %+v, %v", some, err)
	}
}

// The example reproduces what the script that it stands for wrote.
func TestFlockerExample(t *testing.T) {
	dir := filepath.FromSlash("../../../deploy/ansible/flocker")
	cfg, err := discovery.Load(filepath.Join(dir, "discovery.yaml"), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		raw, err := os.ReadFile(filepath.Join(dir, "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	list, err := source.Parse(source.AWS, "aws", read("instances.json"))
	if err != nil {
		t.Fatal(err)
	}
	inv, err := ansible.Build(&instance.Snapshot{Instances: list}, &cfg.Inventory, nil)
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": `it's "secret"`}
	for _, f := range cfg.SideFiles {
		content, deferred, err := side.Make(f.Name, f.Template, side.Of(inv))
		if err != nil {
			t.Fatal(err)
		}
		if deferred {
			if bytes.Contains(content, []byte("AKIAEXAMPLE")) {
				t.Error("a secret is stored")
			}
			content, err = side.Render(content, func(name string) (string, error) { return secrets[name], nil })
			if err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(string(read(f.Name)), string(content)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f.Name, diff)
		}
	}
}

func TestMissingSecretIsAnErrorThatNamesIt(t *testing.T) {
	content, deferred, err := side.Make("f", `{{ secret "TOKEN" }}`, side.Data{})
	if err != nil || !deferred {
		t.Fatal(deferred, err)
	}
	_, err = side.Render(content, func(string) (string, error) { return "", errors.New("not set") })
	if !errors.Is(err, side.ErrSecret) || !strings.Contains(err.Error(), "TOKEN") {
		t.Errorf("Render = %v", err)
	}
	for _, raw := range []string{``, `{}`, `{"template": "{{"}`, `{"template": "{{ .Nope }}"}`} {
		if _, err := side.Render([]byte(raw), nil); err == nil {
			t.Errorf("Render(%s) succeeded", raw)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/demo.aws_ec2.yml", "../../../deploy/ansible/flocker/discovery.yaml"} {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if cfg, err := discovery.Parse(raw, dir, os.Getenv); err == nil && cfg == nil {
			t.Fatal("neither a configuration nor an error")
		}
	})
}
