package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/bench/attempt"
)

func TestARunTellsWhatChangedOnItsHost(t *testing.T) {
	w := newWorld(t)
	cfg := w.config("host-1")
	w.start(cfg)
	first := w.request(bench{host: "host-1", jobs: []string{timedJob}})
	if d := ended[events.RunCompleted](t, w.end(first.Runs[0])); len(d.Integrity.Findings) > 0 {
		t.Errorf("%+v", d.Integrity)
	}
	// The host had another kernel when the first bench ran.
	files, err := filepath.Glob(filepath.Join(cfg.StateDir, attempt.MemoryDir, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	older := strings.NewReplacer(`"release":"`, `"release":"old-`, `"host_class":"`, `"host_class":"old-`).Replace(string(text))
	if err := os.WriteFile(files[0], []byte(older), 0o600); err != nil {
		t.Fatal(err)
	}
	second := w.request(bench{host: "host-1", jobs: []string{timedJob}})
	d := ended[events.RunCompleted](t, w.end(second.Runs[0]))
	if d.Integrity.State != events.IntegrityOK || len(d.Integrity.Findings) != 1 || d.Integrity.Findings[0].Check != "environment_changed" ||
		!strings.Contains(d.Integrity.Findings[0].Evidence, "kernel.release: old-") {
		t.Errorf("%+v", d.Integrity)
	}
}
