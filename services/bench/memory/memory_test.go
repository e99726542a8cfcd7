package memory

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/host/facts"
)

func TestAChangeIsToldInEveryRunOfTheBenchThatMeetsIt(t *testing.T) {
	dir := Dir(filepath.Join(t.TempDir(), "made by the first"))
	at := func(bench, kernel string) *Change {
		t.Helper()
		change, err := dir.Changed(bench, []string{"reads", "r.fio"}, facts.Environment{Taken: time.Now(), HostClass: kernel, Kernel: facts.Kernel{Release: kernel}})
		if err != nil {
			t.Fatal(err)
		}
		return change
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
		if (got != nil) != step.told {
			t.Errorf("step %d: %v", i, got)
		}
		if step.told && !strings.HasSuffix(got.Finding().Evidence, "Z: host_class: 6.1 → 6.2; kernel.release: 6.1 → 6.2") {
			t.Errorf("step %d: %s", i, got.Finding().Evidence)
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
	for path, age := range map[string]time.Duration{old: 2 * kept, young: kept / 2} {
		at := time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	forget(dir, time.Now().Add(-kept))
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 1 || left[0] != young {
		t.Errorf("%v, %v", left, err)
	}
}

func TestADamagedFileIsBegunAnew(t *testing.T) {
	dir := Dir(t.TempDir())
	env := facts.Environment{HostClass: "h"}
	if _, err := dir.Changed("b1", nil, env); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(string(dir), "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte("{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	env.HostClass = "other"
	if change, err := dir.Changed("b2", nil, env); change != nil || err != nil {
		t.Errorf("%+v, %v", change, err)
	}
	env.HostClass = "third"
	if change, err := dir.Changed("b3", nil, env); change == nil || err != nil {
		t.Errorf("%+v, %v", change, err)
	}
}

func TestALongFindingIsCut(t *testing.T) {
	var c Change
	for range 100 {
		c.Values = append(c.Values, facts.Change{Name: "target.queue.scheduler", Before: "none", After: "ünder"})
	}
	if text := c.Finding().Evidence; len(text) > maxEvidence+3 || !strings.HasSuffix(text, "…") {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}
