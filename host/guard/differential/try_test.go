package differential

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/guard"
)

// outcome is what came of one job.
type outcome struct {
	Refused  string   `json:"refused,omitempty"` // by the guard: the rule
	Exit     int      `json:"exit"`              // fio's, if it ran; -1 when it was ended
	Timeout  bool     `json:"timeout,omitempty"`
	Counted  bool     `json:"counted,omitempty"`  // its space has a bound
	Said     string   `json:"said,omitempty"`     // fio's first complaint
	Breaches []string `json:"breaches,omitempty"` // what the guard did not know of
}

// patience is how long a job may take, by the host's clock.
const patience = 10 * time.Second

// fast is a library that lets a program's clock run ahead: fio measures its
// clock for 130 ms whenever it starts, and jobs have runtimes in seconds.
const (
	fast  = "/usr/lib/*/faketime/libfaketimeMT.so.1"
	speed = "+0 x40"
)

// try has the guard judge a job and runs it if it may run.
func try(text string) (outcome, error) {
	if err := furnish(); err != nil {
		return outcome{}, err
	}
	text = strings.NewReplacer("DIR", dataDir, "SCRATCH", scratchDir).Replace(text)
	file, err := job.Parse("job.fio", []byte(text), job.Config{Machine: job.Machine{PageSize: 4096, CPUs: 2, MemoryMB: 1000}})
	if err != nil {
		return outcome{Refused: "syntax"}, nil //nolint:nilerr // a refusal
	}
	g, err := guard.New(guard.Policy{Directories: []string{dataDir}}, block.System{})
	if err != nil {
		return outcome{}, err
	}
	grant, problems, err := g.Check(guard.Request{File: file, WorkDir: dataDir, Scratch: scratchDir})
	if err != nil {
		return outcome{}, err
	}
	if len(problems) > 0 {
		return outcome{Refused: problems[0].Rule}, nil
	}
	counted, err := narrowAll(grant)
	if err != nil {
		return outcome{}, err
	}
	return run(file, text, counted)
}

// narrowAll leaves each file system the room that was counted for it.
func narrowAll(grant guard.Grant) (counted bool, err error) {
	counted = true
	rooms := map[uint64]guard.Space{}
	for _, s := range grant.Space {
		room, err := guard.RoomOf(s.Dir)
		if err != nil {
			return false, err
		}
		rooms[room.Device] = s
		counted = counted && s.Unbounded == ""
	}
	for _, dir := range []string{dataDir, scratchDir} {
		room, err := guard.RoomOf(dir)
		if err != nil {
			return false, err
		}
		s := rooms[room.Device]
		if s.Unbounded != "" {
			continue
		}
		if dir == scratchDir { // fio's own report
			s.Bytes, s.Inodes = s.Bytes+32<<20, s.Inodes+8
		}
		if err := narrow(dir, s.Bytes, s.Inodes); err != nil {
			return false, err
		}
	}
	return counted, nil
}

const traced = "trace=open,openat,openat2,creat,unlink,unlinkat,rmdir,mkdir,mkdirat,rename,renameat,renameat2,truncate," +
	"link,linkat,symlink,symlinkat,mknod,mknodat,chmod,fchmodat,chown,fchownat,lchown,execve,execveat,connect,bind,mount," +
	"fallocate,ftruncate"

// run runs a job under the tracer.
func run(file *job.File, text string, counted bool) (outcome, error) {
	path, trace := filepath.Join(workDir, "job.fio"), filepath.Join(workDir, "trace")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return outcome{}, err
	}
	report := filepath.Join(scratchDir, "fio.json")
	args := []string{"-f", "-qq", "--seccomp-bpf", "-s", "4096", "-e", traced, "-o", trace}
	if found, _ := filepath.Glob(fast); len(found) > 0 {
		args = append(args, "-E", "LD_PRELOAD="+found[0], "-E", "FAKETIME="+speed, "-E", "FAKETIME_DONT_RESET=1")
	}
	args = append(args, "fio", "--output="+report, "--output-format=json+", "--eta=never", "--aux-path="+scratchDir, path)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "strace", args...) //nolint:gosec // arguments made here
	cmd.Dir = dataDir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Cancel = func() error { killAll(); return nil }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	got := outcome{Counted: counted, Timeout: ctx.Err() != nil}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got.Exit = exit.ExitCode()
	case err != nil && ctx.Err() == nil && !errors.Is(err, os.ErrProcessDone):
		return outcome{}, fmt.Errorf("run strace: %w: %s", err, said.String())
	}
	killAll()
	told, err := os.ReadFile(trace) //nolint:gosec // its own
	if err != nil {
		return outcome{}, err
	}
	printed, _ := os.ReadFile(report) //nolint:gosec,errcheck // not there when fio refuses the job
	got.Said, _, _ = strings.Cut(said.String(), "\n")
	w := newWitness(file)
	got.Breaches = w.judge(string(told))
	if counted {
		got.Breaches = append(got.Breaches, full(said.String()+string(printed), string(told), !hasRoom())...)
	}
	return got, nil
}

// hasRoom tells whether there is room left for the jobs' files.
func hasRoom() bool {
	room, err := guard.RoomOf(dataDir)
	return err == nil && room.Bytes >= 4096
}

// full reports that a file system had no room for what fio wrote. That a page
// of a mapped file cannot be had (SIGBUS) is about room only if there is none:
// fio maps empty files as well.
func full(said, trace string, noRoom bool) []string {
	var out []string
	for line := range strings.Lines(said) {
		if strings.Contains(line, "No space left") || strings.Contains(line, `"error" : 28`) {
			out = append(out, "space: "+strings.TrimSpace(line))
			break
		}
	}
	for line := range strings.Lines(trace) {
		if strings.Contains(line, "ENOSPC") || noRoom && strings.Contains(line, "--- SIGBUS") {
			out = append(out, "space: "+strings.TrimSpace(line))
			break
		}
	}
	return out
}
