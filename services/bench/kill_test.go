package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/process"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/child"
	"github.com/fiord-bench/fiord/internal/natsd"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/bench/attempt"
	"github.com/fiord-bench/fiord/services/bench/docker"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// mortal is a worker as a program of its own, which can be killed.
type mortal struct {
	Config Config
	NATS   string
	S3     artifacts.Config
	Secret string // which Config does not print
	// Dies is the phase at whose beginning it kills itself, once for each run:
	// Marks is the folder where it notes that it has.
	Dies  attempt.Phase
	Marks string
}

// dieOnce kills this process when a run enters the phase, the first time in all
// of its processes.
func (m mortal) dieOnce(p attempt.Phase) {
	if m.Marks == "" || p != m.Dies {
		return
	}
	if f, err := os.OpenFile(filepath.Join(m.Marks, "died"), os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		_ = f.Close()
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

const mortalVariable = "FIORD_TEST_MORTAL_WORKER"

// TestMain lets the test binary be such a worker.
func TestMain(m *testing.M) {
	if settings := os.Getenv(mortalVariable); settings != "" {
		if err := live(settings); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func live(settings string) error {
	var m mortal
	if err := json.Unmarshal([]byte(settings), &m); err != nil {
		return err
	}
	ctx := context.Background()
	nc, err := bus.Connect(ctx, bus.Connection{URL: m.NATS, Name: "mortal"})
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	b, err := bus.New(bus.Options{Conn: nc, Source: source, Log: log})
	if err != nil {
		return err
	}
	m.S3.SecretKey = m.Secret
	store, err := artifacts.Open(ctx, m.S3)
	if err != nil {
		return err
	}
	s, err := New(m.Config, service.Deps{Bus: b, Store: store, Log: log})
	if err != nil {
		return err
	}
	s.entered = m.dieOnce
	return s.Run(ctx)
}

func (w *world) spawn(m mortal) *exec.Cmd {
	w.t.Helper()
	settings, err := json.Marshal(m)
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), mortalVariable+"="+string(settings))
	cmd.Stdout, cmd.Stderr = testWriter{w.t}, testWriter{w.t}
	if err := child.Start(cmd, syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

// kills is how many random moments are tried: FIORD_TEST_KILLS for more.
func kills(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("FIORD_TEST_KILLS"))
	if err != nil {
		return 4
	}
	t.Logf("killing %d times", n)
	return n
}

func TestAWorkerKilledAtAnyMomentLeavesOneEndAndNothingElse(t *testing.T) {
	for _, kind := range []string{"process", "docker"} {
		t.Run(kind, func(t *testing.T) {
			w, m := newMortalWorld(t, kind)
			r := w.runnerOf(m.Config)
			worker := w.spawn(m)
			for i := range kills(t) {
				list := w.request(bench{host: m.Config.Host, jobs: []string{"[k]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=1\nrate_iops=100\n"}})
				moment := time.Duration(rand.Int64N(int64(2500 * time.Millisecond)))
				time.Sleep(moment)
				_ = worker.Process.Kill()
				_ = worker.Wait()
				worker = w.spawn(m)
				end := w.end(list.Runs[0])
				t.Logf("kill %d after %s: %s", i, moment, end.Type)
				if end.Type != events.TypeRunCompleted {
					t.Errorf("ended with %s: %+v", end.Type, end.Data)
				}
			}
			w.emptied(m.Config)
			_ = worker.Process.Kill()
			_ = worker.Wait()
			nothingElse(t, w, m.Config, r)
		})
	}
}

func newMortalWorld(t *testing.T, kind string) (*world, mortal) {
	t.Helper()
	nsd, err := natsd.Start(natsd.Options{StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nsd.Close)
	nc, err := bus.Connect(t.Context(), bus.Connection{URL: nsd.URL(), Name: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	b, err := bus.New(bus.Options{Conn: nc, Source: "fiord/inventory"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	s3 := artifactstest.Start(t, t.TempDir()).Config()
	w := &world{
		t: t, bus: b, store: artifactstest.Open(t, s3),
		data: filepath.Join(t.TempDir(), "data"), seen: make(chan events.Event, 10000),
	}
	w.watch()
	cfg := w.config("mortal-" + kind)
	cfg.Runner = kind
	cfg.Docker.Image = testImage()
	return w, mortal{Config: cfg, NATS: nsd.URL(), S3: s3, Secret: s3.SecretKey}
}

func testImage() string {
	if image := os.Getenv("FIORD_TEST_FIO_IMAGE"); image != "" {
		return image
	}
	return "fiord-fio:latest"
}

// runnerOf is the runner that the worker uses, to see what it left behind.
func (w *world) runnerOf(cfg Config) runner.Runner {
	w.t.Helper()
	var r runner.Runner
	var err error
	if cfg.Runner == "process" {
		r, err = process.New("fio", own(w.t, cfg), process.Options{Sandbox: process.Required})
	} else {
		r, err = newEngine(w.t, cfg)
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			w.t.Fatal(err)
		}
		w.t.Skip(err)
	}
	return r
}

// own is the mark of what a worker starts.
func own(t testing.TB, cfg Config) string {
	t.Helper()
	m, err := cfg.mark(events.Token(cfg.Host))
	if err != nil {
		t.Fatal(err)
	}
	return m.Own
}

func newEngine(t testing.TB, cfg Config) (runner.Runner, error) {
	e, err := docker.New(docker.Config{Image: cfg.Docker.Image, Host: own(t, cfg)})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = e.Close() })
	d, err := e.Describe(t.Context())
	if err != nil {
		return nil, fmt.Errorf("%w: apt-get install docker.io", err)
	}
	if d.ImageID == "" {
		return nil, fmt.Errorf("no image %s: make images builds it", cfg.Docker.Image)
	}
	return e, nil
}

// emptied waits until the worker has put away what it has shipped.
func (w *world) emptied(cfg Config) {
	w.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if dirs, err := filepath.Glob(filepath.Join(cfg.StateDir, "spool", "*.*")); err == nil && len(dirs) == 0 {
			return
		}
	}
}

// nothingElse: one end for each run, no container or process, no lock, and
// nothing in the spool.
func nothingElse(t *testing.T, w *world, cfg Config, r runner.Runner) {
	t.Helper()
	left, err := r.Leftovers(t.Context())
	if err != nil || len(left) > 0 {
		t.Errorf("%d leftovers, %v", len(left), err)
	}
	locks, _ := filepath.Glob(filepath.Join(cfg.StateDir, "locks", "*"))
	for _, path := range append(locks, cfg.Gate, filepath.Join(cfg.StateDir, "spool", "lock")) {
		if free(path) != nil {
			t.Errorf("lock %s is stuck", path)
		}
	}
	ends, all := map[string]int{}, make(chan struct{})
	view, err := w.bus.Watch(t.Context(), bus.View{See: func(_ context.Context, s bus.Seen) {
		if s.Event.Type.Ends() == "run" {
			ends[s.Event.Subject]++
		}
	}, CaughtUp: func() { close(all) }})
	if err != nil {
		t.Fatal(err)
	}
	<-all
	view.Stop()
	for run, n := range ends {
		if n != 1 {
			t.Errorf("run %s has %d ends", run, n)
		}
	}
	kept, err := spool.Open(filepath.Join(cfg.StateDir, "spool"), 0) // clears what was being removed
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = kept.Close() }()
	pending, err := kept.Pending()
	unfinished, err2 := kept.Unfinished()
	if len(pending)+len(unfinished) > 0 || err != nil || err2 != nil {
		t.Errorf("the spool holds %v and %v, %v, %v", pending, unfinished, err, err2)
	}
}

func free(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
