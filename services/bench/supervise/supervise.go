package supervise

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Exit statuses of the supervisor's own. Any other is fio's, and 128 plus a
// signal's number if that ended fio, as shells have it.
const (
	ExitUnseen  = 126 // it is not known how fio ended
	ExitUsage   = 125 // fio could not be started
	ExitExpired = 124 // the deadline passed
)

// Grace is how long before the deadline fio is asked to end.
const Grace = 1500 * time.Millisecond

// poll is how often the deadline is read.
const poll = 250 * time.Millisecond

// Main runs args, which are the deadline's file and then fio's command line,
// and returns the exit status. It is called once, from main.
func Main(args []string, stderr io.Writer) int {
	if len(args) < 2 {
		_, _ = fmt.Fprintln(stderr, "usage: fiord-supervisor DEADLINE-FILE COMMAND [ARG]…")
		return ExitUsage
	}
	s := &supervisor{file: args[0], stderr: stderr}
	status, err := s.run(args[1:])
	if err != nil {
		s.say("%v", err)
		return ExitUsage
	}
	return status
}

type supervisor struct {
	file   string
	stderr io.Writer

	fio     int // process id
	asked   bool
	expired bool
}

func (s *supervisor) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.stderr, "fiord-supervisor: "+format+"\n", args...)
}

func (s *supervisor) run(argv []string) (int, error) {
	if d, err := left(s.file); err != nil || d <= 0 {
		return 0, errors.Join(err, errors.New("the lease has ended before fio began"))
	}
	// Orphans of fio become ours, so that all of them can be found and ended.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("adopt orphans: %w", err)
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	// The kernel kills fio with the thread that started it, which is this one:
	// it lives as long as the process does.
	runtime.LockOSThread()
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return 0, err
	}
	p, err := os.StartProcess(path, argv, &os.ProcAttr{ //nolint:gosec // running its arguments is its purpose
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return 0, err
	}
	s.fio = p.Pid
	ended := make(chan end, 1)
	go func() { ended <- reap(p.Pid) }()
	return s.watch(ended, signals), nil
}

// end is how fio ended; err says why that is not known.
type end struct {
	status syscall.WaitStatus
	err    error
}

// reap waits for children until fio is among them, its orphans included.
func reap(fio int) end {
	for {
		var status syscall.WaitStatus
		switch pid, err := syscall.Wait4(-1, &status, 0, nil); {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return end{err: err}
		case pid == fio:
			return end{status: status}
		}
	}
}

func (s *supervisor) watch(ended <-chan end, signals <-chan os.Signal) int {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case e := <-ended:
			return s.status(e)
		case got := <-signals:
			_ = syscall.Kill(s.fio, got.(syscall.Signal)) // fio passes it on to its jobs
		case <-tick.C:
			s.check()
		}
	}
}

// check ends fio when it is time to. A deadline that cannot be read has passed.
func (s *supervisor) check() {
	d, err := left(s.file)
	switch {
	case err == nil && d > Grace && !s.asked:
		return
	case !s.asked:
		s.asked, s.expired = true, true
		s.say("the lease is not renewed: ending fio (%v)", errors.Join(err))
		_ = syscall.Kill(s.fio, syscall.SIGINT)
		time.AfterFunc(max(0, min(d, Grace)), func() {
			for { // until this process has ended as well
				killBelow()
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
}

func (s *supervisor) status(e end) int {
	killBelow() // jobs of a fio that was killed
	switch {
	case s.expired:
		return ExitExpired
	case e.err != nil:
		s.say("wait for fio: %v", e.err)
		return ExitUnseen
	case e.status.Signaled():
		return 128 + int(e.status.Signal())
	default:
		return e.status.ExitStatus()
	}
}

// killBelow kills every process that has this one as its parent. Their own
// children become ours by that, and are met at the next call.
func killBelow() {
	for range 3 { // fio, its jobs, and what those may run
		for _, pid := range children() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// children reads who has this process as parent. /proc/<pid>/stat is
// "pid (name) state parent …", and a name may hold anything.
func children() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	me := strconv.Itoa(os.Getpid())
	var out []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 1 && fields[1] == me && fields[0] != "Z" {
			out = append(out, pid)
		}
	}
	return out
}
