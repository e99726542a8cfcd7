package hostile_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/cmd/fiord/up"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/proof"
	"github.com/fiord-bench/fiord/internal/service"
)

// party is a host or person who was let in, with the bundle and a client of their own making.
type party struct {
	service.Proving
	conn *nats.Conn
}

// letIn has fiord creds let a host or person in, and connects as them.
func (f *fiord) letIn(kind, name string, more ...string) party {
	f.t.Helper()
	dir := f.t.TempDir()
	if out, err := f.run(append([]string{"creds", kind, name, "--out", dir, "--at", dir}, more...)...); err != nil {
		f.t.Fatalf("%v\n%s", err, out)
	}
	n := service.DefaultCommon().NATS
	n.NKeyFile = filepath.Join(dir, "nats.nk")
	p, err := n.Proving()
	if err != nil {
		f.t.Fatal(err)
	}
	if p.Signer == nil {
		f.t.Fatalf("%s has no grant", name)
	}
	out := party{Proving: p}
	zone := events.People
	if kind == "bench" {
		zone = kind + "-" + name
	}
	eventually(f.t, name+" to be let in", func() bool {
		out.conn, err = bus.Connect(f.t.Context(), bus.Connection{Name: name, URL: f.at.NATS, NKeySeedFile: n.NKeyFile, InboxPrefix: access.InboxPrefix(zone)})
		return err == nil
	})
	f.t.Cleanup(out.conn.Close)
	return out
}

// signs is an event of the party's, ready to be published.
func (p party) signs(t *testing.T, source, key string, data events.Data) *nats.Msg {
	t.Helper()
	e := events.New(source, key, nil, data)
	body, err := events.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return signedBy(p.Proving, e.NATSSubject(), e.MessageID(), body, time.Now())
}

// operates connects as the operator of the server, who may publish anything: what a hole in the
// server's rights would let anybody do.
func (f *fiord) operates() jetstream.JetStream {
	f.t.Helper()
	nc, err := bus.Connect(f.t.Context(), bus.Connection{Name: "operator", URL: f.at.NATS, NKeySeedFile: filepath.Join(up.Credentials(f.dir), "operator", "nats.nk")})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		f.t.Fatal(err)
	}
	return js
}

// unproven are the dead letters of events that proved nothing, and the whole list as it is printed.
func (f *fiord) unproven() (letters []bus.DeadLetter, text string) {
	f.t.Helper()
	text, err := f.run("dead", "ls", "--json")
	if err != nil {
		f.t.Fatalf("%v\n%s", err, text)
	}
	var all []bus.DeadLetter
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		f.t.Fatalf("%v\n%s", err, text)
	}
	for _, l := range all {
		if l.Unproven {
			letters = append(letters, l)
		}
	}
	return letters, text
}

// benches are the ids of all benches, and each one's runs.
func (f *fiord) benches() map[string][]string {
	f.t.Helper()
	text, err := f.run("runs", "--json", "--number=0")
	if err != nil {
		f.t.Fatalf("%v\n%s", err, text)
	}
	var list []struct {
		Bench, State string
		Runs         map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		f.t.Fatalf("%v\n%s", err, text)
	}
	all := map[string][]string{}
	for _, b := range list {
		all[b.Bench] = nil
		for run := range b.Runs {
			all[b.Bench] = append(all[b.Bench], run)
		}
	}
	return all
}

// measures asks for a bench and waits for its end: what was published before has been handled by
// then, or is behind it in no queue that it went through.
func (f *fiord) measures(job string) {
	f.t.Helper()
	// How good the numbers are is no matter here: the exit code may say that they are suspect.
	if out, err := f.run("run", job); !strings.Contains(out, "completed") {
		f.t.Fatalf("%v\n%s", err, out)
	}
}

// On a running fiord: what a key signed before it was revoked and is delivered after, what a
// host signs for another host of its pool, and what was archived and is published again bring about
// nothing, not when an operator has the dead letters handled again either.
func TestWhatIsNotProvenBringsAboutNothingOnARunningFiord(t *testing.T) {
	dir := t.TempDir()
	f := startFiord(t, dir)
	job := filepath.Join(t.TempDir(), "small.fio")
	if err := os.WriteFile(job, []byte("[a]\nioengine=null\nsize=1m\nrw=read\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.measures(job)
	benches := f.benches()
	if len(benches) != 1 {
		t.Fatalf("benches: %v", benches)
	}
	var bench, run string
	for id, runs := range benches {
		bench = id
		if len(runs) == 1 {
			run = runs[0]
		}
	}
	mallory, mate := f.letIn("person", "mallory", "--role", "operator"), f.letIn("bench", "mate")
	hostKey := f.letIn("bench", "gone")
	server := f.operates()
	smuggle := func(m *nats.Msg) {
		t.Helper()
		if _, err := server.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}

	request := func(key string) *nats.Msg {
		return mallory.signs(t, "fiord/cli", key, events.BenchRequested{
			Name: "mallory's", Jobs: []events.Job{{Name: "x.fio", Inline: "[a]\nioengine=null\nsize=1m\nrw=read\n"}},
			Requester: &events.Requester{Right: events.RightPerson, Name: "mallory"},
		})
	}
	end := func(p party, host, run, key string) *nats.Msg {
		return p.signs(t, "fiord/bench", key, events.RunFailed{
			RunRef: events.RunRef{Bench: bench, Run: run, Name: "small", Job: "small.fio", Host: host, Attempt: 1}, Reason: "forged", EndedAt: time.Now().UTC(),
		})
	}
	// The same request proves enough while mallory is let in.
	smuggle(request("while let in"))
	eventually(t, "mallory's first bench", func() bool { return len(f.benches()) == 2 })
	before := []*nats.Msg{request("signed before"), mallory.signs(t, "fiord/cli", "cancel", events.CancelRequested{Bench: bench, Reason: "forged", By: "mallory"}),
		end(hostKey, "gone", events.RunID(bench, 3, "", 0), "gone")}
	var probes []*nats.Msg
	for _, key := range strings.Fields(strings.Repeat("p ", 200)) {
		probes = append(probes, mallory.signs(t, "fiord/cli", key+time.Now().String(), events.DiscoveryRequested{By: "mallory"}))
	}
	for _, who := range [][]string{{"person", "mallory"}, {"bench", "gone"}} {
		if out, err := f.run(append([]string{"creds", "revoke"}, who...)...); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	eventually(t, "services to know whom to believe no more", func() bool {
		if len(probes) == 0 {
			t.Fatal("mallory is believed still")
		}
		smuggle(probes[0])
		probes = probes[1:]
		_, text := f.unproven()
		return strings.Contains(text, "taken back")
	})
	for _, m := range before {
		smuggle(m)
	}

	// A pool-mate, with a client and key of its own, ends another host's run: at its own door, and
	// by a hole.
	forged := end(mate, "here", events.RunID(bench, 5, "", 0), "mate")
	if _, err := jetstreamOf(t, mate.conn).PublishMsg(t.Context(), forged); err == nil {
		t.Error("a host ends a run of another host of its pool")
	}
	smuggle(forged)

	// An archived event, with all that proves it.
	old := archived(t, dir, bench, run)
	again := *old
	if ack, err := server.PublishMsg(t.Context(), &again); err == nil && !ack.Duplicate {
		t.Errorf("an archived end was stored again, as event %d", ack.Sequence)
	}
	renamed := nats.NewMsg(old.Subject)
	renamed.Data = old.Data
	for k, v := range old.Header {
		renamed.Header[k] = v
	}
	renamed.Header.Set(nats.MsgIdHdr, "another id")
	smuggle(renamed)

	f.measures(job)
	expect := func(when string, want int) {
		t.Helper()
		if got := f.benches(); len(got) != want {
			t.Errorf("%s: %d benches, want %d: %v", when, len(got), want, got)
		}
		if out, err := f.run("show", bench); err != nil || strings.Contains(out, "forged") {
			t.Errorf("%s: the bench shows what was forged: %v\n%s", when, err, out)
		}
	}
	expect("after forgeries", 3)
	var letters []bus.DeadLetter
	eventually(t, "a dead letter of each forgery", func() bool {
		letters, _ = f.unproven()
		of := map[string]bool{}
		for _, l := range letters {
			of[l.Subject] = true
		}
		return of[before[0].Subject] && of[before[1].Subject] && of[before[2].Subject] && of[forged.Subject] && of[renamed.Subject]
	})
	for _, l := range letters {
		if out, err := f.run("dead", "redrive", itoa(l.Number)); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	f.measures(job)
	eventually(t, "a new letter of each that was redriven", func() bool {
		now, _ := f.unproven()
		return len(now) >= 2*len(letters)
	})
	expect("after redrives", 4)
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

func jetstreamOf(t *testing.T, nc *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(2*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// archived is the message of a run's end, as the archive keeps it.
func archived(t *testing.T, dir, bench, run string) *nats.Msg {
	t.Helper()
	var kept struct {
		Event json.RawMessage
		Proof struct {
			Subject, ID, Proof, Grant string
			ContentType               string `json:"content_type"`
		}
	}
	path := filepath.Join(dir, "s3", "fiord", "archive", bench, run+".ended.json")
	eventually(t, "the archived end", func() bool {
		text, err := os.ReadFile(path)
		return err == nil && json.Unmarshal(text, &kept) == nil && kept.Proof.Proof != ""
	})
	return &nats.Msg{Subject: kept.Proof.Subject, Data: kept.Event, Header: nats.Header{
		"content-type": {kept.Proof.ContentType}, nats.MsgIdHdr: {kept.Proof.ID},
		proof.HeaderProof: {kept.Proof.Proof}, proof.HeaderGrant: {kept.Proof.Grant},
	}}
}
