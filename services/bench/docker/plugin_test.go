package docker

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/volume"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/host/runner/runnertest"
)

// plugin is a volume driver on a socket, as the engine's plugin protocol has
// it: volumes are folders of the test.
type plugin struct {
	dir   string
	scope string

	mu      sync.Mutex
	options map[string]map[string]string // by volume
	calls   []string
}

type pluginRequest struct {
	Name string
	Opts map[string]string
}

// startPlugin listens in folder, which an engine takes for its folder of
// plugins. Scope is "local", or "global" for volumes that several hosts see.
func startPlugin(t *testing.T, folder, name, scope string) *plugin {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(folder, name+".sock"))
	if err != nil {
		t.Fatal(err)
	}
	p := &plugin{dir: t.TempDir(), scope: scope, options: map[string]map[string]string{}}
	s := &http.Server{Handler: p}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return p
}

// ServeHTTP implements http.Handler.
func (p *plugin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var req pluginRequest
	_ = json.NewDecoder(r.Body).Decode(&req) // some calls have no body
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, r.URL.Path)
	out := map[string]any{"Err": ""}
	path := filepath.Join(p.dir, req.Name)
	switch r.URL.Path {
	case "/Plugin.Activate":
		out["Implements"] = []string{"VolumeDriver"}
	case "/VolumeDriver.Capabilities":
		out["Capabilities"] = map[string]string{"Scope": p.scope}
	case "/VolumeDriver.Create":
		p.options[req.Name] = req.Opts
		_ = os.MkdirAll(path, 0o755)
	case "/VolumeDriver.Mount", "/VolumeDriver.Path":
		out["Mountpoint"] = path
	case "/VolumeDriver.Get":
		if _, known := p.options[req.Name]; known {
			out["Volume"] = map[string]string{"Name": req.Name, "Mountpoint": path}
		} else {
			out["Err"] = "no such volume"
		}
	case "/VolumeDriver.List":
		out["Volumes"] = []any{}
	case "/VolumeDriver.Remove":
		delete(p.options, req.Name)
	}
	w.Header().Set("Content-Type", "application/vnd.docker.plugins.v1.1+json")
	_ = json.NewEncoder(w).Encode(out)
}

func TestAVolumePluginGetsNameProfileAndOptions(t *testing.T) {
	const driver = "fiordtest"
	plugins := t.TempDir()
	p := startPlugin(t, plugins, driver, "local")
	e := privateEngine(t, plugins)
	inv := runnertest.Job(t, "plugin", "[a]\nrw=write\nsize=64k\nfilename=/data/x\n")
	inv.Volumes = []runner.Volume{{Name: "data@gold", Driver: driver, Options: map[string]string{"size": "10G"}, Target: "/data"}}
	t.Cleanup(func() { _ = e.api.VolumeRemove(context.Background(), "data@gold", true) })
	if exit := runnertest.Wait(t.Context(), t, runnertest.Start(t, e, inv)); !exit.OK() {
		t.Fatalf("exit %+v: %s", exit, runnertest.Read(t, inv, runner.StderrFile))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if got := p.options["data@gold"]; got["size"] != "10G" {
		t.Errorf("the driver was asked for %v by %v", p.options, p.calls)
	}
	if st, err := os.Stat(filepath.Join(p.dir, "data@gold", "x")); err != nil || st.Size() != 64<<10 {
		t.Errorf("measured file: %v, %v", st, err)
	}
}

// A volume of a snapshot: its driver makes it for one start of fio.
func TestAFreshVolumeLastsAsLongAsItsContainer(t *testing.T) {
	const driver, name = "fiordfresh", "data-of-a-run"
	plugins := t.TempDir()
	p := startPlugin(t, plugins, driver, "global")
	e := privateEngine(t, plugins)
	known := func() (options map[string]string, ok bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		options, ok = p.options[name]
		return options, ok
	}
	for attempt := range 2 {
		inv := runnertest.Job(t, "fresh", "[a]\nrw=write\nsize=64k\nfilename=/data/x\n")
		inv.Key.Attempt = attempt + 1
		inv.Volumes = []runner.Volume{{Name: name, Driver: driver, Options: map[string]string{"snapshot": "nightly"}, Target: "/data", Fresh: true}}
		if shared, err := e.SharedVolumes(t.Context(), inv.Volumes); err != nil || len(shared) > 0 {
			t.Errorf("shared %v, %v", shared, err)
		}
		if _, err := e.api.VolumeCreate(t.Context(), volume.CreateOptions{Name: name, Driver: driver, Labels: map[string]string{LabelHost: e.cfg.Host}}); err != nil { // of a worker that died
			t.Fatal(err)
		}
		fio := runnertest.Start(t, e, inv)
		if options, _ := known(); options["snapshot"] != "nightly" {
			t.Errorf("attempt %d: made with %v", attempt+1, options)
		}
		if attempt == 1 { // the next worker's
			left, err := e.Leftovers(t.Context())
			if err != nil || len(left) != 1 {
				t.Fatalf("left %v, %v", left, err)
			}
			fio = left[0]
		}
		if exit := runnertest.Wait(t.Context(), t, fio); !exit.OK() {
			t.Fatalf("exit %+v: %s", exit, runnertest.Read(t, inv, runner.StderrFile))
		}
		if options, there := known(); there {
			t.Errorf("attempt %d: the volume stays, with %v", attempt+1, options)
		}
	}
}

func TestVolumesOfAGlobalDriverAreShared(t *testing.T) {
	plugins := t.TempDir()
	startPlugin(t, plugins, "fiordglobal", "global")
	startPlugin(t, plugins, "fiordlocal", "local")
	e := privateEngine(t, plugins)
	got, err := e.SharedVolumes(t.Context(), []runner.Volume{
		{Name: "everywhere", Driver: "fiordglobal"}, {Name: "here", Driver: "fiordlocal"}, {Name: "plain", Driver: "local"},
	})
	if err != nil || !slices.Equal(got, []string{"everywhere"}) {
		t.Fatalf("%v, %v", got, err)
	}
}
