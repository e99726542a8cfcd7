package bench

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/fiord-bench/fiord/host/runner"
)

// supervisorName is the program that ends fio with its lease.
const supervisorName = "fiord-supervisor"

// supervisor finds the program and puts it where fio's engine finds it.
type supervisor struct {
	from   string // the owner's; "" to look for it
	folder string // of the copy

	mu        sync.Mutex
	installed bool
}

// path is that of the program, as fio's engine finds it too: a copy
// in the worker's folder, which is the same in the worker's container, if it
// is in one, and on its host.
func (s *supervisor) path() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to := filepath.Join(s.folder, supervisorName)
	if s.installed {
		return to, nil
	}
	from, err := s.find()
	if err != nil {
		return "", fmt.Errorf("%w: the device is one that other hosts see, and %s, which ends fio with its lease, is missing: %w (put it beside this program, or set supervisor)",
			runner.ErrUnsupported, supervisorName, err)
	}
	if err := install(from, to); err != nil {
		return "", fmt.Errorf("install %s: %w", supervisorName, err)
	}
	s.installed = true
	return to, nil
}

func (s *supervisor) find() (string, error) {
	if s.from != "" {
		_, err := os.Stat(s.from)
		return s.from, err
	}
	if me, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(me), supervisorName)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	return exec.LookPath(supervisorName)
}

// install replaces a program that may be running.
func install(from, to string) (err error) {
	in, err := os.Open(from) //nolint:gosec // the operator's
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	next := to + ".new"
	out, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o755) //nolint:gosec // run as fio's user
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	// The mode again, whatever this process's mask is.
	if err = errors.Join(err, out.Chmod(0o755), out.Close()); err != nil {
		return err
	}
	return os.Rename(next, to)
}
