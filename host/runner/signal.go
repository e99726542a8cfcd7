package runner

import (
	"strconv"
	"syscall"
)

// SignalName is the name of a signal as people write it: "SIGKILL". Signals
// that fio hardly dies of are given by number.
func SignalName(s syscall.Signal) string {
	switch s {
	case syscall.SIGINT:
		return "SIGINT"
	case syscall.SIGTERM:
		return "SIGTERM"
	case syscall.SIGKILL:
		return "SIGKILL"
	case syscall.SIGSEGV:
		return "SIGSEGV"
	case syscall.SIGABRT:
		return "SIGABRT"
	case syscall.SIGBUS:
		return "SIGBUS"
	case syscall.SIGFPE:
		return "SIGFPE"
	case syscall.SIGILL:
		return "SIGILL"
	case syscall.SIGSYS:
		return "SIGSYS"
	case syscall.SIGXFSZ:
		return "SIGXFSZ"
	case syscall.SIGPIPE:
		return "SIGPIPE"
	default:
		return "signal " + strconv.Itoa(int(s))
	}
}
