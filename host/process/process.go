package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fiord-bench/fiord/host/runner"
)

// Variables by which a running fio is recognised.
const (
	envRun     = "FIORD_RUN"
	envAttempt = "FIORD_ATTEMPT"
	envHost    = "FIORD_HOST"
)

// progressInterval is how often fio's output file is looked at: fio adds a
// line about once a second.
const progressInterval = 500 * time.Millisecond

// Runner starts fio as a child process. Its zero value is not usable: see New.
type Runner struct {
	binary string
	host   string // the mark of what it starts
	opts   Options
}

var _ runner.Runner = (*Runner)(nil)

// New returns a runner for the given fio binary (a path, or a name looked up
// in PATH) and the mark by which its processes are recognised. It fails when there is no such binary, and when the
// kernel lacks a sandbox that the options require.
func New(binary, host string, o Options) (*Runner, error) {
	path, err := exec.LookPath(binary)
	if err != nil {
		return nil, fmt.Errorf("find fio: %w (install the fio package, or configure a container engine)", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("find fio: %w", err)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	return &Runner{binary: path, host: host, opts: o}, nil
}

// Describe implements runner.Runner.
func (r *Runner) Describe(ctx context.Context) (runner.Description, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, r.binary, "--version").Output()
	if err != nil {
		return runner.Description{}, fmt.Errorf("ask %s for its version: %w", r.binary, err)
	}
	return runner.Description{Kind: "process", FioVersion: strings.TrimSpace(string(out)), Sandbox: r.Sandbox()}, nil
}

// Start implements runner.Runner.
func (r *Runner) Start(_ context.Context, inv runner.Invocation) (runner.Process, error) {
	if err := supported(inv); err != nil {
		return nil, err
	}
	c, err := newFio(r.command(inv), inv)
	if err != nil {
		return nil, err
	}
	c.host = r.host
	if err := c.start(r.starter(inv)); err != nil {
		return nil, r.explain(err)
	}
	return c, nil
}

func (r *Runner) command(inv runner.Invocation) *exec.Cmd {
	argv := runner.Argv(inv.Dir, inv)
	argv[0] = r.binary
	argv = inv.Leash.Command(argv)
	if inv.Limits.Memlock > 0 {
		// A limit can only be set on the way into fio, and the shell is the
		// one program every host has that can.
		kib := strconv.FormatInt(inv.Limits.Memlock>>10, 10)
		argv = append([]string{"/bin/sh", "-c", `ulimit -l "$0" && exec "$@"`, kib}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec // the arguments are built by runner.Argv
	cmd.Dir = inv.WorkDir
	if cmd.Dir == "" {
		cmd.Dir = inv.Dir
	}
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "LC_ALL=C",
		envRun + "=" + inv.Key.Run,
		envAttempt + "=" + strconv.Itoa(inv.Key.Attempt),
		envHost + "=" + r.host,
	}, inv.Env...)
	cmd.ExtraFiles = inv.Hold
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// supported refuses what a plain process cannot be given.
func supported(inv runner.Invocation) error {
	l := inv.Limits
	for _, unmet := range []struct {
		option string
		asked  bool
	}{
		{"limits.cpus", l.CPUs != 0},
		{"limits.cpuset", l.CPUSet != ""},
		{"limits.memory", l.Memory != 0},
		{"limits.pids", l.PIDs != 0},
		{"limits.device_read_bps", len(l.ReadBPS) > 0},
		{"limits.device_write_bps", len(l.WriteBPS) > 0},
		{"limits.device_read_iops", len(l.ReadIOPS) > 0},
		{"limits.device_write_iops", len(l.WriteIOPS) > 0},
		{"volume", len(inv.Volumes) > 0},
	} {
		if unmet.asked {
			return fmt.Errorf("%w: %s needs a container engine, and this host runs fio as a plain process", runner.ErrUnsupported, unmet.option)
		}
	}
	if l.Memlock > 0 {
		return memlockAllowed(l.Memlock)
	}
	return nil
}

// memlockAllowed asks before the start, because a refused ulimit would look
// like an error of fio's.
func memlockAllowed(bytes int64) error {
	var have syscall.Rlimit
	const rlimitMemlock = 8
	if err := syscall.Getrlimit(rlimitMemlock, &have); err != nil {
		return fmt.Errorf("read RLIMIT_MEMLOCK: %w", err)
	}
	if uint64(bytes) <= have.Max {
		return nil
	}
	return fmt.Errorf("%w: limits.memlock of %d bytes is above this host's hard limit of %d (raise RLIMIT_MEMLOCK of the worker)",
		runner.ErrUnsupported, bytes, have.Max)
}

// fio is one that this worker has started.
type fio struct {
	cmd     *exec.Cmd
	key     runner.Key
	host    string
	dir     string
	started time.Time
	leashed bool       // the exit status is the supervisor's
	done    chan error // the result of cmd.Wait, once
}

func newFio(cmd *exec.Cmd, inv runner.Invocation) (*fio, error) {
	stdout, err := os.Create(filepath.Join(inv.Dir, runner.StdoutFile))
	if err != nil {
		return nil, fmt.Errorf("create output of fio: %w", err)
	}
	stderr, err := os.Create(filepath.Join(inv.Dir, runner.StderrFile))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create error output of fio: %w", err), stdout.Close())
	}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return &fio{cmd: cmd, key: inv.Key, dir: inv.Dir, leashed: inv.Leash != nil, done: make(chan error, 1)}, nil
}

// start starts fio, to be ended with the worker. fio's jobs are its children and
// would outlive it if it were killed; on SIGTERM it ends them itself.
func (c *fio) start(begin func(*exec.Cmd) error) error {
	err := begin(c.cmd)
	c.started = time.Now()
	for _, f := range []any{c.cmd.Stdout, c.cmd.Stderr} {
		_ = f.(*os.File).Close() // fio has its own copies
	}
	if err == nil {
		go func() { c.done <- c.cmd.Wait() }()
	}
	return err
}

// Key implements runner.Process.
func (c *fio) Key() runner.Key { return c.key }

// Wait implements runner.Process.
func (c *fio) Wait(ctx context.Context, seen func(runner.Progress)) (runner.Exit, error) {
	tail := newTail(filepath.Join(c.dir, runner.StdoutFile), seen)
	defer tail.close()
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()

	exit := runner.Exit{Started: c.started}
	stop, kill := ctx.Done(), (<-chan time.Time)(nil)
	for {
		select {
		case err := <-c.done:
			exit.Ended = time.Now()
			tail.read()
			c.fill(&exit, err)
			return exit, c.rest().clear()
		case <-tick.C:
			tail.read()
		case <-stop:
			exit.Stopped, stop = true, nil
			grace := runner.GraceOf(ctx)
			kill = time.After(grace)
			if grace > 0 {
				// fio passes it on to its jobs; being gone is what is wanted.
				_ = c.cmd.Process.Signal(syscall.SIGINT)
			}
		case <-kill:
			_ = c.cmd.Process.Kill() // and then its jobs, by clear
		}
	}
}

// rest is what fio may have left alive: its jobs have sessions of their own,
// so no signal to a process group reaches them when it dies before them.
func (c *fio) rest() *leftover { return &leftover{key: c.key, host: c.host} }

// fill translates the result of exec's Wait.
func (c *fio) fill(exit *runner.Exit, err error) {
	var status *exec.ExitError
	switch {
	case err == nil:
		return
	case !errors.As(err, &status):
		*exit = exit.Lost(fmt.Sprintf("wait for fio: %v", err))
		return
	}
	exit.Code = status.ExitCode()
	if n := exit.Code - 128; c.leashed && n > 0 && n < 32 { // as a shell has it; see supervise
		exit.Code, exit.Signal = -1, runner.SignalName(syscall.Signal(n))
	}
	if ws, ok := status.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		exit.Code, exit.Signal = -1, runner.SignalName(ws.Signal())
	}
}

// tail reads what is added to a file and hands progress on.
type tail struct {
	file *os.File
	to   io.Writer
}

func newTail(path string, seen func(runner.Progress)) *tail {
	if seen == nil {
		return &tail{}
	}
	f, err := os.Open(path)
	if err != nil {
		return &tail{} // progress is a courtesy: the run goes on without
	}
	return &tail{file: f, to: runner.NewProgressWriter(time.Now, seen)}
}

func (t *tail) read() {
	if t.file != nil {
		_, _ = io.Copy(t.to, t.file)
	}
}

func (t *tail) close() {
	if t.file != nil {
		_ = t.file.Close()
	}
}
