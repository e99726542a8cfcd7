package docker

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// ioURing is what Docker took out of its default profile for good reasons and
// what many fio jobs are about.
var ioURing = []string{"io_uring_enter", "io_uring_register", "io_uring_setup"}

// seccompProfile is Docker's default profile with io_uring allowed, as the
// JSON an engine takes. The engine drops names its kernel does not know.
func seccompProfile() (string, error) {
	p := seccomp.DefaultProfile()
	p.Syscalls = append(p.Syscalls, &seccomp.Syscall{
		LinuxSyscall: specs.LinuxSyscall{Names: slices.Clone(ioURing), Action: specs.ActAllow},
	})
	b, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("encode seccomp profile: %w", err)
	}
	return string(b), nil
}
