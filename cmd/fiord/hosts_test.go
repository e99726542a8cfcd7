package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/registry"
)

// Of two workers the one that doesn't meet the constraints is left out, and
// both the list of hosts and the bench say so.
func TestTwoHostsOfWhichOneIsLeftOut(t *testing.T) {
	dir, bundle := t.TempDir(), t.TempDir()
	f := startUp(t, dir)
	if code, _, errs := f.command("creds", "bench", "there", "--pool", "spare", "--out", bundle, "--at", bundle); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	f.stop() // who has been let in counts from the next start
	f = startUp(t, dir, "--nats.listen="+strings.TrimPrefix(f.conn.NATS.URL, "nats://"), "--s3.listen="+strings.TrimPrefix(f.conn.S3.Endpoint, "http://"))
	announce(t, filepath.Join(bundle, "fiord.yaml"), registry.Host{
		Beat:    registry.Beat{Token: events.Token("there"), Name: "there", Incarnation: "1", Pools: []string{"default", "spare"}, Capacity: 1},
		Details: registry.Details{Facts: map[string]string{"architecture": "sparc", "rack": "r7"}},
	})
	var out string
	eventually(t, "the host's own worker", func() bool {
		_, out, _ = f.command("hosts", "--facts")
		return strings.Contains(out, "\nhere:") // and there
	})
	contains(t, out, "here", "there", "default,spare", "architecture==sparc", "rack==r7")
	for flag, want := range map[string]string{"--name=th*": "there", "--pool=spare": "there", "--name=her?": "here"} {
		if _, out, _ = f.command("hosts", flag, "--json"); strings.Count(out, `"revision"`) != 1 || !strings.Contains(out, `"`+want+`"`) {
			t.Errorf("hosts %s: %s, want %s alone", flag, out, want)
		}
	}
	eventually(t, "the pool to be offered", func() bool {
		_, out, _ = f.command("__complete", "hosts", "--pool", "")
		return strings.Contains(out, "spare")
	})
	_, out, _ = f.command("run", jobFile(t), "--count=all", "--where=architecture!=sparc", "--detach")
	id := strings.TrimSpace(out)
	f.command("watch", "--since=1h", "--bench", id, "--type=bench.reported", "-n=1")
	_, out, _ = f.command("show", id)
	contains(t, out, "1 host left out", `left out: there: architecture is "sparc", wanted architecture!=sparc`)
	_, out, _ = f.command("show", id, "--json")
	contains(t, out, `"excluded":[{"host":"there"`)
}

// announce has a host beat once, with the rights that its bundle gives it.
func announce(t *testing.T, bundle string, h registry.Host) {
	t.Helper()
	c, err := connection.Find(bundle, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := connection.Open(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	kv, err := client.Bus.JetStream().KeyValue(t.Context(), bus.BucketHosts)
	if err != nil {
		t.Fatal(err)
	}
	if err := registry.NewAnnouncer(kv).Announce(t.Context(), h); err != nil {
		t.Fatal(err)
	}
}
