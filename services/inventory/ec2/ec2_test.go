package ec2_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/services/inventory/ec2"
	"github.com/fiord-bench/fiord/services/inventory/ec2/ec2test"
	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// discover asks a fake as the configuration says; the endpoint is set here.
func discover(t *testing.T, s *ec2test.Server, cfg ec2.Config) ([]instance.Instance, []instance.Status) {
	t.Helper()
	s.Start(t)
	cfg.Endpoint = s.URL()
	src, err := ec2.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	list, statuses, err := src.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	snapshot := instance.Snapshot{Instances: list, Sources: statuses}
	snapshot.Sort()
	return snapshot.Instances, snapshot.Sources
}

func ids(list []instance.Instance) []string {
	var out []string
	for _, i := range list {
		id := i.ID
		if i.Excluded != "" {
			id += " - " + i.Excluded
		}
		out = append(out, id)
	}
	return out
}

// machine is a running instance.
func machine(id string, tags ...[2]string) ec2test.Instance {
	return ec2test.Instance{ID: id, State: "running", Type: "m5.large", PrivateIP: "10.0.0.1", Tags: tags}
}

func TestEveryPageAndRegionIsRead(t *testing.T) {
	fleet := ec2test.Fleet(2500)
	list, statuses := discover(t, &ec2test.Server{Account: "123456789012", Regions: map[string][]ec2test.Instance{
		"eu-west-1": fleet[:2100], "us-east-1": fleet[2100:], "ap-south-1": nil,
	}}, ec2.Config{})
	if len(list) != 2500 {
		t.Errorf("%d instances, want 2500", len(list))
	}
	var got []string
	for _, st := range statuses {
		got = append(got, st.String()+" "+st.Error)
	}
	if want := []string{"aws/ap-south-1 ", "aws/eu-west-1 ", "aws/us-east-1 "}; !slices.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
}

func TestInstanceHasThePluginsVariables(t *testing.T) {
	i := machine("i-1", [2]string{"Name", `we"b`}, [2]string{"Ünï", "x"})
	i.PublicIP, i.IPv6, i.Lifecycle, i.Key = "192.0.2.1", "2001:db8::1", "spot", "ops"
	list, _ := discover(t, &ec2test.Server{Account: "123456789012", Regions: map[string][]ec2test.Instance{"eu-west-1": {i}}}, ec2.Config{Regions: []string{"eu-west-1"}})
	got := list[0]
	vars := string(got.Vars)
	got.Vars = nil
	want := instance.Instance{
		ID: "i-1", Name: `we"b`, Provider: "aws", Account: "123456789012", Region: "eu-west-1", Zone: "eu-west-1a", State: "running",
		Type: "m5.large", Lifecycle: "spot", Image: "ami-0abcdef1234567890", KeyName: "ops", Source: "aws",
		Addresses: instance.Addresses{PublicIPv4: "192.0.2.1", PrivateIPv4: "10.0.0.1", IPv6: "2001:db8::1", PrivateDNS: "ip-10-0-0-1.eu-west-1.compute.internal"},
		Tags:      map[string]string{"Name": `we"b`, "Ünï": "x"}, Launched: time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("instance (-want +got):\n%s", diff)
	}
	canonical, err := instance.Canonical([]byte(vars))
	if err != nil || string(canonical) != vars {
		t.Errorf("variables are not canonical (%v):\n%s\n%s", err, vars, canonical)
	}
	for _, part := range []string{
		`"instance_id":"i-1"`, `"tags":{"Name":"we\"b","Ünï":"x"}`, `"owner_id":"123456789012"`, `"reservation_id":"r-i-1"`, `"requester_id":""`,
		`"placement":{"availability_zone":"eu-west-1a","group_name":"","region":"eu-west-1","tenancy":"default"}`,
		`"launch_time":"2024-03-01T12:00:00+00:00"`, `"state":{"code":16,"name":"running"}`, `"security_groups":[{"group_id":"sg-0123456789abcdef0","group_name":"default"}]`,
		`"cpu_options":{"core_count":2,"threads_per_core":2}`, `"ena_support":true`, `"product_codes":[]`,
	} {
		if !strings.Contains(vars, part) {
			t.Errorf("variables lack %s:\n%s", part, vars)
		}
	}
}

func TestFiltersIncludeAndExcludeWins(t *testing.T) {
	role := func(r string) [2]string { return [2]string{"Role", r} }
	stopped, gone := machine("i-5", role("web")), machine("i-6", role("web"))
	stopped.State, gone.State = "stopped", "terminated"
	list, _ := discover(t, &ec2test.Server{Regions: map[string][]ec2test.Instance{"r": {
		machine("i-1", role("web")), machine("i-2", role("db")), machine("i-3", role("web"), [2]string{"Keep", "no"}), machine("i-4", role("cache")), stopped, gone,
	}}}, ec2.Config{
		Regions: []string{"r"}, Filters: ec2.Filter{"tag:Role": {"web"}},
		IncludeFilters: []ec2.Filter{{"tag:Role": {"web", "db"}}}, ExcludeFilters: []ec2.Filter{{"tag:Keep": {"no"}}},
	})
	want := []string{"i-1", "i-2", "i-3 - exclude_filters[0] of source aws", "i-5"}
	if diff := cmp.Diff(want, ids(list)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

func TestRegionThatFailsLeavesTheOthersAlone(t *testing.T) {
	_, statuses := discover(t, &ec2test.Server{
		Regions: map[string][]ec2test.Instance{"eu-west-1": {machine("i-1")}, "me-south-1": nil, "us-east-1": nil},
		Fail:    map[string]string{"me-south-1": "AuthFailure", "us-east-1": "UnauthorizedOperation"},
	}, ec2.Config{Regions: []string{"eu-west-1", "me-south-1", "us-east-1"}})
	if statuses[0].Error != "" || statuses[0].Instances != 1 {
		t.Errorf("eu-west-1: %+v", statuses[0])
	}
	if !statuses[1].Skipped || !strings.Contains(statuses[1].Error, "AuthFailure") {
		t.Errorf("region that is off: %+v, want skipped", statuses[1])
	}
	if statuses[2].Skipped || !strings.Contains(statuses[2].Error, "UnauthorizedOperation") {
		t.Errorf("region without rights: %+v, want failed", statuses[2])
	}
}

// Wrong credentials answer as regions do that are switched off.
func TestWrongCredentialsDoNotLookLikeAnEmptyFleet(t *testing.T) {
	_, statuses := discover(t, &ec2test.Server{Fail: map[string]string{"a": "AuthFailure", "b": "AuthFailure"}}, ec2.Config{Regions: []string{"a", "b"}})
	if s := (&instance.Snapshot{Sources: statuses}); !s.Failed() || s.Complete() {
		t.Errorf("statuses %+v don't say that everything failed", statuses)
	}
}

func TestThrottlingIsSatOut(t *testing.T) {
	s := &ec2test.Server{Throttle: 2, Regions: map[string][]ec2test.Instance{"r": {machine("i-1")}}}
	list, statuses := discover(t, s, ec2.Config{Regions: []string{"r"}})
	if len(list) != 1 || statuses[0].Error != "" || s.Calls("DescribeInstances", "r") != 3 {
		t.Errorf("%d instances, %+v, %d calls; want 1 after 3 calls", len(list), statuses, s.Calls("DescribeInstances", "r"))
	}
}

func TestAccountsAreAskedThroughTheirRoles(t *testing.T) {
	s := &ec2test.Server{ExternalID: "shared", Regions: map[string][]ec2test.Instance{"r": {machine("i-1")}}}
	_, statuses := discover(t, s, ec2.Config{Regions: []string{"r"}, Accounts: []ec2.Account{
		{Roles: []ec2.Role{{ARN: "arn:aws:iam::111111111111:role/hub", ExternalID: "shared"}, {ARN: "arn:aws:iam::222222222222:role/read", ExternalID: "shared"}}},
		{Name: "broken", Roles: []ec2.Role{{ARN: "arn:aws:iam::333333333333:role/read"}}},
	}})
	if want := []string{"arn:aws:iam::111111111111:role/hub", "arn:aws:iam::222222222222:role/read"}; !slices.Equal(s.Assumed(), want) {
		t.Errorf("assumed %v, want %v", s.Assumed(), want)
	}
	if statuses[0].Account != "222222222222" || statuses[0].Error != "" {
		t.Errorf("chained account: %+v", statuses[0])
	}
	if statuses[1].Account != "broken" || !strings.Contains(statuses[1].Error, "AccessDenied") {
		t.Errorf("account without external id: %+v", statuses[1])
	}
}

func TestLookupDoesNotWaitForAnAccountThatFails(t *testing.T) {
	s := &ec2test.Server{ExternalID: "shared", Account: "123456789012", Regions: map[string][]ec2test.Instance{"r": {machine("i-1")}}}
	s.Start(t)
	src, err := ec2.New(ec2.Config{Endpoint: s.URL(), Attempts: 1, Accounts: []ec2.Account{
		{Name: "broken", Roles: []ec2.Role{{ARN: "arn:aws:iam::333333333333:role/read"}}}, {Name: "lab"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := src.Lookup(t.Context(), "", "r", []string{"i-1"}, nil)
	if err != nil || len(list) != 1 || list[0].AccountName != "lab" {
		t.Errorf("Lookup = %+v, %v; want i-1 of lab", list, err)
	}
	if _, err := src.Lookup(t.Context(), "", "r", []string{"i-1", "i-9"}, nil); err == nil {
		t.Error("an instance that may be the failed account's counts as gone")
	}
}

func TestLookupFindsWhatTheFiltersLetThrough(t *testing.T) {
	other := machine("i-2", [2]string{"Role", "db"})
	s := &ec2test.Server{Regions: map[string][]ec2test.Instance{"r": {machine("i-1", [2]string{"Role", "web"}), other}}}
	s.Start(t)
	src, err := ec2.New(ec2.Config{Endpoint: s.URL(), Filters: ec2.Filter{"tag:Role": {"web"}}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := src.Lookup(t.Context(), "", "r", []string{"i-1", "i-2", "i-9"}, []string{"i-1"})
	if err != nil || !slices.Equal(ids(list), []string{"i-1"}) || s.Calls("DescribeInstances", "r") != 1 {
		t.Errorf("Lookup = %v, %v after %d calls; want i-1 after one", ids(list), err, s.Calls("DescribeInstances", "r"))
	}
	// A new instance may take a moment to be known.
	list, err = src.Lookup(t.Context(), "", "r", []string{"i-9"}, []string{"i-9"})
	if err != nil || len(list) != 0 || s.Calls("DescribeInstances", "r") != 1+4 {
		t.Errorf("Lookup of a stranger = %v, %v after %d calls; want none after four more", ids(list), err, s.Calls("DescribeInstances", "r"))
	}
}

func TestSlowRegionsAreAskedAtOnce(t *testing.T) {
	regions := map[string][]ec2test.Instance{}
	for _, name := range strings.Fields("a b c d e f g h i j k l m n o p q") {
		regions[name] = []ec2test.Instance{machine("i-" + name)}
	}
	start := time.Now()
	list, _ := discover(t, &ec2test.Server{Latency: time.Second, Regions: regions}, ec2.Config{})
	if took := time.Since(start); len(list) != 17 || took > 12*time.Second {
		t.Errorf("%d instances of 17 regions in %s, want less than the 17 s of one after the other", len(list), took)
	}
}

func TestDiscoveryEndsWithItsContext(t *testing.T) {
	s := &ec2test.Server{Latency: 100 * time.Millisecond, Regions: map[string][]ec2test.Instance{"r": nil}}
	s.Start(t)
	src, err := ec2.New(ec2.Config{Endpoint: s.URL(), Regions: []string{"r"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := src.Discover(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Discover = %v", err)
	}
}

func TestConfigurationsThatCannotWorkAreRefused(t *testing.T) {
	for want, cfg := range map[string]ec2.Config{
		"isn't an ARN": {Accounts: []ec2.Account{{Roles: []ec2.Role{{ARN: "read"}}}}},
		"has 0 values": {ExcludeFilters: []ec2.Filter{{"tag:x": nil}}},
	} {
		if _, err := ec2.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New = %v, want %q", err, want)
		}
	}
}
