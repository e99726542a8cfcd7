package docker

import (
	"context"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/fiord-bench/fiord/host/runner/runnertest"
	"github.com/fiord-bench/fiord/internal/listen/listentest"
	"github.com/fiord-bench/fiord/services/bench/hook"
)

// TestTheExampleAdapterGivesFioANetwork runs deploy/adapters/nethost as its
// operator would, between the real worker's client and the real engine.
func TestTheExampleAdapterGivesFioANetwork(t *testing.T) {
	host := runnertest.Host(t)
	plain := newEngine(t, Config{Host: host}) // skips without an engine
	const subnet, network = "10.213.77.0/24", "fiord-10-213-77-0-24"
	address := startNethost(t, subnet)
	t.Cleanup(func() { _ = plain.api.NetworkRemove(context.Background(), network) })

	e := newEngine(t, Config{Host: host, Hooks: hook.Chain{{URL: "http://" + address + "/v1/adapter"}}})
	inv := runnertest.Job(t, "nethost", longJob)
	p := runnertest.Start(t, e, inv)
	if n := holders(t, plain, host); n != 1 {
		t.Errorf("%d network holders while fio runs", n)
	}
	proc := inside(t, p)
	if saw := see(t, proc, "net/dev") + see(t, proc, "net/fib_trie"); !strings.Contains(saw, "eth0") || !strings.Contains(saw, "10.213.77.") {
		t.Errorf("fio has no network:\n%s", saw)
	}
	end(t, p)
	for patience := time.Now().Add(2 * time.Minute); holders(t, plain, host) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(patience) {
			t.Fatal("the network holder outlives fio")
		}
	}
}

func holders(t *testing.T, e *Engine, host string) (n int) {
	t.Helper()
	list, err := e.api.ContainerList(t.Context(), container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.Labels["dev.fiord.adapter"] == "nethost" && c.Labels[LabelHost] == host {
			n++
		}
	}
	return n
}

// startNethost builds and starts the adapter and returns its address.
func startNethost(t *testing.T, subnet string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "nethost")
	build := exec.Command("go", "build", "-C", "../../../deploy/adapters", "-o", binary, "./nethost")
	build.Env = append(build.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build adapter: %v\n%s", err, out)
	}
	address := listentest.Address(t)
	cmd := exec.Command(binary, "-listen", address, "-cidr", subnet)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get("http://" + address + "/v1/ping")
		if err == nil {
			text, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if string(text) == "pong" {
				return address
			}
		}
		if time.Now().After(end) {
			t.Fatalf("adapter does not answer: %v", err)
		}
	}
}
