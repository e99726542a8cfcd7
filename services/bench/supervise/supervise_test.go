package supervise

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be the supervisor: it has to be a process of
// its own.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_SUPERVISOR") != "" {
		os.Exit(Main(os.Args[1:], os.Stderr))
	}
	os.Exit(m.Run())
}

// supervised is a command under a supervisor.
type supervised struct {
	t        *testing.T
	deadline string
	cmd      *exec.Cmd
	stderr   bytes.Buffer
	done     chan struct{}
}

func now(t *testing.T) time.Duration {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// supervise starts argv with a deadline that lies so far ahead.
func supervise(t *testing.T, ahead time.Duration, argv ...string) *supervised {
	t.Helper()
	s := &supervised{t: t, deadline: filepath.Join(t.TempDir(), "deadline"), done: make(chan struct{})}
	s.extend(ahead)
	s.cmd = exec.Command(os.Args[0], append([]string{s.deadline}, argv...)...)
	s.cmd.Env = append(os.Environ(), "TEST_SUPERVISOR=1", "TEST_MARK="+s.deadline)
	s.cmd.Stderr = &s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.cmd.Wait(); close(s.done) }()
	t.Cleanup(func() { _ = s.cmd.Process.Kill(); <-s.done })
	return s
}

func (s *supervised) extend(ahead time.Duration) {
	s.t.Helper()
	if err := WriteDeadline(s.deadline, now(s.t)+ahead); err != nil {
		s.t.Fatal(err)
	}
}

// status waits for the end.
func (s *supervised) status() int {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(2 * time.Minute):
		s.t.Fatal("the supervisor does not end")
	}
	return s.cmd.ProcessState.ExitCode()
}

// below lists the processes that carry the test's mark, the supervisor aside.
func (s *supervised) below() (pids []int) {
	s.t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, path := range all {
		env, err := os.ReadFile(path)
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && pid != s.cmd.Process.Pid && strings.Contains(string(env), "TEST_MARK="+s.deadline) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// running waits until n processes run below the supervisor.
func (s *supervised) running(n int) []int {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if pids := s.below(); len(pids) == n {
			return pids
		}
		if time.Now().After(end) {
			s.t.Fatalf("%d processes run, want %d", len(s.below()), n)
		}
	}
}

// fio is a command line of a fio with two jobs that take a minute.
func fio(t *testing.T, report string) []string {
	t.Helper()
	path, err := exec.LookPath("fio")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v: apt-get install fio", err)
	}
	return []string{
		path, "--name=a", "--ioengine=null", "--rw=read", "--size=1g", "--time_based", "--runtime=60",
		"--rate_iops=100", "--numjobs=2", "--output=" + report, "--output-format=json",
	}
}

func TestTheExitStatusIsTheCommands(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -9 $$": 137, "kill -TERM $$": 143} {
		if got := supervise(t, time.Minute, "/bin/sh", "-c", script).status(); got != want {
			t.Errorf("%q: status %d, want %d", script, got, want)
		}
	}
}

func TestFioRunsAsLongAsItsDeadlineIsPutOff(t *testing.T) {
	t.Parallel()
	const ahead = 10 * time.Second // a busy machine may be seconds late
	s := supervise(t, ahead, "/bin/sleep", "12")
	for range 11 {
		time.Sleep(time.Second)
		s.extend(ahead)
	}
	if got := s.status(); got != 0 {
		t.Fatalf("status %d: %s", got, &s.stderr)
	}
}

// late is what a busy machine may add, of the minute that fio would run.
const late = 20 * time.Second

func TestFioIsGoneAtItsDeadlineAndHasReported(t *testing.T) {
	t.Parallel()
	report := filepath.Join(t.TempDir(), "fio.json")
	const ahead = 10 * time.Second
	s := supervise(t, ahead, fio(t, report)...)
	by := time.Now().Add(ahead)
	s.running(3)
	if got := s.status(); got != ExitExpired || time.Now().After(by.Add(late)) {
		t.Fatalf("status %d, %s after the deadline: %s", got, time.Since(by), &s.stderr)
	}
	if left := s.below(); len(left) > 0 {
		t.Fatalf("%v still run", left)
	}
	if b, err := os.ReadFile(report); err != nil || !strings.Contains(string(b), `"jobs"`) {
		t.Fatalf("report: %v: %s", err, b)
	}
	if !strings.Contains(s.stderr.String(), "the lease is not renewed") {
		t.Fatalf("it said %q", &s.stderr)
	}
}

func TestAFioThatHangsIsKilledAtItsDeadline(t *testing.T) {
	t.Parallel()
	const ahead = 10 * time.Second
	s := supervise(t, ahead, fio(t, "/dev/null")...)
	by := time.Now().Add(ahead)
	for _, pid := range s.running(3) {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.status(); got != ExitExpired || time.Since(by) > late {
		t.Fatalf("status %d, %s after the deadline", got, time.Since(by))
	}
	s.running(0)
}

func TestFioDiesWithItsSupervisor(t *testing.T) {
	t.Parallel()
	s := supervise(t, time.Minute, "/bin/sleep", "60")
	s.running(1)
	_ = s.cmd.Process.Kill()
	s.running(0)
}

func TestSignalsReachFio(t *testing.T) {
	t.Parallel()
	report := filepath.Join(t.TempDir(), "fio.json")
	s := supervise(t, time.Minute, fio(t, report)...)
	s.running(3)
	time.Sleep(500 * time.Millisecond) // until fio has its handlers
	_ = s.cmd.Process.Signal(syscall.SIGINT)
	if got := s.status(); got != 128 { // fio's own, at a signal
		t.Fatalf("status %d: %s", got, &s.stderr)
	}
	if _, err := os.Stat(report); err != nil {
		t.Fatal(err)
	}
}

func TestWithoutALeaseNothingStarts(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{"passed": "1\n", "damaged": "soon\n", "missing": ""} {
		dir := t.TempDir()
		deadline, trace := filepath.Join(dir, "deadline"), filepath.Join(dir, "trace")
		if file != "" {
			if err := os.WriteFile(deadline, []byte(file), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var said bytes.Buffer
		if got := Main([]string{deadline, "/bin/sh", "-c", "touch " + trace}, &said); got != ExitUsage {
			t.Errorf("%s: status %d: %s", name, got, &said)
		}
		if _, err := os.Stat(trace); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the command ran", name)
		}
	}
	if got := Main(nil, &bytes.Buffer{}); got != ExitUsage {
		t.Errorf("status %d", got)
	}
}

func TestLocksOfOpenFilesAreHandedOn(t *testing.T) {
	t.Parallel()
	lock, err := os.Create(filepath.Join(t.TempDir(), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	deadline := filepath.Join(t.TempDir(), "deadline")
	if err := WriteDeadline(deadline, now(t)+time.Minute); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], deadline, "/bin/sh", "-c", "readlink /proc/self/fd/3")
	cmd.Env, cmd.ExtraFiles = append(os.Environ(), "TEST_SUPERVISOR=1"), []*os.File{lock}
	out, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(out)) != lock.Name() {
		t.Fatalf("fio has %q open, %v", out, err)
	}
}

// It ends with a status of its own when it cannot see how fio ended, never with 0.
func TestAnEndThatIsNotSeenIsNotTakenForSuccess(t *testing.T) {
	var said bytes.Buffer
	s := &supervisor{stderr: &said}
	if got := s.status(end{err: syscall.ECHILD}); got != ExitUnseen || !strings.Contains(said.String(), "no child processes") {
		t.Errorf("status %d: %s", got, &said)
	}
}
