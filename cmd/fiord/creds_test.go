package main

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/events"
)

// A host and a person who were given a bundle are let in while fiord runs, each
// to what is theirs.
func TestABundleLetsAnotherMachineIn(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	f := startUp(t, dir)
	host, person := filepath.Join(out, "host"), filepath.Join(out, "person")
	code, _, errs := f.command("creds", "bench", "b.example", "--pool", "nvme", "--out", host, "--at", host)
	if code != 0 || !strings.Contains(errs, "from this machine alone") {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	if code, _, errs := f.command("creds", "person", "ci", "--out", person, "--at", person); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	_, list, _ := f.command("creds", "ls")
	contains(t, list, "b.example", "nvme", "ci")
	_, conf, _ := f.command("creds", "nats-config")
	contains(t, conf, "accounts: {", `"fiord.events.run.*.v1.end.host.b_2eexample.*"`, `"fiord.events.runs.requested.v1.>"`)
	eventually(t, "the person to be let in", func() bool {
		code, _, _ := command(t, "", nil, "hosts", "--connection", filepath.Join(person, "fiord.yaml"))
		return code == 0
	})
	c, err := connection.Find(filepath.Join(host, "fiord.yaml"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := connection.Open(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Bus.Ready(t.Context()); err != nil {
		t.Errorf("the host's bundle: %v", err)
	}
	put := func(key string) error {
		_, err := client.Store.Put(t.Context(), key, "text/plain", strings.NewReader("x"))
		return err
	}
	eventually(t, "the host to be let in at S3, which comes after NATS", func() bool {
		return put(artifacts.RunKey("b.example", events.HashID("run"), 1, "job.fio")) == nil
	})
	for _, key := range []string{artifacts.PlotKey("run", "iops.svg"), artifacts.PlacementKey("bench"), artifacts.JobKey(strings.Repeat("0", 64)),
		artifacts.RunKey("a.example", events.HashID("run"), 1, "job.fio")} {
		if err := put(key); !errors.Is(err, artifacts.ErrDenied) {
			t.Errorf("write %s: %v, want it refused", key, err)
		}
	}
}

// Whoever is shut out loses the connection that is open, and gets no other; fiord
// itself goes on as if nothing had happened.
func TestWhoIsRevokedIsShutOutAtOnce(t *testing.T) {
	f, bundle := startUp(t, t.TempDir()), t.TempDir()
	if code, _, _ := f.command("creds", "person", "ci", "--out", bundle, "--at", bundle); code != 0 {
		t.Fatal(code)
	}
	c, err := connection.Find(filepath.Join(bundle, "fiord.yaml"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var client *connection.Client
	eventually(t, "ci to be let in", func() bool {
		client, err = connection.Open(t.Context(), c, nil)
		return err == nil
	})
	defer client.Close()
	if code, _, _ := f.command("creds", "revoke", "person", "ci"); code != 0 {
		t.Error(code)
	}
	if _, list, _ := f.command("creds", "ls"); slices.Contains(strings.Fields(list), "ci") {
		t.Errorf("still there:\n%s", list)
	}
	eventually(t, "ci to be shut out", func() bool { return client.Bus.Ready(t.Context()) != nil })
	eventually(t, "ci to be shut out of S3, which comes after NATS", func() bool {
		_, err := client.Store.Put(t.Context(), artifacts.JobKey(strings.Repeat("0", 64)), "text/plain", strings.NewReader("x"))
		return errors.Is(err, artifacts.ErrDenied)
	})
	if code, _, _ := f.command("run", jobFile(t)); code != 0 {
		t.Errorf("a run after it: exit code %d", code)
	}
	if code, _, _ := f.command("creds", "revoke", "person", "ci"); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
}
