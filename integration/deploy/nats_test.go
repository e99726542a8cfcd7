package deploy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/natsd"
)

const (
	site   = "berlin"
	inside = "nvme-7.berlin" // a host of the site
	other  = "nvme-1.paris"  // a host elsewhere
)

// quick is a job that measures nothing for a moment.
const quick = "[quick]\nioengine=null\nrw=randread\nsize=1m\n"

// fleet is a cluster of three with the leaf node of a site, and everything that
// the operator exported for them.
type fleet struct {
	t        *testing.T
	export   string
	tls      certificates
	hub      []*server.Server
	leaf     *server.Server
	hubURL   string
	leafURL  string
	endpoint string // of S3
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	dir := t.TempDir()
	f := &fleet{t: t, export: filepath.Join(dir, "export"), tls: newCertificates(t)}
	data := []string{"FIORD_DATA=" + filepath.Join(dir, "data")}
	for _, host := range []string{inside, other} {
		fiord(t, data, "creds", "bench", host, "--out", filepath.Join(dir, host), "--nats", "nats://nats:4222", "--s3", "http://s3:9000")
	}
	fiord(t, data, "creds", "person", "ci", "--role", "operator", "--out", filepath.Join(dir, "ci"), "--nats", "nats://nats:4222", "--s3", "http://s3:9000")
	fiord(t, data, "creds", "site", site, "--host", inside)
	fiord(t, data, "creds", "export", f.export, "--bucket", "fiord-test")
	f.hub = cluster(t, filepath.Join(f.export, creds.ExportNATS), f.tls)
	at := filepath.Join(f.export, creds.ExportSites, site)
	f.leaf = leaf(t, site, filepath.Join(at, creds.LeafUsers), filepath.Join(at, creds.LeafSeed), f.tls, f.hub)
	var urls []string
	for _, s := range f.hub {
		urls = append(urls, strings.Replace(s.ClientURL(), "nats:", "tls:", 1))
	}
	f.hubURL, f.leafURL = strings.Join(urls, ","), strings.Replace(f.leaf.ClientURL(), "nats:", "tls:", 1)
	f.endpoint = store(t, f.export)
	return f
}

func (f *fleet) env(user, url string, more ...string) []string {
	return environment(f.export, user, url, f.endpoint, append(more, "FIORD_NATS_CA_FILES="+f.tls.ca, "FIORD_NATS_REPLICAS=3")...)
}

// inbox is the setting that binds a user's replies to it.
func inbox(user string) string { return "FIORD_NATS_INBOX_PREFIX=" + access.InboxPrefix(user) }

// services starts the four that stand by the cluster, and a worker at the site.
func (f *fleet) services() {
	f.t.Helper()
	own := map[string][]string{
		"ingest":    {"FIORD_INGEST_LISTEN=127.0.0.1:0", "FIORD_INGEST_WEBHOOK_SECRET_FILE=" + filepath.Join(f.export, creds.ExportUsers, "ingest", "webhook")},
		"inventory": {"FIORD_INVENTORY_GRACE=2s"},
		"plot":      {"FIORD_PLOT_LISTEN=127.0.0.1:0"},
		"notify":    nil,
	}
	for name, more := range own {
		start(f.t, name, f.env(name, f.hubURL, append(more, inbox(name))...))
	}
	dir := f.t.TempDir()
	user := creds.Grant{Kind: creds.Bench, Name: inside}.User()
	start(f.t, "bench", f.env(user, f.leafURL, inbox(user), "FIORD_BENCH_HOST="+inside, "FIORD_BENCH_RUNNER=process",
		"FIORD_BENCH_STATE_DIR="+filepath.Join(dir, "state"), "FIORD_BENCH_GATE="+filepath.Join(dir, "gate"),
		"FIORD_BENCH_DIRECTORIES="+filepath.Join(dir, "scratch"), "FIORD_BENCH_MIN_FREE=0B"))
}

// measure asks for a bench as a person and waits until it has been measured.
func (f *fleet) measure(name string) {
	f.t.Helper()
	job := filepath.Join(f.t.TempDir(), name+".fio")
	write(f.t, job, quick)
	out, err := tryFiord(f.t, f.person(), "run", job, "--host", inside, "--json")
	// A moment of a null engine need not pass for a measurement (4).
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 4) || !strings.Contains(out, inside) {
		f.t.Fatalf("the bench did not run on %s: %v\n%s", inside, err, out)
	}
}

func (f *fleet) person() []string {
	return append(f.env("person-ci", f.hubURL), "FIORD_NATS_INBOX_PREFIX="+access.InboxPrefix(events.People))
}

func (f *fleet) provision() {
	f.t.Helper()
	out := fiord(f.t, f.env("operator", f.hubURL), "provision")
	if !strings.Contains(out, "3 replicas") {
		f.t.Errorf("provision says %q", out)
	}
}

func TestABenchRunsThroughAClusterAndALeafNode(t *testing.T) {
	if _, err := exec.LookPath("fio"); err != nil {
		missing(t, "fio is not installed: apt-get install fio")
	}
	f := newFleet(t)
	f.provision()
	f.provision() // changes nothing
	f.services()
	f.measure("whole")
	f.discovered()

	// KEDA asks any server for the lag of a consumer; it must find each there.
	f.lag("FIORD", "plot-draw")

	// One of three servers may go.
	f.hub[0].Shutdown()
	f.hub[0].WaitForShutdown()
	f.measure("without-one")
}

// lag is the question that KEDA's nats-jetstream scaler asks.
func (f *fleet) lag(stream, consumer string) {
	f.t.Helper()
	addr := f.hub[1].MonitorAddr()
	r, err := http.Get(fmt.Sprintf("http://%s/jsz?acc=%s&consumers=true&config=true", addr, natsd.Home))
	if err != nil {
		f.t.Fatal(err)
	}
	defer r.Body.Close()
	var answer server.JSInfo
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		f.t.Fatal(err)
	}
	for _, a := range answer.AccountDetails {
		for _, s := range a.Streams {
			if a.Name != natsd.Home || s.Name != stream {
				continue
			}
			for _, c := range s.Consumer {
				if c.Name == consumer {
					return
				}
			}
		}
	}
	f.t.Errorf("no consumer %s of %s in account %s", consumer, stream, natsd.Home)
}

// everybody writes a configuration that lets in all users of another, without
// any limit to what they may.
func everybody(t *testing.T, users string) string {
	t.Helper()
	var list strings.Builder
	keys := regexp.MustCompile(`\bU[A-Z2-7]{55}\b`).FindAllString(string(read(t, users)), -1)
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		fmt.Fprintf(&list, "  {nkey: %s}\n", key)
	}
	file := filepath.Join(t.TempDir(), "everybody.conf")
	if err := os.WriteFile(file, []byte("authorization { users: [\n"+list.String()+"] }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A host is let in at its own site and by the cluster, at no other site; and a
// site's server that was taken over, and lets everybody in, hands on no more
// than the rights of the site's hosts.
func TestALeafNodeHandsOnNoMoreThanItsHostsMay(t *testing.T) {
	f := newFleet(t)
	f.provision()
	stranger := creds.Grant{Kind: creds.Bench, Name: other}.User()
	if _, err := f.connect(stranger, f.leafURL); err == nil {
		t.Error("a host of another site was let in at the leaf node")
	}
	at := filepath.Join(f.export, creds.ExportSites, site)
	taken := leaf(t, "taken", everybody(t, filepath.Join(f.export, creds.ExportNATS)), filepath.Join(at, creds.LeafSeed), f.tls, f.hub)
	url := strings.Replace(taken.ClientURL(), "nats:", "tls:", 1)
	started := func(user, host string) error {
		b, err := f.connect(user, url)
		if err != nil {
			t.Fatal(err)
		}
		run := events.RunRef{Bench: events.HashID("b"), Run: events.HashID("r", host), Name: "n", Job: "j", Host: host, Attempt: 1}
		_, err = b.Emit(t.Context(), "k", nil, events.RunStarted{RunRef: run})
		return err
	}
	own := creds.Grant{Kind: creds.Bench, Name: inside}.User()
	b, err := f.connect(own, f.leafURL)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Ready(t.Context()); err != nil {
		t.Errorf("a host of the site sees no stream: %v", err)
	}
	if _, err := b.JetStream().KeyValue(t.Context(), bus.BucketAttempts); err != nil {
		t.Errorf("a host of the site sees no bucket: %v", err)
	}
	if err := started(own, inside); err != nil {
		t.Errorf("a host of the site: %v", err)
	}
	if err := started(stranger, other); err == nil {
		t.Error("another site's host published through a site's server")
	}
	operator, err := f.connect("operator", url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := operator.Emit(t.Context(), "k", nil, events.CancelRequested{Bench: events.HashID("b"), Reason: "r", By: "me"}); err == nil {
		t.Error("the operator's rights passed a site's server")
	}
}

// connect opens a bus as a user of the export.
func (f *fleet) connect(user, url string) (*bus.Bus, error) {
	f.t.Helper()
	c := bus.Connection{URL: url, Name: user, NKeySeedFile: filepath.Join(f.export, creds.ExportUsers, user, "nats.nk"), RootCAs: []string{f.tls.ca}}
	if user != "operator" {
		c.InboxPrefix = access.InboxPrefix(user)
	}
	nc, err := bus.Connect(f.t.Context(), c)
	if err != nil {
		return nil, err
	}
	f.t.Cleanup(nc.Close)
	return bus.New(bus.Options{Conn: nc, Source: "fiord/bench", PublishTimeout: 2 * time.Second})
}
