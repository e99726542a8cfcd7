package instance_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

func TestSnakeCaseIsAnsibles(t *testing.T) {
	for camel, want := range map[string]string{
		"InstanceId": "instance_id", "VpcId": "vpc_id", "Ipv6Addresses": "ipv6_addresses", "EbsOptimized": "ebs_optimized",
		"VPCId": "vpc_id", "TargetGroupARNs": "target_group_arns", "instanceId": "instance_id", "already_snake": "already_snake",
		"A": "a", "": "", "SriovNetSupport": "sriov_net_support", "IOPS": "iops", "EnaSrdUdpEnabled": "ena_srd_udp_enabled",
	} {
		if got := instance.Snake(camel); got != want {
			t.Errorf("Snake(%q) = %q, want %q", camel, got, want)
		}
	}
}

func TestCanonicalDocumentsOfEqualContentAreEqual(t *testing.T) {
	a, err := instance.Canonical([]byte(`{"b": 1.50, "a": "<é\u00e9>", "c": [ {"y":1,"x":123456789012345678901} ]}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"a":"<éé>","b":1.50,"c":[{"x":123456789012345678901,"y":1}]}`; string(a) != want {
		t.Errorf("canonical %s, want %s", a, want)
	}
	for _, bad := range []string{``, `{`, `{} {}`, `{"a":}`} {
		if _, err := instance.Canonical([]byte(bad)); err == nil {
			t.Errorf("Canonical(%q) succeeded", bad)
		}
	}
}

func TestTagsKeepTheirKeys(t *testing.T) {
	v, err := instance.Decode([]byte(`{"Tags":{"MyTag":"x"},"SubnetId":"s","Placement":{"HostId":"h"}}`))
	if err != nil {
		t.Fatal(err)
	}
	got, err := instance.Encode(instance.SnakeKeys(v, "Tags"))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"placement":{"host_id":"h"},"subnet_id":"s","tags":{"MyTag":"x"}}`; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// snapshot has one instance in each of two regions of one source.
func snapshot(at time.Time, ids ...string) *instance.Snapshot {
	s := &instance.Snapshot{At: at}
	for _, id := range ids {
		s.Instances = append(s.Instances, instance.Instance{
			ID: id, Provider: instance.AWS, Account: "1", Region: id[:2], Source: "aws",
		})
	}
	return s
}

func TestFailedRegionKeepsWhatItHadAndOthersDoNot(t *testing.T) {
	before := snapshot(time.Now(), "eu-1", "eu-2", "us-1", "us-2")
	now := snapshot(time.Now(), "eu-1")
	now.Sources = []instance.Status{
		{Scope: instance.Scope{Source: "aws", Account: "1", Region: "eu"}, Instances: 1},
		{Scope: instance.Scope{Source: "aws", Account: "1", Region: "us"}, Error: "throttled"},
	}
	now.CarryOver(before)
	var got []string
	for _, i := range now.Instances {
		id := i.ID
		if i.Stale {
			id += " (stale)"
		}
		got = append(got, id)
	}
	if diff := cmp.Diff([]string{"eu-1", "us-1 (stale)", "us-2 (stale)"}, got); diff != "" {
		t.Errorf("instances (-want +got):\n%s", diff)
	}
	if now.Complete() || now.Failed() {
		t.Errorf("Complete %v, Failed %v; want neither", now.Complete(), now.Failed())
	}
}

// The status of an account has the name that the configuration gives it, its
// machines have its number.
func TestFailedAccountKeepsWhatItHad(t *testing.T) {
	before := snapshot(time.Now(), "eu-1", "us-1")
	before.Instances[1].Account, before.Instances[1].AccountName = "2", "lab"
	for name, scope := range map[string]instance.Scope{
		"by name": {Source: "aws", Account: "lab"}, "by number": {Source: "aws", Account: "2"}, "one region": {Source: "aws", Account: "lab", Region: "us"},
	} {
		now := snapshot(time.Now())
		now.Sources = []instance.Status{{Scope: scope, Error: "access denied"}}
		now.CarryOver(before)
		if len(now.Instances) != 1 || now.Instances[0].ID != "us-1" || !now.Instances[0].Stale {
			t.Errorf("%s: %+v, want us-1 alone", name, now.Instances)
		}
	}
}

func TestSkippedRegionSpoilsNothing(t *testing.T) {
	now := snapshot(time.Now())
	now.Sources = []instance.Status{{Scope: instance.Scope{Source: "aws", Region: "us"}, Error: "not switched on", Skipped: true}}
	now.CarryOver(snapshot(time.Now(), "us-1"))
	if len(now.Instances) != 0 || !now.Complete() || now.Failed() {
		t.Errorf("%d instances, complete %v, failed %v", len(now.Instances), now.Complete(), now.Failed())
	}
}

func TestSourceThatFailsAsAWholeKeepsAllItHad(t *testing.T) {
	now := snapshot(time.Now())
	now.Sources = []instance.Status{{Scope: instance.Scope{Source: "aws"}, Error: "no credentials"}}
	now.CarryOver(snapshot(time.Now(), "eu-1", "us-1"))
	if len(now.Instances) != 2 || !now.Failed() {
		t.Errorf("%d instances, failed %v; want 2, true", len(now.Instances), now.Failed())
	}
}

func TestSnapshotsAreOrderedWhateverTheOrderFound(t *testing.T) {
	at := time.Now()
	a, b := snapshot(at, "eu-1", "eu-2", "us-1"), snapshot(at, "us-1", "eu-2", "eu-1")
	a.Sort()
	b.Sort()
	x, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := json.Marshal(b)
	if err != nil || string(x) != string(y) {
		t.Errorf("documents differ: %v", err)
	}
}

func TestInstancesWithoutIdentityAreRefused(t *testing.T) {
	for _, i := range []instance.Instance{{Provider: "aws"}, {ID: "i"}, {ID: "i", Provider: "aws", Vars: []byte("{")}} {
		if i.Validate() == nil {
			t.Errorf("%+v is valid", i)
		}
	}
}
