package sandbox

import (
	"fmt"
	"slices"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	profile "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// beyond are what Docker's profile leaves out and fio's jobs are about: io_uring,
// and memory policies for jobs that name a NUMA node.
var beyond = []string{"io_uring_enter", "io_uring_register", "io_uring_setup", "get_mempolicy", "mbind", "set_mempolicy"}

// without are what a container may do because it has a network and processes of
// its own, which a plain process has not.
var without = []string{
	"socket", "connect", "bind", "listen", "accept", "accept4",
	"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp",
	"truncate", "truncate64", // of any path, where Landlock is too old to restrict it; fio truncates what it has open
}

// filter restricts the calling thread, and what it starts, to Docker's system
// calls. A program of another architecture (32 bit code) may make none.
func filter() error {
	policy, err := systemCalls()
	if err != nil {
		return err
	}
	if err := seccomp.LoadFilter(seccomp.Filter{Policy: policy}); err != nil {
		return fmt.Errorf("filter system calls: %w", err)
	}
	return nil
}

// systemCalls translates Docker's default profile.
func systemCalls() (seccomp.Policy, error) {
	known, err := arch.GetInfo("")
	if err != nil {
		return seccomp.Policy{}, fmt.Errorf("filter system calls: %w", err)
	}
	docker, err := profile.GetDefaultProfile(&specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{}}})
	if err != nil {
		return seccomp.Policy{}, fmt.Errorf("read Docker's seccomp profile: %w", err)
	}
	p := &translation{known: known.SyscallNames}
	for _, s := range docker.Syscalls {
		if err := p.add(s); err != nil {
			return seccomp.Policy{}, err
		}
	}
	for _, name := range beyond {
		p.allow(name)
	}
	return seccomp.Policy{DefaultAction: seccomp.ActionErrno, Syscalls: []seccomp.SyscallGroup{
		// glibc takes "no such call" as a reason to use clone, whose flags can
		// be looked at; clone3's are behind a pointer.
		{Names: []string{"clone3"}, Action: seccomp.ActionErrno&^0xffff | seccomp.Action(unix.ENOSYS)},
		{Names: p.plain, NamesWithCondtions: p.conditional, Action: seccomp.ActionAllow},
	}}, nil
}

type translation struct {
	known       map[string]int
	plain       []string
	conditional []seccomp.NameWithConditions
}

func (t *translation) allow(name string) {
	if _, ok := t.known[name]; ok && !slices.Contains(t.plain, name) && !slices.Contains(without, name) {
		t.plain = append(t.plain, name)
	}
}

func (t *translation) add(s specs.LinuxSyscall) error {
	if s.Action != specs.ActAllow {
		return nil // refused anyway
	}
	for _, name := range s.Names {
		if len(s.Args) == 0 {
			t.allow(name)
			continue
		}
		if _, ok := t.known[name]; !ok || slices.Contains(without, name) {
			continue
		}
		var all seccomp.ArgumentConditions
		for _, a := range s.Args {
			c, err := condition(a)
			if err != nil {
				return fmt.Errorf("filter system call %s: %w", name, err)
			}
			all = append(all, c)
		}
		t.conditional = append(t.conditional, seccomp.NameWithConditions{Name: name, Conditions: all})
	}
	return nil
}

func condition(a specs.LinuxSeccompArg) (seccomp.Condition, error) {
	c := seccomp.Condition{Argument: uint32(a.Index), Value: a.Value}
	switch {
	case a.Op == specs.OpEqualTo:
		c.Operation = seccomp.Equal
	case a.Op == specs.OpMaskedEqual && a.ValueTwo == 0:
		c.Operation = seccomp.BitsNotSet
	default:
		return c, fmt.Errorf("condition %s of Docker's profile is not known here", a.Op)
	}
	return c, nil
}
