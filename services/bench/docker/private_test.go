package docker

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/host/runner/runnertest"
	"github.com/fiord-bench/fiord/internal/child"
)

// privateEngine starts an engine of the test's own, with the image and with
// plugins for its folder of volume drivers. An engine keeps every driver it has
// once met, and asks it again at each look for a volume, waiting many seconds
// when it is gone: the machine's own engine must never meet a test's.
func privateEngine(t *testing.T, plugins string) *Engine {
	t.Helper()
	shared := newEngine(t, Config{})
	for _, program := range []string{"dockerd", "unshare", "mount"} {
		if _, err := exec.LookPath(program); err != nil || os.Geteuid() != 0 {
			if os.Getenv("CI") != "" {
				t.Fatalf("an engine of the test's own needs root and %s: %v", program, err)
			}
			t.Skipf("an engine of the test's own needs root and %s: %v", program, err)
		}
	}
	address := startEngine(t, plugins)
	e, err := New(Config{Address: address, Image: testImage(), Host: runnertest.Host(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	image, err := shared.api.ImageSave(t.Context(), []string{testImage()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = image.Close() }()
	loaded, err := e.api.ImageLoad(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = loaded.Body.Close() }()
	if err := drainPull(loaded.Body); err != nil {
		t.Fatal(err)
	}
	return e
}

// startEngine runs dockerd until the test ends. It sees plugins, and only
// those, where the plugin protocol looks for sockets; that place is not a
// setting, so the engine gets a mount of its own there, and a network: an engine
// without a bridge removes the docker0 that it finds.
func startEngine(t *testing.T, plugins string) (address string) {
	t.Helper()
	dir := t.TempDir()
	socket := filepath.Join(dir, "engine.sock")
	var said bytes.Buffer
	cmd := exec.Command("unshare", "--mount", "--net", "sh", "-c",
		`mkdir -p /run/docker/plugins && mount --bind "$0" /run/docker/plugins && exec dockerd "$@"`, plugins,
		"--host=unix://"+socket, "--data-root="+filepath.Join(dir, "data"), "--exec-root="+filepath.Join(dir, "exec"),
		"--pidfile="+filepath.Join(dir, "pid"), "--bridge=none", "--iptables=false", "--ip6tables=false")
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := child.Start(cmd, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var failure error
	ended := make(chan struct{})
	go func() { failure = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it ends its containers and its containerd
		select {
		case <-ended:
		case <-time.After(2 * time.Minute):
			_ = cmd.Process.Kill()
			t.Error("the test's engine does not end")
		}
		unmount(t, dir)
	})
	for limit := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			return "unix://" + socket
		}
		select {
		case <-ended:
			t.Fatalf("the test's engine ended with %v:\n%s", failure, tail(said.String()))
		default:
		}
		if time.Now().After(limit) {
			t.Fatal("the test's engine does not come up")
		}
	}
}

// unmount gives back what a dead engine may have left mounted, so that the
// test's folder can be removed.
func unmount(t *testing.T, dir string) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], dir+"/") {
			if err := syscall.Unmount(f[1], syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
				t.Errorf("unmount %s: %v", f[1], err)
			}
		}
	}
}

func tail(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
