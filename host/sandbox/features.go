package sandbox

import (
	"fmt"
	"os"
	"strings"

	"github.com/elastic/go-seccomp-bpf"
	landlock "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// Names of the layers, as Features and messages have them.
const (
	LayerLandlock   = "landlock"
	LayerSeccomp    = "seccomp"
	LayerPrivileges = "no_new_privs"
	LayerCaps       = "no capabilities"
	LayerAccount    = "own account"
)

// Features are what the kernel offers.
type Features struct {
	Landlock int  // version of its interface; 0 where it has none or is switched off
	Seccomp  bool // filters of system calls
	Root     bool // this process can give a program another account
}

// Probe asks the kernel. It changes nothing.
func Probe() Features {
	f := Features{Seccomp: seccomp.Supported(), Root: os.Geteuid() == 0}
	if version, err := landlock.LandlockGetABIVersion(); err == nil {
		f.Landlock = version
	}
	return f
}

// Layers are what a program started here is confined by.
func (f Features) Layers() []string {
	out := []string{LayerPrivileges, LayerCaps}
	if f.Root {
		out = append(out, LayerAccount)
	}
	if f.Landlock > 0 {
		out = append(out, fmt.Sprintf("%s %d", LayerLandlock, f.Landlock))
	}
	if f.Seccomp {
		out = append(out, LayerSeccomp)
	}
	return out
}

// Missing are the layers that this kernel cannot give. An account of its own is
// not among them: where this process is not root, it has none to give.
func (f Features) Missing() []string {
	var out []string
	if f.Landlock == 0 {
		out = append(out, LayerLandlock)
	}
	if !f.Seccomp {
		out = append(out, LayerSeccomp)
	}
	return out
}

// Gaps are what an older Landlock leaves open, in words.
func (f Features) Gaps() []string {
	var out []string
	for _, g := range []struct {
		since int
		open  string
	}{
		{3, "truncating files"},
		{5, "requests to device drivers"},
		{6, "signals to processes of the same user"},
	} {
		if f.Landlock > 0 && f.Landlock < g.since {
			out = append(out, fmt.Sprintf("%s (Landlock %d)", g.open, g.since))
		}
	}
	return out
}

// need refuses what is missing.
func (f Features) need() error {
	if missing := f.Missing(); len(missing) > 0 {
		return fmt.Errorf("%w: %s", ErrMissing, strings.Join(missing, ", "))
	}
	return nil
}
