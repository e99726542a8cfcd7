package bench

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/bench/lease"
)

// supervisorProgram builds fiord-supervisor as a release has it.
func supervisorProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), supervisorName)
	if out, err := exec.Command("go", "build", "-o", path, "./cmd/"+supervisorName).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// sharing is a worker's configuration for the folder that all hosts share.
func (w *world) sharing(host, kind, supervisor string) Config {
	cfg := w.config(host)
	cfg.Runner, cfg.Docker.Image = kind, testImage()
	cfg.Shared, cfg.LeaseTTL, cfg.Supervisor = []string{w.data}, lease.MinTTL, supervisor
	return cfg
}

// folderJob measures the shared folder for some seconds.
func folderJob(seconds string) string {
	return "[shared]\nrw=randwrite\nbs=4k\nsize=1m\ntime_based\nruntime=" + seconds + "\nrate_iops=100\n"
}

func TestASharedFolderIsMeasuredByOneHostAtATime(t *testing.T) {
	for _, kind := range []string{"process", "docker"} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			supervisor := supervisorProgram(t)
			hosts := []string{"one-" + kind, "two-" + kind, "three-" + kind}
			for _, host := range hosts {
				cfg := w.sharing(host, kind, supervisor)
				w.runnerOf(cfg) // skips without an engine
				w.start(cfg)
			}
			wanted := 0
			for _, host := range hosts {
				wanted += len(w.request(bench{host: host, jobs: []string{folderJob("1"), folderJob("1")}}).Runs)
			}
			var done []events.RunCompleted
			w.until("all ends", func(e events.Event) bool {
				if e.Type.Ends() == "run" {
					done = append(done, ended[events.RunCompleted](t, e))
				}
				return len(done) == wanted
			})
			inTurn(t, done)
		})
	}
}

// inTurn asserts that measurements did not overlap, and that their tokens grew.
func inTurn(t *testing.T, done []events.RunCompleted) {
	t.Helper()
	slices.SortFunc(done, func(a, b events.RunCompleted) int { return a.StartedAt.Compare(b.StartedAt) })
	for i, d := range done {
		if len(d.Leases) != 1 {
			t.Fatalf("leases %v", d.Leases)
		}
		if i == 0 {
			continue
		}
		before := done[i-1]
		if d.StartedAt.Before(before.EndedAt) {
			t.Errorf("%s began %s before %s ended", d.Host, before.EndedAt.Sub(d.StartedAt), before.Host)
		}
		if token(d.Leases) <= token(before.Leases) {
			t.Errorf("token %d of %s follows %d", token(d.Leases), d.Host, token(before.Leases))
		}
	}
}

func token(leases map[string]uint64) (highest uint64) {
	for _, v := range leases {
		highest = max(highest, v)
	}
	return highest
}

// A worker that goes away in the middle of a run, in one way or another.
func TestFioEndsBeforeAnotherHostIsGrantedItsDevice(t *testing.T) {
	for _, kind := range []string{"process", "docker"} {
		for name, away := range map[string]struct {
			leave, back func(f *failing, t *testing.T)
		}{
			"killed":  {leave: (*failing).kill, back: (*failing).restart},
			"frozen":  {leave: (*failing).freeze, back: (*failing).thaw},
			"cut off": {leave: (*failing).cutOff, back: (*failing).reconnect},
		} {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				f := newFailing(t, kind)
				list := f.world.request(bench{host: f.first.Config.Host, jobs: []string{folderJob("9")}})
				f.world.started(list.Runs[0])
				f.measures(t, true)
				away.leave(f, t)
				other := f.world.request(bench{host: f.second.Config.Host, jobs: []string{folderJob("1")}})
				f.world.started(other.Runs[0])
				f.measures(t, false) // the lease is granted: nobody else measures
				between := ended[events.RunCompleted](t, f.world.end(other.Runs[0]))
				away.back(f, t)
				// Its end is that of another attempt, under a lease of its own.
				again := ended[events.RunCompleted](t, f.world.end(list.Runs[0]))
				if again.Attempt < 2 || token(again.Leases) <= token(between.Leases) {
					t.Errorf("attempt %d under token %d, after token %d", again.Attempt, token(again.Leases), token(between.Leases))
				}
				inTurn(t, []events.RunCompleted{between, again})
			})
		}
	}
}

// failing are two hosts that share a folder; the first will fail.
type failing struct {
	world         *world
	first, second mortal
	worker        *exec.Cmd
	wire          *wire
}

func newFailing(t *testing.T, kind string) *failing {
	t.Helper()
	w, m := newMortalWorld(t, kind)
	supervisor := supervisorProgram(t)
	f := &failing{world: w, first: m, second: m, wire: newWire(t, m.NATS)}
	f.first.Config = w.sharing("first-"+kind, kind, supervisor)
	f.second.Config = w.sharing("second-"+kind, kind, supervisor)
	f.first.NATS = f.wire.url
	w.runnerOf(f.first.Config) // skips without an engine
	f.restart(t)
	w.spawn(f.second)
	t.Cleanup(func() { f.clear(t) })
	return f
}

func (f *failing) restart(*testing.T) { f.worker = f.world.spawn(f.first) }

func (f *failing) kill(*testing.T) {
	_ = f.worker.Process.Kill()
	_ = f.worker.Wait()
}

func (f *failing) freeze(t *testing.T) { f.signal(t, syscall.SIGSTOP) }
func (f *failing) thaw(t *testing.T)   { f.signal(t, syscall.SIGCONT) }

func (f *failing) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := f.worker.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (f *failing) cutOff(*testing.T)    { f.wire.set(false) }
func (f *failing) reconnect(*testing.T) { f.wire.set(true) }

// measures asserts whether a fio of the first host runs: by its place in the
// process table, since in a container it may have ended and be there still.
func (f *failing) measures(t *testing.T, want bool) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		got := fioRuns(t, f.first.Config.StateDir)
		if got == want {
			return
		}
		if !want || time.Now().After(end) {
			t.Fatalf("fio of the first host runs: %v", got)
		}
	}
}

func fioRuns(t *testing.T, stateDir string) bool {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(all, func(path string) bool {
		line, err := os.ReadFile(path)
		argv := strings.Split(string(line), "\x00")
		return err == nil && filepath.Base(argv[0]) == "fio" && strings.Contains(string(line), stateDir)
	})
}

// clear removes the containers of workers that the test's end has killed.
func (f *failing) clear(t *testing.T) {
	for _, m := range []mortal{f.first, f.second} {
		if m.Config.Runner != "docker" {
			continue
		}
		out, err := exec.Command("docker", "ps", "-aq", "--filter", "label=dev.fiord.host="+own(t, m.Config)).Output()
		if err != nil {
			t.Error(err)
		}
		for _, id := range strings.Fields(string(out)) {
			_ = exec.Command("docker", "rm", "-f", id).Run()
		}
	}
}

// wire is a connection to NATS that can be cut.
type wire struct {
	url, to string

	mu    sync.Mutex
	whole bool
	conns []net.Conn
}

func newWire(t *testing.T, url string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{url: "nats://" + l.Addr().String(), to: strings.TrimPrefix(url, "nats://"), whole: true}
	go func() {
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			w.join(c)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); w.set(false) })
	return w
}

func (w *wire) join(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	server, err := net.Dial("tcp", w.to)
	if !w.whole || err != nil {
		_ = c.Close()
		return
	}
	w.conns = append(w.conns, c, server)
	for _, p := range [][2]net.Conn{{c, server}, {server, c}} {
		go func() { _, _ = io.Copy(p[0], p[1]); _ = p[0].Close() }()
	}
}

func (w *wire) set(whole bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole = whole
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

func TestWithoutASupervisorASharedFolderIsNotMeasured(t *testing.T) {
	w := newWorld(t)
	cfg := w.sharing("unsupervised", "process", filepath.Join(t.TempDir(), "no-such-program"))
	w.start(cfg)
	list := w.request(bench{host: cfg.Host, jobs: []string{quickJob}})
	failed := ended[events.RunFailed](t, w.end(list.Runs[0]))
	if !strings.Contains(failed.Reason, "set supervisor") {
		t.Errorf("%+v", failed)
	}
}

func TestCancellingALeasedRunCancelsIt(t *testing.T) {
	w := newWorld(t)
	cfg := w.sharing("cancelled", "process", supervisorProgram(t))
	w.start(cfg)
	list := w.request(bench{host: cfg.Host, jobs: []string{folderJob("30")}})
	w.live(list, func(p events.Progress) bool { return p.IOPS["write"] > 0 })
	w.cancel(list, false)
	end := ended[events.RunCancelled](t, w.end(list.Runs[0]))
	w.read(end.Artifacts, "fio.json") // what fio had is kept
}

func TestAnAdoptedRunKeepsItsLease(t *testing.T) {
	f := newFailing(t, "docker")
	list := f.world.request(bench{host: f.first.Config.Host, jobs: []string{folderJob("9")}})
	first := f.world.started(list.Runs[0])
	f.measures(t, true)
	f.kill(t)
	f.restart(t)
	done := ended[events.RunCompleted](t, f.world.end(list.Runs[0]))
	if done.Attempt != 1 || token(done.Leases) != token(first.Leases) {
		t.Errorf("attempt %d under %v, started under %v", done.Attempt, done.Leases, first.Leases)
	}
}
