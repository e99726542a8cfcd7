package inventory_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/registry"
	"github.com/fiord-bench/fiord/services/inventory"
	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/ec2/ec2test"
)

// discovering is a configuration with the YAML given, in which ENDPOINT is the
// fake's address.
func discovering(t *testing.T, fake *ec2test.Server, yaml string) inventory.Config {
	t.Helper()
	fake.Start(t)
	path := filepath.Join(t.TempDir(), "discovery.yaml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(yaml, "ENDPOINT", fake.URL())), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := quick()
	cfg.Discovery, cfg.Reconcile, cfg.Debounce = path, 0, 50*time.Millisecond
	return cfg
}

const twoRegions = `
version: 1
sources:
  - {name: aws, ec2: {regions: [a, b], endpoint_url: ENDPOINT, attempts: 1}}
hostnames: ['tag:Name']
keyed_groups: [{key: tags.Role, prefix: role}]
groups: {missing: "tags.Nope == 'x'"}
side_files:
  - {name: control, template: "{{ .Control.Name }}\n"}
  - {name: agent.yml, template: "key: {{ secret \"TOKEN\" | quote }}\n"}
`

func fleetOf(names ...string) []ec2test.Instance {
	var list []ec2test.Instance
	for _, name := range names {
		list = append(list, ec2test.Instance{
			ID: "i-" + name, State: "running", Type: "m5.large", PrivateIP: "10.0.0.1", Tags: [][2]string{{"Name", name}, {"Role", strings.Trim(name, "0123456789")}},
		})
	}
	return list
}

// ask requests a discovery and returns what is generated.
func (s *site) ask(key string, sources ...string) events.InventoryGenerated {
	s.t.Helper()
	s.publish(events.New("fiord/test", key, nil, events.DiscoveryRequested{Sources: sources, By: "test"}))
	g, _ := await(s, func(events.InventoryGenerated) bool { return true })
	return g
}

// artifact reads one file of an inventory.
func (s *site) artifact(g events.InventoryGenerated, name string) string {
	s.t.Helper()
	i := slices.IndexFunc(g.Files, func(f events.Artifact) bool { return f.Name == name })
	if i < 0 {
		s.t.Fatalf("inventory has no file %s", name)
	}
	return artifactstest.Read(s.t, s.store, g.Files[i].ClaimCheck)
}

func TestDiscoveryBecomesAnInventory(t *testing.T) {
	s := newSite(t)
	fake := &ec2test.Server{Account: "123456789012", Regions: map[string][]ec2test.Instance{"a": fleetOf("web1", "web2"), "b": fleetOf("db1")}}
	s.replica(discovering(t, fake, twoRegions))
	g := s.ask("1")
	if want := (events.InventoryCounts{Discovered: 3, Emitted: 3, Groups: 3, Added: 3}); g.Counts != want || !g.Complete {
		t.Errorf("counts %+v, complete %v; want %+v", g.Counts, g.Complete, want)
	}
	var names []string
	for _, f := range g.Files {
		names = append(names, f.Name)
	}
	if want := []string{"hosts.ini", "hosts.json", "hosts.py", "hosts.yaml", "script.json", "side/agent.yml", "side/control"}; !slices.Equal(names, want) {
		t.Errorf("files %v, want %v", names, want)
	}
	if got := s.artifact(g, "side/control"); got != "db1\n" {
		t.Errorf("control host %q", got)
	}
	if got := s.artifact(g, "side/agent.yml"); !strings.Contains(got, `"secrets":["TOKEN"]`) {
		t.Errorf("a template with a secret is stored as %s", got)
	}
	if ini := s.artifact(g, ansible.FileINI); !strings.Contains(ini, "[role_web]\nweb1\nweb2\n") {
		t.Errorf("hosts.ini:\n%s", ini)
	}
	var report struct{ Notes []ansible.Note }
	if err := json.Unmarshal([]byte(artifactstest.Read(t, s.store, *g.Report)), &report); err != nil || len(report.Notes) != 1 || report.Notes[0].Hosts != 3 {
		t.Errorf("report notes %+v, %v", report.Notes, err)
	}
}

func TestUnchangedMachinesMakeNoInventory(t *testing.T) {
	s := newSite(t)
	fake := &ec2test.Server{Regions: map[string][]ec2test.Instance{"a": fleetOf("web1"), "b": nil}}
	s.replica(discovering(t, fake, twoRegions))
	s.ask("1")
	s.publish(events.New("fiord/test", "2", nil, events.DiscoveryRequested{}))
	await(s, func(events.InstancesDiscovered) bool { return true })
	quiet[events.InventoryGenerated](s, 500*time.Millisecond)
}

func TestDifferenceNamesHostsAndFields(t *testing.T) {
	s := newSite(t)
	fake := &ec2test.Server{Regions: map[string][]ec2test.Instance{"a": fleetOf("web1", "web2"), "b": nil}}
	s.replica(discovering(t, fake, twoRegions))
	first := s.ask("1")
	next := fleetOf("web2", "web3")
	next[0].PrivateIP = "10.9.9.9"
	fake.Set("a", next)
	g := s.ask("2")
	if g.Previous != first.Inventory || g.Counts.Added != 1 || g.Counts.Removed != 1 || g.Counts.Changed != 1 {
		t.Errorf("generated %+v", g)
	}
	want := ansible.Diff{Added: []string{"web3"}, Removed: []string{"web1"}, Changed: []ansible.Changed{{
		Host: "web2", Fields: []string{"fiord", "network_interfaces", "private_dns_name", "private_ip_address", "reservation_id"},
	}}}
	if diff := cmp.Diff(want, document[ansible.Diff](s, *g.Diff)); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

// One region's outage must neither empty its groups nor pass unsaid.
func TestFailedRegionKeepsItsHosts(t *testing.T) {
	s := newSite(t)
	fake := &ec2test.Server{Regions: map[string][]ec2test.Instance{"a": fleetOf("web1"), "b": fleetOf("db1")}}
	s.replica(discovering(t, fake, twoRegions))
	s.ask("1")
	fake.Break("b", "UnauthorizedOperation")
	g := s.ask("2")
	if g.Complete || g.Counts.Emitted != 2 || g.Counts.Removed != 0 {
		t.Errorf("complete %v, counts %+v", g.Complete, g.Counts)
	}
	if yaml := s.artifact(g, ansible.FileYAML); !strings.Contains(yaml, `"stale":true`) {
		t.Error("the host that was carried over isn't marked")
	}
	fake.Break("a", "UnauthorizedOperation")
	s.publish(events.New("fiord/test", "3", nil, events.DiscoveryRequested{}))
	await(s, func(d events.InstancesDiscovered) bool { return !d.Complete && d.Instances == 0 })
	quiet[events.InventoryGenerated](s, 300*time.Millisecond)
}

func TestChangedInstancesAreRefreshedTogether(t *testing.T) {
	s := newSite(t)
	fake := &ec2test.Server{Regions: map[string][]ec2test.Instance{"a": fleetOf("web1", "web2"), "b": nil}}
	s.replica(discovering(t, fake, twoRegions))
	s.ask("1")
	calls := fake.Calls("DescribeInstances", "a")
	fake.Set("a", fleetOf("web2", "web3", "web4"))
	for name, state := range map[string]string{"web1": "terminated", "web3": "running", "web4": "pending"} {
		s.publish(events.New("fiord/test", name, nil, events.InstanceChanged{Provider: "aws", Region: "a", Instance: "i-" + name, State: state, At: time.Now()}))
	}
	g, _ := await(s, func(g events.InventoryGenerated) bool { return g.Counts.Emitted == 3 })
	if g.Counts.Added > 2 || g.Counts.Removed > 1 {
		t.Errorf("counts %+v", g.Counts)
	}
	if n := fake.Calls("DescribeInstances", "a") - calls; n > 3 {
		t.Errorf("%d calls for 3 changes at once", n)
	}
}

func TestOneSourceAskedAloneLeavesTheOthersAlone(t *testing.T) {
	s := newSite(t)
	fake := &ec2test.Server{Regions: map[string][]ec2test.Instance{"a": fleetOf("web1"), "b": fleetOf("db1")}}
	s.replica(discovering(t, fake, `
version: 1
sources:
  - {name: one, ec2: {regions: [a], endpoint_url: ENDPOINT}}
  - {name: two, ec2: {regions: [b], endpoint_url: ENDPOINT}}
hostnames: ['tag:Name']
`))
	s.ask("1")
	fake.Set("a", fleetOf("web1", "web2"))
	fake.Set("b", nil)
	if g := s.ask("2", "one"); g.Counts.Emitted != 3 || g.Counts.Added != 1 {
		t.Errorf("counts %+v, want db1 kept and web2 added", g.Counts)
	}
}

func TestOutputOfACloudsToolIsASnapshot(t *testing.T) {
	s := newSite(t)
	s.replica(quick())
	raw, err := os.ReadFile("source/testdata/aws.json")
	if err != nil {
		t.Fatal(err)
	}
	claim := artifactstest.Put(t, s.store, "requests/pipe/aws.json", "application/json", string(raw))
	s.publish(events.New("fiord/cli", "1", nil, events.InstancesDiscovered{
		Snapshot: claim, Instances: 1, Sources: []events.SourceStatus{{Source: "pipe", Instances: 1}}, Complete: true, At: time.Now(),
	}))
	g, _ := await(s, func(events.InventoryGenerated) bool { return true })
	if g.Counts.Emitted == 0 || g.Counts.Discovered != g.Counts.Emitted+g.Counts.Excluded {
		t.Errorf("counts %+v", g.Counts)
	}
}

// A document speaks for its own source alone, and outlives full discoveries.
func TestDocumentsAndSourcesMakeOneInventory(t *testing.T) {
	s := newSite(t)
	fake := &ec2test.Server{Regions: map[string][]ec2test.Instance{"a": fleetOf("web1"), "b": fleetOf("db1")}}
	s.replica(discovering(t, fake, twoRegions))
	s.ask("1")
	pipe := func(key, source, document string) events.InventoryGenerated {
		claim := artifactstest.Put(t, s.store, "requests/pipe/"+key+".json", "application/json", document)
		s.publish(events.New("fiord/cli", key, nil, events.InstancesDiscovered{
			Snapshot: claim, Sources: []events.SourceStatus{{Source: source}}, Complete: true, At: time.Now(),
		}))
		g, _ := await(s, func(events.InventoryGenerated) bool { return true })
		return g
	}
	machine := `{"Reservations": [{"OwnerId": "1", "Instances": [{"InstanceId": "%s", "PrivateIpAddress": "10.0.0.9", "State": {"Name": "running"}, "Tags": [{"Key": "Name", "Value": "%s"}]}]}]}`
	if g := pipe("lab-1", "lab", fmt.Sprintf(machine, "i-1", "lab1")); g.Counts.Emitted != 3 || g.Counts.Added != 1 || g.Counts.Removed != 0 {
		t.Errorf("one document more: counts %+v", g.Counts)
	}
	if g := pipe("hall", "hall", fmt.Sprintf(machine, "i-2", "hall1")); g.Counts.Emitted != 4 || g.Counts.Removed != 0 {
		t.Errorf("another document: counts %+v", g.Counts)
	}
	fake.Set("a", fleetOf("web1", "web2"))
	if g := s.ask("2"); g.Counts.Emitted != 5 || g.Counts.Added != 1 || g.Counts.Removed != 0 {
		t.Errorf("sources asked again: counts %+v", g.Counts)
	}
	if g := pipe("lab-2", "lab", fmt.Sprintf(machine, "i-3", "lab2")); g.Counts.Emitted != 5 || g.Counts.Added != 1 || g.Counts.Removed != 1 {
		t.Errorf("the first document replaced: counts %+v", g.Counts)
	}
	if g := pipe("hall-2", "hall", `{"Reservations": []}`); g.Counts.Emitted != 4 || g.Counts.Removed != 1 {
		t.Errorf("the other one emptied: counts %+v", g.Counts)
	}
}

// Drift that no event told of is healed by asking for everything now and then,
// which replicas do once between them.
func TestReplicasReconcileOnce(t *testing.T) {
	s := newSite(t)
	fake := &ec2test.Server{Regions: map[string][]ec2test.Instance{"a": fleetOf("web1"), "b": nil}}
	cfg := discovering(t, fake, twoRegions)
	cfg.Reconcile = 1000 * time.Hour
	s.replica(cfg)
	s.replica(cfg)
	if g, _ := await(s, func(events.InventoryGenerated) bool { return true }); g.Counts.Emitted != 1 {
		t.Errorf("counts %+v", g.Counts)
	}
	time.Sleep(200 * time.Millisecond) // for the other replica
	if asked := s.stream(events.TypeDiscoveryRequested); len(asked) != 1 {
		t.Errorf("asked %d times, want once", len(asked))
	}
}

func TestOlderSnapshotDoesNotReplaceANewerInventory(t *testing.T) {
	s := newSite(t)
	s.replica(quick())
	publish := func(key, doc string, at time.Time) {
		claim := artifactstest.Put(t, s.store, "requests/pipe/"+key+".json", "application/json", doc)
		s.publish(events.New("fiord/cli", key, nil, events.InstancesDiscovered{
			Snapshot: claim, Sources: []events.SourceStatus{{Source: "pipe"}}, Complete: true, At: at,
		}))
	}
	now := time.Now()
	machine := `{"Reservations": [{"OwnerId": "1", "Instances": [{"InstanceId": "%s", "PrivateIpAddress": "10.0.0.1", "State": {"Name": "running"}}]}]}`
	publish("new", fmt.Sprintf(machine, "i-new"), now)
	g, _ := await(s, func(events.InventoryGenerated) bool { return true })
	publish("old", fmt.Sprintf(machine, "i-old"), now.Add(-time.Minute))
	quiet[events.InventoryGenerated](s, 500*time.Millisecond)
	publish("newest", fmt.Sprintf(machine, "i-newest"), now.Add(time.Minute))
	if next, _ := await(s, func(events.InventoryGenerated) bool { return true }); next.Previous != g.Inventory {
		t.Errorf("previous %s, want %s", next.Previous, g.Inventory)
	}
}

func TestBenchForAGroupGoesToItsWorkers(t *testing.T) {
	s := newSite(t)
	fake := &ec2test.Server{Regions: map[string][]ec2test.Instance{"a": fleetOf("web1", "web2"), "b": fleetOf("db1")}}
	s.worker("bench-1", nil, nil)(func(h *registry.Host) { h.Addresses = []string{"10.7.7.7"} })
	s.worker("web2", nil, nil)
	machines := fleetOf("web1", "web2")
	machines[0].PrivateIP = "10.7.7.7"
	fake.Regions["a"] = machines
	s.replica(discovering(t, fake, twoRegions))
	g := s.ask("1")
	if yaml := s.artifact(g, ansible.FileYAML); !strings.Contains(yaml, `"worker":{"name":"bench-1"}`) {
		t.Error("the worker isn't merged with the machine that it runs on")
	}
	bench := s.request("b", func(r *events.BenchRequested) { r.Targets = events.Targets{Group: "role_web"} })
	p, _ := await(s, func(p events.BenchPlaced) bool { return p.Bench == bench })
	var hosts []string
	for _, slot := range document[events.Placement](s, p.Placement).Slots {
		hosts = append(hosts, slot.Host)
	}
	if !slices.Equal(hosts, []string{"bench-1", "web2"}) {
		t.Errorf("hosts %v, want the workers of the group", hosts)
	}
}

func TestPolicyHoldsForRequestsInARepositorysName(t *testing.T) {
	s := newSite(t)
	cfg := quick()
	cfg.ReposFile = filepath.Join(t.TempDir(), "repos.yaml")
	if err := os.WriteFile(cfg.ReposFile, []byte("version: 1\nrules:\n  - repositories: [lab/jobs]\n    pools: [default]\n    max_timeout: 1m\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.replica(cfg)
	from := func(name string, change func(*events.BenchRequested)) string {
		return s.request(name, func(r *events.BenchRequested) {
			r.Origin = &events.Origin{
				Repo: events.Repo{Forge: "github", Name: name, CloneURL: "https://forge.example/" + name},
				Ref:  "refs/heads/main", Commit: strings.Repeat("a", 40),
			}
			change(r)
		})
	}
	stranger := from("other/jobs", func(*events.BenchRequested) {})
	u, _ := await(s, func(u events.BenchUnplaced) bool { return u.Bench == stranger })
	if !strings.Contains(u.Problems[0].Message, "repos.yaml") {
		t.Errorf("problems %+v", u.Problems)
	}
	allowed := from("lab/jobs", func(*events.BenchRequested) {})
	r, _ := await(s, func(r events.RunsRequested) bool { return r.Bench == allowed })
	if list := document[events.RunList](s, r.List); list.Timeout.Std() != time.Minute {
		t.Errorf("timeout %s, want the policy's bound", list.Timeout.Std())
	}
}
