package discovery_test

import (
	"bytes"
	"encoding/json"
	"io"
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
	"github.com/fiord-bench/fiord/services/inventory/source"
)

// peers are the plugins of other clouds, which make compare-inventory asks on
// the fleets in testdata.
var peers = map[string]struct {
	kind   source.Kind
	suffix string
	// absent are variables that the plugin asks for and the tool's document
	// doesn't have.
	absent []string
}{
	"gcp_compute": {source.GCloud, ".gcp.yml", nil},
	"azure_rm":    {source.Azure, ".azure_rm.yml", []string{"public_ip_id", "public_ip_name", "security_group", "security_group_id"}},
}

// peerReasons are why fiord's answer differs, beyond what is everywhere: every
// host is in its source's group.
var peerReasons = map[string]string{
	"gcp_compute/metadata": "defect: tags.items is Python's method there, and so the address of an object the name of a group",
}

func TestOtherCloudsConfigurationsGiveTheirPluginsAnswer(t *testing.T) {
	for plugin, peer := range peers {
		folder := filepath.Join("testdata", plugin)
		if fresh := os.Getenv("FIORD_PLUGIN_ANSWERS"); fresh != "" {
			folder = filepath.Join(fresh, plugin)
		}
		files, err := filepath.Glob(filepath.Join(folder, "*"+peer.suffix))
		if err != nil || len(files) == 0 && answersIn() == "testdata" {
			t.Fatalf("%s: no configurations, %v", folder, err)
		}
		if len(files) == 0 {
			continue // not asked this time
		}
		raw, err := os.ReadFile(filepath.Join(folder, "fleet.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), peer.suffix)
			t.Run(plugin+"/"+name, func(t *testing.T) {
				machines, err := source.Parse(peer.kind, plugin, raw)
				if err != nil {
					t.Fatal(err)
				}
				want := &answer{}
				if raw, err := os.ReadFile(filepath.Join(folder, "answers", name+".json")); err != nil || json.Unmarshal(raw, want) != nil {
					t.Fatal(err)
				}
				got, err := otherAnswer(t, file, machines)
				if want.Refused != (err != nil) {
					t.Fatalf("refused: %v, by the plugin: %v", err, want.Refused)
				}
				if err != nil {
					return
				}
				if strings.Contains(name, "controller") {
					join(want, got)
				}
				delete(want.Groups, "ungrouped")
				for _, vars := range want.Hosts {
					maps.DeleteFunc(vars, func(k string, _ any) bool { return slices.Contains(peer.absent, k) })
				}
				for host, vars := range got.Hosts { // the tool's own names, and fiord's
					maps.DeleteFunc(vars, func(k string, _ any) bool { _, asked := want.Hosts[host][k]; return !asked })
				}
				differ := append(compareHosts(want, got), compareGroups(want.Groups, got.Groups)...)
				if reason, listed := peerReasons[plugin+"/"+name]; listed != (len(differ) > 0) {
					t.Errorf("differs from the plugin (listed: %q):\n%s", reason, strings.Join(differ, "\n"))
				}
			})
		}
	}
}

// otherAnswer is what fiord makes of a fleet by a configuration.
func otherAnswer(t *testing.T, file string, machines []instance.Instance) (*answer, error) {
	cfg, err := discovery.Load(file, os.Getenv)
	if err != nil {
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
	got := distil(t, script.Bytes(), map[string]map[string]any{})
	for _, group := range []string{"gcp_compute", "azure_rm"} {
		if len(got.Hosts) > 0 && strings.Contains(file, "."+strings.TrimSuffix(group, "_compute")) && len(got.Groups[group].Hosts) != len(got.Hosts) {
			t.Errorf("%d of %d hosts are in the source's group", len(got.Groups[group].Hosts), len(got.Hosts))
		}
		delete(got.Groups, group)
	}
	if !gjson.GetBytes(script.Bytes(), "_meta").Exists() {
		t.Error("no variables")
	}
	return got, nil
}
