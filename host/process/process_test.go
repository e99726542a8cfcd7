package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/host/runner/runnertest"
)

// TestMain lets the test binary act as a worker that starts fio and is then
// killed: only a process of its own can die.
func TestMain(m *testing.M) {
	if dir := os.Getenv("TEST_DOOMED_WORKER"); dir != "" {
		doomed(dir)
		return
	}
	os.Exit(m.Run())
}

func doomed(dir string) {
	r, err := New("fio", os.Getenv("TEST_DOOMED_HOST"), confined())
	if err != nil {
		panic(err)
	}
	inv := runner.Invocation{Key: runner.Key{Run: "doomed", Attempt: 3}, Dir: dir}
	if lock := os.Getenv("TEST_LOCK"); lock != "" {
		f, err := os.Open(lock)
		if err != nil {
			panic(err)
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			panic(err)
		}
		inv.Hold = []*os.File{f}
	}
	p, err := r.Start(context.Background(), inv)
	if err != nil {
		panic(err)
	}
	_, _ = p.Wait(context.Background(), nil)
}

// confined is what a host's owner has who sets nothing.
func confined() Options {
	account, err := Account("")
	if err != nil {
		panic(err)
	}
	return Options{Sandbox: Required, Account: account}
}

// own is a host of this process's: tests that run twice on one machine must not
// clear each other's fio away.
func own(host string) string { return host + "-" + strconv.Itoa(os.Getpid()) }

func newRunner(t *testing.T, host string) *Runner {
	t.Helper()
	r, err := New("fio", own(host), confined())
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v: apt-get install fio", err)
	}
	return r
}

func TestProcessConforms(t *testing.T) {
	runnertest.Suite(t, func(t *testing.T, host string) runner.Runner { return newRunner(t, host) }, freeze)
}

func freeze(t *testing.T, p runner.Process) {
	t.Helper()
	c := p.(*fio)
	var pids []int
	for end := time.Now().Add(time.Minute); len(pids) < 3; time.Sleep(50 * time.Millisecond) {
		var err error
		if pids, err = c.rest().pids(); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(end) {
			t.Fatalf("fio has not started its two jobs: %v", pids)
		}
	}
	signal(pids, syscall.SIGSTOP)
}

const longJob = "[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=60\nrate_iops=100\nnumjobs=2\n"

func TestFioEndsWithItsWorkerAndKeepsItsReport(t *testing.T) {
	r := newRunner(t, "doomed-host")
	inv := runnertest.Job(t, "doomed", longJob)
	lock := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(lock, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	worker := exec.Command(os.Args[0])
	worker.Env = append(os.Environ(), "TEST_DOOMED_WORKER="+inv.Dir, "TEST_DOOMED_HOST="+own("doomed-host"), "TEST_LOCK="+lock)
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	left := eventually(t, r, 1)
	if left[0].Key() != (runner.Key{Run: "doomed", Attempt: 3}) {
		t.Fatalf("found %v", left[0].Key())
	}
	if err := flock(lock); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Fatalf("lock while fio runs: %v", err)
	}
	untilProgress(t, inv) // by then fio has its signal handlers
	if err := worker.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = worker.Wait()
	eventually(t, r, 0) // by the kernel's SIGTERM, with no help of ours
	for end := time.Now().Add(time.Minute); flock(lock) != nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the lock outlives fio")
		}
	}
	if _, jobs := runnertest.Report(t, inv); jobs != 2 {
		t.Fatalf("report has %d jobs", jobs)
	}
}

func TestLeftoverIsEndedByTheNextWorker(t *testing.T) {
	first, next := newRunner(t, "restarted"), newRunner(t, "restarted")
	runnertest.Start(t, first, runnertest.Job(t, "left", longJob))
	left := eventually(t, next, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	exit, err := left[0].Wait(ctx, nil)
	if err != nil || !exit.Stopped || exit.OK() || time.Since(began) > 30*time.Second { // of the minute that fio would run
		t.Fatalf("exit %+v, %v after %v", exit, err, time.Since(began))
	}
	if other, err := newRunner(t, "other-host").Leftovers(t.Context()); err != nil || len(other) != 0 {
		t.Fatalf("another host sees %v, %v", other, err)
	}
}

// What bears a former mark may be another's: it is listed, and said to be doubtful.
func TestALeftoverWithAFormerMarkIsDoubtful(t *testing.T) {
	older := newRunner(t, "former-mark")
	process := runnertest.Start(t, older, runnertest.Job(t, "left", longJob))
	options := confined()
	options.Former = []string{older.host}
	newer, err := New("fio", older.host+"-newer", options)
	if err != nil {
		t.Fatal(err)
	}
	left := eventually(t, newer, 1)
	if !runner.Doubtful(left[0]) || left[0].Key() != process.Key() || !strings.Contains(fmt.Sprint(left[0]), "processes [") {
		t.Errorf("%v of %v is doubtful: %t", left[0], left[0].Key(), runner.Doubtful(left[0]))
	}
	if own := eventually(t, older, 1); runner.Doubtful(own[0]) {
		t.Error("what bears the own mark is doubtful")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if exit, err := left[0].Wait(ctx, nil); err != nil || !exit.Stopped { // who knows it by other means may end it
		t.Errorf("exit %+v, %v", exit, err)
	}
	eventually(t, older, 0)
}

func TestWhatNeedsAContainerIsRefusedByName(t *testing.T) {
	r := newRunner(t, "refuses")
	for option, limits := range map[string]runner.Limits{
		"limits.cpus":             {CPUs: 2},
		"limits.memory":           {Memory: 1 << 30},
		"limits.pids":             {PIDs: 5},
		"limits.device_read_iops": {ReadIOPS: map[string]uint64{"/dev/sda": 1}},
		"limits.memlock":          {Memlock: 1 << 60},
	} {
		inv := runnertest.Job(t, "refuses", longJob)
		inv.Limits = limits
		if _, err := r.Start(t.Context(), inv); !errors.Is(err, runner.ErrUnsupported) || !strings.Contains(err.Error(), option) {
			t.Errorf("%s: %v", option, err)
		}
	}
}

func TestMemlockBelowTheHardLimitReachesFio(t *testing.T) {
	r := newRunner(t, "memlock")
	inv := runnertest.Job(t, "memlock", longJob)
	inv.Limits.Memlock = 64 << 10
	p := runnertest.Start(t, r, inv)
	untilProgress(t, inv)
	pids, err := p.(*fio).rest().pids()
	if err != nil || len(pids) == 0 {
		t.Fatalf("%v, %v", pids, err)
	}
	for _, pid := range pids {
		limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
		if err != nil || !regexp.MustCompile(`Max locked memory +65536 +65536 `).Match(limits) {
			t.Errorf("process %d: %v, %s", pid, err, limits)
		}
	}
}

func TestMissingFioSaysHowToGetIt(t *testing.T) {
	if _, err := New("no-such-fio", "h", confined()); err == nil || !strings.Contains(err.Error(), "install the fio package") {
		t.Fatal(err)
	}
}

// eventually waits until the host's fio processes are want in number.
func eventually(t *testing.T, r *Runner, want int) []runner.Process {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		left, err := r.Leftovers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == want {
			return left
		}
		if time.Now().After(end) {
			t.Fatalf("%d leftovers, want %d", len(left), want)
		}
	}
}

func untilProgress(t *testing.T, inv runner.Invocation) {
	t.Helper()
	for end := time.Now().Add(time.Minute); runnertest.Read(t, inv, runner.StdoutFile) == ""; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("fio prints no progress")
		}
	}
}

func flock(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
