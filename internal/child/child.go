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
	return start(cmd, signal, nil)
}

// StartOn is Start on a thread that prepare has changed first: what a thread
// restricts itself to, its programs are restricted to. The thread runs nothing
// else and ends with the program; one that was changed is not used again.
func StartOn(cmd *exec.Cmd, signal syscall.Signal, prepare func() error) error {
	return start(cmd, signal, prepare)
}

func start(cmd *exec.Cmd, signal syscall.Signal, prepare func() error) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = signal
	begun := make(chan error)
	go func() {
		runtime.LockOSThread()
		if prepare == nil {
			defer runtime.UnlockOSThread() // else the runtime ends the thread
		} else if err := prepare(); err != nil {
			begun <- err
			return
		}
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
