package sandbox

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fiord-bench/fiord/internal/child"
)

// ErrMissing: the kernel lacks a layer that the rules require.
var ErrMissing = errors.New("the kernel lacks what the sandbox is made of")

// ErrUnreachable: the program's account cannot reach a path that it was given,
// and this process may not bring it there.
var ErrUnreachable = errors.New("cannot be reached")

// Rules are what a program may do. Paths are absolute.
type Rules struct {
	// Required refuses to start where a layer is missing. Otherwise what the
	// kernel has is used.
	Required bool
	// Write are folders in which files may be made, changed and removed.
	Write []string
	// Read are folders and files that may be read.
	Read []string
	// Execute are programs that may be executed, and read.
	Execute []string
	// Devices are device nodes that may be opened.
	Devices []Device
	// Account is who the program runs as; nil for this process's own. Any other
	// needs root.
	Account *Account
}

// Device is a device node.
type Device struct {
	Path  string
	Write bool
}

// Account is a user with a group.
type Account struct{ UID, GID int }

// Start starts the program under the rules, with a signal for when this process
// ends. The program's working directory must be one that it may read.
func Start(cmd *exec.Cmd, onDeath syscall.Signal, r Rules) error {
	f := Probe()
	if r.Required {
		if err := f.need(); err != nil {
			return err
		}
	}
	if r.Account != nil {
		if cmd.SysProcAttr == nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{}
		}
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(r.Account.UID), Gid: uint32(r.Account.GID)} //nolint:gosec // ids of the system
	}
	return child.StartOn(cmd, onDeath, func() error { return r.apply(f) })
}

// apply confines the calling thread.
func (r Rules) apply(f Features) error {
	if r.Account != nil {
		if err := reach(r.paths(), *r.Account); err != nil {
			return err
		}
	}
	if err := dropCapabilities(); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	if f.Landlock > 0 {
		if err := r.landlock(); err != nil {
			return err
		}
	}
	if f.Seccomp {
		return filter()
	}
	return nil
}

// paths are all that the program was given by name.
func (r Rules) paths() []string {
	var out []string
	out = append(append(append(out, r.Write...), r.Read...), r.Execute...)
	for _, d := range r.Devices {
		out = append(out, d.Path)
	}
	return out
}
