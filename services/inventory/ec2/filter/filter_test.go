package filter_test

import (
	"encoding/json"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/services/inventory/ec2/filter"
	"github.com/fiord-bench/fiord/services/inventory/instance"
)

var machine = instance.Instance{
	ID: "i-1", Tags: map[string]string{"Name": "web-1", "path": "a/b"},
	Vars: json.RawMessage(`{"instance_id":"i-1","instance_type":"m5.large","state":{"code":16,"name":"running"},"ebs_optimized":true,` +
		`"network_interfaces":[{"private_ip_addresses":[{"association":{"public_ip":"192.0.2.1"}},{"association":{"public_ip":"192.0.2.2"}}]}]}`),
}

func TestFiltersMatchAsEC2Does(t *testing.T) {
	for text, want := range map[string]bool{
		`{}`:                        true,
		`{tag:Name: web-1}`:         true,
		`{tag:Name: [db, 'web-?']}`: true,
		`{tag:Name: 'web*', instance-type: 't*'}`: false,
		`{tag:path: 'a*b'}`:                       true,
		`{tag:Name: 'web-[1]'}`:                   false,
		`{tag:Missing: '*'}`:                      false,
		`{tag-key: path}`:                         true,
		`{tag-value: 'a/b'}`:                      true,
		`{instance-state-code: 16}`:               true,
		`{instance-state-name: stopped}`:          false,
		`{ebs-optimized: true}`:                   true,
		`{network-interface.addresses.association.public-ip: 192.0.2.2}`: true,
	} {
		var f filter.Filter
		if err := yaml.Load([]byte(text), &f); err != nil {
			t.Fatal(text, err)
		}
		if got, err := f.Match(&machine); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if _, err := (filter.Filter{"no-such": {"x"}}).Match(&machine); err == nil {
		t.Error("a filter that there isn't matches")
	}
	ended := instance.Instance{Vars: json.RawMessage(`{"state":{"name":"terminated"}}`)}
	if in, err := (filter.Filter{}).Match(&ended); err != nil || in {
		t.Errorf("a machine that has ended is found without being asked for: %v", err)
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("web-*", "web-1")
	f.Add(`a\*[?`, "a*[b")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		i := instance.Instance{Tags: map[string]string{"k": value}, Vars: machine.Vars}
		got, err := filter.Filter{"tag:k": {pattern}}.Match(&i)
		if err != nil {
			t.Fatal(err)
		}
		if all, err := (filter.Filter{"tag:k": {"*"}}).Match(&i); err != nil || !all || got && !all {
			t.Fatalf("* does not match %q: %v", value, err)
		}
	})
}
