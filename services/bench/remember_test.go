package bench

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/bench/facts"
)

func TestAChangeIsToldInEveryRunOfTheBenchThatMeetsIt(t *testing.T) {
	s := &Service{cfg: Config{StateDir: t.TempDir()}}
	at := func(bench, kernel string) []facts.Change {
		t.Helper()
		r := &run{service: s, inv: events.Invocation{RunRef: events.RunRef{Bench: bench, Name: "reads", Job: "r.fio"}}}
		changes, _, err := r.changed(facts.Environment{Taken: time.Now(), HostClass: kernel, Kernel: facts.Kernel{Release: kernel}})
		if err != nil {
			t.Fatal(err)
		}
		return changes
	}
	for i, step := range []struct {
		bench, kernel string
		told          bool
	}{
		{"b1", "6.1", false}, {"b1", "6.1", false}, // the first bench has nothing to be held against
		{"b2", "6.1", false},
		{"b3", "6.2", true}, {"b3", "6.2", true}, // all repeats, not the first alone
		{"b4", "6.2", false},
	} {
		got := at(step.bench, step.kernel)
		if (len(got) > 0) != step.told {
			t.Errorf("step %d: %v", i, got)
		}
		if step.told && !strings.Contains(environmentChanged(got, time.Unix(0, 0)).Evidence, "since 1970-01-01T00:00:00Z: host_class: 6.1 → 6.2; kernel.release: 6.1 → 6.2") {
			t.Errorf("step %d: %s", i, environmentChanged(got, time.Unix(0, 0)).Evidence)
		}
	}
}

func TestAnotherDriveOfTheSameKindIsAChange(t *testing.T) {
	at := func(serial string) facts.Environment {
		return facts.Environment{HostClass: "h", DeviceClass: "d", Target: &facts.Target{Disk: facts.Disk{Serial: serial}}}
	}
	if !same(at("1"), at("1")) || same(at("1"), at("2")) || same(at("1"), facts.Environment{HostClass: "h", DeviceClass: "d"}) {
		t.Error("drives are not told apart")
	}
}

func TestBenchesOfLongAgoAreForgotten(t *testing.T) {
	dir := t.TempDir()
	old, young := filepath.Join(dir, "old.json"), filepath.Join(dir, "young.json")
	for path, age := range map[string]time.Duration{old: 2 * memoryAge, young: memoryAge / 2} {
		at := time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	forget(dir, time.Now().Add(-memoryAge))
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 1 || left[0] != young {
		t.Errorf("%v, %v", left, err)
	}
}

func TestARunTellsWhatChangedOnItsHost(t *testing.T) {
	w := newWorld(t)
	cfg := w.config("host-1")
	w.start(cfg)
	first := w.request(bench{host: "host-1", jobs: []string{timedJob}})
	if d := ended[events.RunCompleted](t, w.end(first.Runs[0])); len(d.Integrity.Findings) > 0 {
		t.Errorf("%+v", d.Integrity)
	}
	// The host had another kernel when the first bench ran.
	files, err := filepath.Glob(filepath.Join(cfg.StateDir, memoryDir, "*.json"))
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
