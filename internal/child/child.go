// Package child starts programs that must not outlive this process, however it
// ends.
package child

import (
	"errors"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Start is cmd.Start, and has the kernel send the program a signal when this
// process ends.
//
// To the kernel the parent is the thread that started the program
// (prctl(2), PR_SET_PDEATHSIG), and Go ends threads that a goroutine has kept
// to itself, whatever else ran on them before. So the thread is kept from
// everything else until the program has ended.
func Start(cmd *exec.Cmd, signal syscall.Signal) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = signal
	begun := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		begun <- err
		if err == nil {
			outlast(cmd.Process.Pid)
		}
	}()
	return <-begun
}

// outlast returns when the program has ended. It leaves its exit status to be
// waited for, and does not mind if that has happened.
func outlast(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
