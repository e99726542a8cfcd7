package bench

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/services/bench/outcome"
)

func TestARunSaysWhatItsFioWasConfinedBy(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
	list := w.request(bench{host: "host-1", jobs: []string{quickJob}})
	done := ended[events.RunCompleted](t, w.end(list.Runs[0]))
	var env facts.Environment
	if err := json.Unmarshal([]byte(w.read(done.Artifacts, outcome.EnvironmentFile)), &env); err != nil {
		t.Fatal(err)
	}
	layers := strings.Join(env.Runs.Sandbox.Whole(), ", ")
	if !strings.Contains(layers, "landlock") || !strings.Contains(layers, "seccomp") || env.Facts["sandbox"] != layers {
		t.Errorf("%+v, facts %q", env.Runs.Sandbox, env.Facts["sandbox"])
	}
}

// A host whose engine is away at the start does not measure without its walls,
// unless its owner allowed that.
func TestAutoKeepsToContainersUnlessTheOwnerAllowsProcesses(t *testing.T) {
	w := newWorld(t)
	cfg := w.config("strict")
	cfg.Runner, cfg.Docker.Address = runnerAuto, "unix://"+filepath.Join(t.TempDir(), "no-engine.sock")
	w.start(cfg)
	waiting := w.request(bench{host: "strict", jobs: []string{timedJob}})

	cfg = w.config("allowed")
	cfg.Runner, cfg.Docker.Address, cfg.Process.Fallback = runnerAuto, "unix://"+filepath.Join(t.TempDir(), "no-engine.sock"), true
	w.start(cfg)
	list := w.request(bench{host: "allowed", jobs: []string{timedJob}})
	for _, e := range w.until("end of the other's run", func(e events.Event) bool { return e.Type.Ends() == "run" && e.Subject == list.Runs[0].Run }) {
		if e.Subject == waiting.Runs[0].Run {
			t.Errorf("%s of the run that waits for an engine", e.Type)
		}
		if e.Subject == list.Runs[0].Run && e.Type.Ends() == "run" {
			ended[events.RunCompleted](t, e)
		}
	}
}

// Whoever starts a worker that cannot keep its walls up learns how to go on.
func TestTheOwnersWordIsCheckedAtTheStart(t *testing.T) {
	for says, change := range map[string]func(*Config){
		"process.sandbox": func(c *Config) { c.Process.Sandbox = "maybe" },
		"process.user":    func(c *Config) { c.Process.User = "no such user" },
	} {
		w := newWorld(t)
		cfg := w.config("host-1")
		change(&cfg)
		_, err := cfg.Process.options()
		if valid := cfg.Validate(); valid != nil {
			err = valid
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
