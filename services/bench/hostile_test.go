package bench

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/bench/docker"
)

// What a job of an attacker's would overwrite, in a volume that is a folder of
// the host, and what it would delete in a volume of another application.
const (
	overwrite = "[x]\nfilename=file-of-root\nrw=write\nbs=64\nsize=64\nbuffer_pattern=\"overwritten by a job                                           \"\nioengine=psync\n"
	remove    = "[x]\nfilename=file-of-another-application\nrw=write\nbs=4k\nsize=4k\nunlink=1\n"
)

// engineDo runs the engine's command.
func engineDo(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// engineVolume makes a volume that is not fiord's, which is removed with the test.
func engineVolume(t *testing.T, name string, args ...string) {
	t.Helper()
	engineDo(t, append(append([]string{"volume", "create"}, args...), name)...)
	removeAfter(t, name)
}

func removeAfter(t *testing.T, name string) {
	t.Helper()
	t.Cleanup(func() { _ = exec.Command("docker", "volume", "rm", "--force", name).Run() })
}

// hostileHost is a worker with a real engine, in a world with a folder that
// belongs to its owner alone and holds a file of his.
func hostileHost(t *testing.T, change func(*Config)) (w *world, outside string) {
	t.Helper()
	w = newWorld(t)
	cfg := w.config("hostile-host")
	cfg.Runner, cfg.Docker.Image = "docker", testImage()
	if change != nil {
		change(&cfg)
	}
	w.runnerOf(cfg) // skips without an engine
	w.start(cfg)
	outside = t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "file-of-root"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	return w, outside
}

// refusal asks for a bench with a volume and returns why its run is rejected.
func (w *world) refusal(text, name, driver string, options map[string]string) string {
	w.t.Helper()
	list := w.request(bench{host: "hostile-host", jobs: []string{text}, change: func(l *events.RunList) {
		l.Volume, l.Driver, l.Options = name, driver, options
	}})
	rejected := ended[events.RunRejected](w.t, w.end(list.Runs[0]))
	var said []string
	for _, p := range rejected.Problems {
		if p.Rule != "volume" {
			w.t.Errorf("problem %+v is of another rule", p)
		}
		said = append(said, p.Option+": "+p.Message)
	}
	return strings.Join(said, "\n")
}

func TestAPushMountsNoFolderOfTheHost(t *testing.T) {
	w, outside := hostileHost(t, nil)
	link := filepath.Join(w.data, "link")
	if err := errors.Join(os.MkdirAll(w.data, 0o755), os.Symlink(outside, link)); err != nil { // the worker may still be starting
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		volume, driver string
		options        map[string]string
		says           string
	}{
		"a bind":                  {"fiord-test-innocent", "local", map[string]string{"type": "none", "o": "bind", "device": outside}, "device=" + outside},
		"a bind without a driver": {"fiord-test-innocent", "", map[string]string{"type": "none", "o": "bind", "device": outside}, "o=bind"},
		"recursively, shared":     {"fiord-test-innocent", "local", map[string]string{"type": "none", "o": "rbind,rshared", "device": outside}, "o=rshared"},
		"a bind that says tmpfs":  {"fiord-test-innocent", "local", map[string]string{"type": "tmpfs", "o": "bind", "device": outside}, "o=bind"},
		"by a link":               {"fiord-test-innocent", "local", map[string]string{"type": "none", "o": "bind", "device": link}, "device="},
		"relative to the root":    {"fiord-test-innocent", "local", map[string]string{"type": "none", "o": "bind", "device": strings.TrimPrefix(outside, "/")}, "device="},
		"an overlay":              {"fiord-test-innocent", "local", map[string]string{"type": "overlay", "device": "overlay", "o": "lowerdir=" + outside}, "o=lowerdir="},
		"a disk":                  {"fiord-test-innocent", "local", map[string]string{"type": "ext4", "device": "/dev/vda"}, "device=/dev/vda"},
		"of the kernel":           {"fiord-test-innocent", "local", map[string]string{"type": "proc", "device": "proc"}, "file system of the kernel"},
		"memory":                  {"fiord-test-innocent", "local", map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "size=100g"}, "type=tmpfs"},
		"another server":          {"fiord-test-innocent", "local", map[string]string{"type": "nfs", "device": ":/", "o": "addr=127.0.0.1"}, "type=nfs"},
		"another driver":          {"fiord-test-innocent", "local-persist", map[string]string{"mountpoint": outside}, `"local-persist" is not allowed on this host`},
		"a name that is a path":   {outside, "", nil, "is a path"},
		"a name that leads up":    {"../x", "", nil, "leads out"},
		"a name with a target":    {outside + ":/data", "", nil, "is a path"},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			if said := w.refusal(overwrite, tt.volume, tt.driver, tt.options); !strings.Contains(said, tt.says) {
				t.Errorf("refused with %q, want %q", said, tt.says)
			}
		})
	}
	if b, err := os.ReadFile(filepath.Join(outside, "file-of-root")); err != nil || string(b) != "mine" {
		t.Errorf("the owner's file now holds %q, %v", b, err)
	}
	if out := engineDo(t, "volume", "ls", "--quiet", "--filter", "name=fiord-test-innocent"); out != "" {
		t.Errorf("volumes were made: %s", out)
	}
}

func TestAVolumeOfAnotherApplicationIsLeftAlone(t *testing.T) {
	w, outside := hostileHost(t, func(c *Config) { c.Volumes.Existing = []string{"fiord-test-lent-*"} })
	const theirs = "fiord-test-of-another-application"
	engineVolume(t, theirs)
	content := filepath.Join(engineDo(t, "volume", "inspect", "--format", "{{.Mountpoint}}", theirs), "file-of-another-application")
	if err := os.WriteFile(content, []byte("theirs"), 0o666); err != nil {
		t.Skipf("needs root to look into the engine's folder: %v", err)
	}
	for name, tt := range map[string]struct{ volume, make, says string }{
		"unlabelled":       {theirs, "", "may be another application's"},
		"of another fiord": {"fiord-test-of-another-fiord", "--label=dev.fiord.host=other-12345678", "may be another application's"},
		"empty label":      {"fiord-test-empty-label", "--label=dev.fiord.host=", "may be another application's"},
		"lent, but a bind": {"fiord-test-lent-bind", "--opt=type=none,o=bind", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			switch {
			case name == "lent, but a bind":
				engineVolume(t, tt.volume, "--opt", "type=none", "--opt", "o=bind", "--opt", "device="+outside)
				tt.says = "o=bind of driver local is not allowed"
			case tt.make != "":
				engineVolume(t, tt.volume, tt.make)
			}
			if said := w.refusal(remove, tt.volume, "", nil); !strings.Contains(said, tt.says) {
				t.Errorf("refused with %q, want %q", said, tt.says)
			}
		})
	}
	if b, err := os.ReadFile(content); err != nil || string(b) != "theirs" {
		t.Errorf("their file now holds %q, %v", b, err)
	}
	if b, err := os.ReadFile(filepath.Join(outside, "file-of-root")); err != nil || string(b) != "mine" {
		t.Errorf("the owner's file now holds %q, %v", b, err)
	}
}

// A volume that an earlier fiord made, when more was allowed, has the label of
// this one.
func TestAVolumeOfOursIsJudgedAsItIs(t *testing.T) {
	var label string
	w, outside := hostileHost(t, func(c *Config) { label = docker.LabelHost + "=" + own(t, *c) })
	const name = "fiord-test-made-earlier"
	engineVolume(t, name, "--label", label, "--opt", "type=none", "--opt", "o=bind", "--opt", "device="+outside)
	if said := w.refusal(overwrite, name, "", nil); !strings.Contains(said, `exists with device="`+outside+`"`) {
		t.Errorf("refused with %q", said)
	}
	if b, err := os.ReadFile(filepath.Join(outside, "file-of-root")); err != nil || string(b) != "mine" {
		t.Errorf("the owner's file now holds %q, %v", b, err)
	}
}

func TestWhatTheOwnerAllowsIsMeasured(t *testing.T) {
	w, _ := hostileHost(t, func(c *Config) {
		c.Volumes.Existing = []string{"fiord-test-lent"}
		c.Volumes.Profiles = map[string]Profile{
			"small": {Options: map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "size=8m"}},
			"fresh": {Options: map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "size=8m"}, Fresh: true},
		}
	})
	engineVolume(t, "fiord-test-lent")
	removeAfter(t, "fiord-test-own")
	removeAfter(t, "fiord-test-profile")
	for _, volume := range []string{"fiord-test-own", "fiord-test-own", "fiord-test-lent", "fiord-test-profile@small", "fiord-test-profile@small", "fiord-test-of-a-run@fresh"} {
		list := w.request(bench{host: "hostile-host", jobs: []string{"[a]\nrw=write\nsize=64k\n"}, change: func(l *events.RunList) { l.Volume = volume }})
		done := ended[events.RunCompleted](t, w.end(list.Runs[0]))
		if done.Summary.Write == nil || done.Summary.Write.TotalBytes != 64<<10 {
			t.Errorf("%s: %+v", volume, done.Summary)
		}
	}
}

// What a job finds in a volume may be links of whoever filled it: they lead
// into the container, where there is nothing of the host.
func TestLinksInAVolumeLeadIntoTheContainer(t *testing.T) {
	w, outside := hostileHost(t, func(c *Config) { c.Volumes.Existing = []string{"fiord-test-links"} })
	engineVolume(t, "fiord-test-links")
	in := engineDo(t, "volume", "inspect", "--format", "{{.Mountpoint}}", "fiord-test-links")
	for name, to := range map[string]string{"file-of-root": filepath.Join(outside, "file-of-root"), "up": "../../../../../../" + outside + "/file-of-root", "shadow": "/etc/shadow"} {
		if err := os.Symlink(to, filepath.Join(in, name)); err != nil {
			t.Skipf("needs root to look into the engine's folder: %v", err)
		}
	}
	before, err := os.ReadFile("/etc/shadow")
	if err != nil {
		t.Skip(err)
	}
	for _, name := range []string{"file-of-root", "up", "shadow"} {
		list := w.request(bench{host: "hostile-host", jobs: []string{strings.Replace(overwrite, "file-of-root", name, 1)}, change: func(l *events.RunList) { l.Volume = "fiord-test-links" }})
		w.end(list.Runs[0]) // failed, or in memory of the container's own
	}
	if b, err := os.ReadFile(filepath.Join(outside, "file-of-root")); err != nil || string(b) != "mine" {
		t.Errorf("the owner's file now holds %q, %v", b, err)
	}
	if after, err := os.ReadFile("/etc/shadow"); err != nil || string(after) != string(before) {
		t.Errorf("/etc/shadow has changed, %v", err)
	}
}
