package creds_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/natsd"
)

func issue(t *testing.T, dir string, g creds.Grant) creds.Issued {
	t.Helper()
	i, err := creds.Issue(dir, g)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestWhatWasIssuedIsFoundAgain(t *testing.T) {
	dir := t.TempDir()
	host := issue(t, dir, creds.Grant{Kind: creds.Bench, Name: "a.example", Pools: []string{"nvme"}})
	again := issue(t, dir, creds.Grant{Kind: creds.Bench, Name: "a.example", Pools: []string{"nvme", "default"}})
	person := issue(t, dir, creds.Grant{Kind: creds.Person, Name: "ci"})
	same := func(a, b creds.Issued) bool {
		return a.Keys.NKey == b.Keys.NKey && a.Keys.AccessKey == b.Keys.AccessKey && a.Keys.SecretKey.Reveal() == b.Keys.SecretKey.Reveal()
	}
	if !same(host, again) {
		t.Error("granting more made other keys")
	}
	all, err := creds.All(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || !same(all[0], again) || len(all[0].Pools) != 2 || !same(all[1], person) {
		t.Errorf("found %+v", all)
	}
	if err := creds.Revoke(dir, person.Grant); err != nil {
		t.Fatal(err)
	}
	if all, err := creds.All(dir); err != nil || len(all) != 1 {
		t.Errorf("after the revocation there are %d, %v", len(all), err)
	}
	if err := creds.Revoke(dir, person.Grant); err == nil {
		t.Error("a person was revoked twice")
	}
}

func TestWhatCannotBeGrantedIsRefused(t *testing.T) {
	for _, g := range []creds.Grant{
		{Kind: "operator", Name: "x"}, {Kind: creds.Bench}, {Kind: creds.Person, Name: "p", Pools: []string{"default"}},
		{Kind: creds.Person, Name: strings.Repeat("x", 300)},
	} {
		if _, err := creds.Issue(t.TempDir(), g); err == nil {
			t.Errorf("%+v was granted", g)
		}
	}
}

// A grant that was moved or edited to be somebody else's is not followed.
func TestAGrantOfAnotherUserIsRefused(t *testing.T) {
	dir := t.TempDir()
	i := issue(t, dir, creds.Grant{Kind: creds.Person, Name: "ci"})
	file := filepath.Join(dir, i.User(), "grant.yaml")
	if err := os.WriteFile(file, []byte("kind: bench\nname: a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := creds.All(dir); err == nil || !strings.Contains(err.Error(), "bench-a") {
		t.Errorf("err = %v", err)
	}
}

func TestABundleIsAllThatTheOtherMachineNeeds(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	i := issue(t, dir, creds.Grant{Kind: creds.Bench, Name: "a.example", Pools: []string{"nvme"}})
	servers := creds.Servers{NATS: "nats://fiord.example:4222", S3: "http://fiord.example:9000", Bucket: "fiord"}
	if err := creds.Bundle(out, out, i, servers); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"nats.nk", "s3.access_key", "s3.secret_key", creds.BundleFile} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	c, err := connection.Find(filepath.Join(out, creds.BundleFile), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.NATS.URL != servers.NATS || c.NATS.Provision || c.NATS.InboxPrefix != i.InboxPrefix() || c.S3.SecretKey.Reveal() != i.Keys.SecretKey.Reveal() {
		t.Errorf("the bundle reads %+v", c)
	}
}

// The configuration means to nats-server what the embedded server is told.
func TestServerConfigMeansTheSameRights(t *testing.T) {
	dir := t.TempDir()
	host := issue(t, dir, creds.Grant{Kind: creds.Bench, Name: "a.example", Pools: []string{"nvme"}})
	person := issue(t, dir, creds.Grant{Kind: creds.Person, Name: "ci"})
	users := []natsd.User{{NKey: host.Keys.NKey, Permissions: creds.User(host).Permissions}, creds.User(person)}
	var text bytes.Buffer
	if err := creds.ServerConfig(&text, users); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "nats.conf")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, text.String())
	}
	got := map[string]*server.NkeyUser{}
	for _, u := range read.Nkeys {
		got[u.Nkey] = u
	}
	for _, want := range users {
		if diff := cmp.Diff(want.Permissions, got[want.NKey].Permissions); diff != "" {
			t.Errorf("rights of %s (-told, +read):\n%s", want.NKey, diff)
		}
		if account := got[want.NKey].Account.Name; account != first(want.Account, natsd.Home) {
			t.Errorf("the account of %s is %s", want.NKey, account)
		}
	}
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// The worker that was let in ends runs of its host, and none of another's.
func TestAHostThatWasLetInIsBoundToItself(t *testing.T) {
	dir := t.TempDir()
	i := issue(t, dir, creds.Grant{Kind: creds.Bench, Name: "a.example"})
	operator := issue(t, dir, creds.Grant{Kind: creds.Person, Name: "operator"})
	nsd, err := natsd.Start(natsd.Options{StoreDir: t.TempDir(), Users: []natsd.User{
		{NKey: operator.Keys.NKey}, creds.User(i),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nsd.Close)
	connect := func(seed, inbox string) *bus.Bus {
		nc, err := bus.Connect(t.Context(), bus.Connection{URL: nsd.URL(), Name: "test", NKeySeedFile: seed, InboxPrefix: inbox})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		b, err := bus.New(bus.Options{Conn: nc, Source: "fiord/bench", PublishTimeout: 3 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if err := connect(operator.Keys.NKeyFile, "").Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := connect(i.Keys.NKeyFile, i.InboxPrefix())
	end := func(host string) error {
		run := events.RunRef{Bench: events.HashID("b"), Run: events.HashID("r", host), Name: "n", Job: "j", Host: host}
		_, err := b.End(t.Context(), events.New("fiord/bench", host, nil, events.RunFailed{RunRef: run, Reason: "r", EndedAt: time.Now()}))
		return err
	}
	if err := end("a.example"); err != nil {
		t.Errorf("end a run of its own: %v", err)
	}
	if err := end("b.example"); err == nil {
		t.Error("ended a run of another host")
	}
}
