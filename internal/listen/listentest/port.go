package listentest

import (
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// Ports that a test may have to itself: below those that kernels give to connections
// (32768 and more on Linux), which another process could be given in between.
const (
	firstPort = 12_000
	lastPort  = 29_999
)

// Port returns a free TCP port of 127.0.0.1 for a server that is started later, or more
// than once. Until the test ends no other test of this machine gets it, in whatever
// process it runs.
func Port(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if !claim(t, port) {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue // something else listens there
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatal("no port is free")
	return 0
}

// Address is [Port] with its host.
func Address(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(Port(t)))
}

// claim locks a file in the name of the port until the test ends. The kernel gives it
// back when the process dies.
func claim(t testing.TB, port int) bool {
	t.Helper()
	name := filepath.Join(os.TempDir(), "fiord-test-port-"+strconv.Itoa(port))
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return false // another user's
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return false
	}
	if !named(f, name) {
		_ = f.Close()
		return false // removed by its owner before it could be locked
	}
	t.Cleanup(func() {
		_ = os.Remove(name)
		_ = f.Close()
	})
	return true
}

// named reports whether a file still has its name.
func named(f *os.File, name string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(name)
	return err == nil && os.SameFile(mine, there)
}
