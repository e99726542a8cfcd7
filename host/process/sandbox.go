package process

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/host/sandbox"
	"github.com/fiord-bench/fiord/internal/child"
)

// Sandboxed says how much of a sandbox fio must have.
type Sandboxed string

// The three are values of a setting.
const (
	Required   Sandboxed = "required"    // refuse to run fio where the kernel lacks a part
	BestEffort Sandboxed = "best-effort" // use what the kernel has
	Off        Sandboxed = "off"         // the guard alone stands between a job and the host
)

// Options are what a host's owner decides about plain processes.
type Options struct {
	Sandbox Sandboxed
	// Account is who fio runs as where this program is root and the measured
	// folder is root's as well; nil to stay root, without its powers. What belongs
	// to anybody else is measured by its owner.
	Account *sandbox.Account
	// Former are marks of earlier versions, which others may bear as well.
	Former []string
}

// check refuses what this host cannot do.
func (o Options) check() error {
	if o.Sandbox != Required {
		return nil
	}
	if missing := sandbox.Probe().Missing(); len(missing) > 0 {
		return fmt.Errorf("%w: fio would run as a plain process without %s, which this kernel lacks: use a container engine, or have the host's owner set bench.process.sandbox to %s",
			runner.ErrUnsupported, strings.Join(missing, " and "), BestEffort)
	}
	return nil
}

// Sandbox says what fio is confined by, and what of it this host lacks.
func (r *Runner) Sandbox() *runner.Sandbox {
	if r.opts.Sandbox == Off {
		return &runner.Sandbox{Missing: []string{"switched off"}}
	}
	f := sandbox.Probe()
	return &runner.Sandbox{Layers: f.Layers(), Missing: append(f.Missing(), f.Gaps()...)}
}

// account is who fio runs as, nil for this process's own user.
func (r *Runner) account(inv runner.Invocation) *sandbox.Account {
	switch {
	case os.Geteuid() != 0:
		return nil
	case inv.User != nil && inv.User.UID != 0:
		return &sandbox.Account{UID: inv.User.UID, GID: inv.User.GID}
	case r.opts.Sandbox == Off:
		return nil
	default:
		return r.opts.Account
	}
}

// starter starts fio for the invocation.
func (r *Runner) starter(inv runner.Invocation) func(*exec.Cmd) error {
	as := r.account(inv)
	if r.opts.Sandbox == Off {
		return func(cmd *exec.Cmd) error {
			if as != nil {
				cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(as.UID), Gid: uint32(as.GID)} //nolint:gosec // ids of stat(2)
			}
			return child.Start(cmd, syscall.SIGTERM)
		}
	}
	return func(cmd *exec.Cmd) error {
		if as != nil {
			if err := hand(inv, *as); err != nil {
				return err
			}
		}
		rules := r.rules(inv)
		rules.Account = as
		return sandbox.Start(cmd, syscall.SIGTERM, rules)
	}
}

// explain adds the remedy to a start that the sandbox has kept from happening.
func (r *Runner) explain(err error) error {
	switch {
	case errors.Is(err, sandbox.ErrMissing):
		return fmt.Errorf("%w: start fio: %w", runner.ErrUnsupported, err)
	case errors.Is(err, sandbox.ErrUnreachable):
		return fmt.Errorf("%w: start fio as another user than root: %w (put the folder where every user may enter, or have the host's owner set bench.process.user to root)",
			runner.ErrUnsupported, err)
	default:
		return fmt.Errorf("start fio: %w", err)
	}
}

// What fio reads of a host besides what it measures: its libraries, and what
// the kernel says of disks, processors and memory.
var (
	libraries = []string{"/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/nix/store", "/gnu/store"}
	settings  = []string{"/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/localtime", "/etc/mtab"}
	kernel    = []string{"/proc", "/sys"}
	devices   = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}
)

// rules are what fio may do in an invocation.
func (r *Runner) rules(inv runner.Invocation) sandbox.Rules {
	s := sandbox.Rules{Required: r.opts.Sandbox == Required, Write: []string{inv.Dir}}
	s.Read = append(s.Read, libraries...)
	s.Read = append(s.Read, settings...)
	s.Read = append(s.Read, kernel...)
	for _, d := range devices {
		s.Devices = append(s.Devices, sandbox.Device{Path: d, Write: true})
	}
	for _, m := range inv.Mounts {
		if m.ReadOnly {
			s.Read = append(s.Read, m.Path)
		} else {
			s.Write = append(s.Write, m.Path)
		}
	}
	for _, d := range inv.Devices {
		s.Devices = append(s.Devices, sandbox.Device{Path: d.Path, Write: d.Write})
	}
	s.Execute = programs(r.binary)
	if l := inv.Leash; l != nil {
		s.Execute = append(s.Execute, programs(l.Program)...)
		s.Read = append(s.Read, filepath.Dir(l.Deadline))
	}
	if inv.Limits.Memlock > 0 {
		s.Execute = append(s.Execute, programs("/bin/sh")...)
	}
	return s
}

// programs are the files that the kernel executes for one: the program, and its
// loader. A script of the owner's may call whatever the system has.
func programs(path string) []string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	f, err := elf.Open(path)
	if err != nil {
		return append([]string{path}, libraries...)
	}
	defer func() { _ = f.Close() }()
	out := []string{path}
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		name := make([]byte, p.Filesz)
		if _, err := p.ReadAt(name, 0); err == nil {
			out = append(out, string(bytes.TrimRight(name, "\x00")))
		}
	}
	return out
}
