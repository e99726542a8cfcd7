package chaos_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/artifacts/embedded"
	"github.com/fiord-bench/fiord/cmd/fiord/keys"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/natsd"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/bench"
	"github.com/fiord-bench/fiord/services/ingest"
	"github.com/fiord-bench/fiord/services/inventory"
	"github.com/fiord-bench/fiord/services/notify"
	"github.com/fiord-bench/fiord/services/plot"
)

// patience is how long a test waits for what must happen, on a machine that
// has other things to do as well.
const patience = 2 * time.Minute

const host = "host-1"

// binaries is the folder of the services' programs.
var binaries string

// TestMain builds the services as they are shipped: each its own program.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "fiord-chaos-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binaries = dir
	args := []string{"build", "-o", dir}
	for _, name := range service.Names() {
		args = append(args, "github.com/fiord-bench/fiord/services/"+name+"/cmd/"+name)
	}
	build := exec.Command("go", args...)
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, "build services:", err)
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// world is a NATS server and a store in this process, whose users have the
// rights that the services declare, and the services as processes.
type world struct {
	t        *testing.T // the test of the moment
	root     *testing.T // the test that the world lives as long as
	dir      string
	bus      *bus.Bus // the operator's
	store    *artifacts.Store
	git      *repository
	told     *receiver
	services map[string]*process
	runner   string

	mu   sync.Mutex
	seen []bus.Seen
}

// newWorld starts everything and waits until a push can be taken.
func newWorld(t *testing.T) *world {
	t.Helper()
	needs(t, "git", "fio")
	w := &world{t: t, root: t, dir: t.TempDir(), services: map[string]*process{}, runner: "process", told: newReceiver(t)}
	if hasImage() {
		w.runner = "docker"
	}
	users := map[string]keys.User{}
	for _, name := range append(service.Names(), "operator") {
		u, err := keys.Open(filepath.Join(w.dir, "credentials"), name)
		if err != nil {
			t.Fatal(err)
		}
		users[name] = u
	}
	nats := w.startNATS(users)
	s3 := w.startS3(users)
	w.watch()
	w.git = newRepository(t, filepath.Join(w.dir, "git"))
	for _, name := range service.Names() {
		w.services[name] = w.prepare(name, users[name], nats, s3)
		t.Cleanup(w.services[name].kill)
		w.services[name].start()
	}
	w.awaitConsumer("notify-hook")
	w.awaitConsumer("bench-pool-default")
	return w
}

// needs are what each service declares.
func (w *world) needs() map[string]access.Needs {
	return map[string]access.Needs{
		"ingest":    ingest.Needs(ingest.DefaultConfig()),
		"inventory": inventory.Needs(inventory.DefaultConfig()),
		"bench":     bench.Needs(bench.DefaultConfig(), host),
		"plot":      plot.Needs(plot.DefaultConfig()),
		"notify":    notify.Needs(notify.Config{Targets: []notify.Target{{Name: "hook"}}}),
	}
}

// startNATS gives each user what its service declares, and nothing more.
func (w *world) startNATS(users map[string]keys.User) (url string) {
	w.t.Helper()
	all := w.needs()
	var durables []string
	for _, n := range all {
		if !n.Guest {
			durables = append(durables, n.Durables...)
		}
	}
	list := []natsd.User{{NKey: users["operator"].NKey}}
	for name, n := range all {
		u := natsd.User{NKey: users[name].NKey, Permissions: n.Permissions(durables...)}
		if n.Guest {
			u.Account, u.Answers = n.Name, access.Answers()
		}
		list = append(list, u)
	}
	nsd, err := natsd.Start(natsd.Options{StoreDir: filepath.Join(w.dir, "nats"), Users: list})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nsd.Close)
	nc, err := bus.Connect(w.t.Context(), bus.Connection{URL: nsd.URL(), Name: w.t.Name(), NKeySeedFile: users["operator"].NKeyFile})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	if w.bus, err = bus.New(bus.Options{Conn: nc, Source: "fiord/test"}); err != nil {
		w.t.Fatal(err)
	}
	if err := w.bus.Provision(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return nsd.URL()
}

// startS3 gives each service the rights that it declares.
func (w *world) startS3(users map[string]keys.User) (endpoint string) {
	w.t.Helper()
	var list []embedded.User
	for name, n := range w.needs() {
		list = append(list, embedded.User{AccessKey: users[name].AccessKey, SecretKey: users[name].SecretKey.Reveal(), Rights: n.Store})
	}
	srv := artifactstest.Start(w.t, filepath.Join(w.dir, "s3"), list...)
	w.store = artifactstest.Open(w.t, srv.Config())
	return srv.Endpoint()
}

// watch collects every event.
func (w *world) watch() {
	w.t.Helper()
	view, err := w.bus.Watch(w.t.Context(), bus.View{See: func(_ context.Context, s bus.Seen) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.seen = append(w.seen, s)
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(view.Stop)
}

// events are those seen so far for which match holds.
func (w *world) events(match func(events.Event) bool) []events.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []events.Event
	for _, s := range w.seen {
		if match(s.Event) {
			list = append(list, s.Event)
		}
	}
	return list
}

// await waits for an event for which match holds.
func (w *world) await(what string, match func(events.Event) bool) events.Event {
	w.t.Helper()
	var found []events.Event
	w.eventually(what, func() bool { found = w.events(match); return len(found) > 0 })
	return found[0]
}

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("no %s within %s; events: %s", what, patience, w.history())
		}
	}
}

func (w *world) history() string {
	var names []string
	for _, e := range w.events(func(events.Event) bool { return true }) {
		names = append(names, e.Type.Noun()+"."+e.Type.Verb())
	}
	return strings.Join(names, " ")
}

// awaitConsumer waits for the durable of a service that has just started.
func (w *world) awaitConsumer(name string) {
	w.t.Helper()
	w.eventually("consumer "+name, func() bool {
		_, err := w.bus.JetStream().Consumer(w.t.Context(), bus.StreamEvents, name)
		return err == nil
	})
}

func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skipf("%v: apt-get install %s", err, p)
		}
	}
}

// image of fio; without an engine that has it, fio runs as a plain process.
const image = "fiord-fio:latest"

func hasImage() bool { return exec.Command("docker", "image", "inspect", image).Run() == nil }
