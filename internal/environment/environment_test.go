package environment_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/internal/environment"
)

const before = `{"taken":"2026-01-01T00:00:00Z","host":"a","facts":{"memory_free":"1","system_load_1min":"03","cpus":"8","gone":"x"},
 "kernel":{"release":"6.1.0"},"target":{"queue":{"scheduler":"none"},"size":1000204886016,"health":{"celsius":30}},"nothing":null}`

const after = `{"taken":"2026-02-01T00:00:00Z","host":"a","facts":{"memory_free":"2","system_load_1min":"44","cpus":"8","new":"y"},
 "kernel":{"release":"6.2.0"},"target":{"queue":{"scheduler":"mq-deadline"},"size":1000204886017,"health":{"celsius":60}}}`

func TestDiffTellsWhatStays(t *testing.T) {
	got, err := environment.Diff([]byte(before), []byte(after))
	if err != nil {
		t.Fatal(err)
	}
	want := []environment.Change{
		{Name: "facts.gone", Before: "x"}, {Name: "facts.new", After: "y"},
		{Name: "kernel.release", Before: "6.1.0", After: "6.2.0"},
		{Name: "target.queue.scheduler", Before: "none", After: "mq-deadline"},
		{Name: "target.size", Before: "1000204886016", After: "1000204886017"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got[2].String() != "kernel.release: 6.1.0 → 6.2.0" {
		t.Errorf("%s", got[2])
	}
}

func TestWhatIsNoEnvironmentIsRefused(t *testing.T) {
	for _, raw := range []string{"", "[]", "7", "{", `{} {}`} {
		if got, err := environment.Diff([]byte("{}"), []byte(raw)); err == nil {
			t.Errorf("%q: %v", raw, got)
		}
	}
}

func FuzzDiff(f *testing.F) {
	f.Add([]byte(before), []byte(after))
	f.Add([]byte(`{"a":{"b":[1,{"c":null}]}}`), []byte(`{"a.b":1e400}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		forth, err := environment.Diff(a, b)
		if err != nil {
			return
		}
		back, err := environment.Diff(b, a)
		if err != nil || len(back) != len(forth) {
			t.Fatalf("%v one way, %v (%v) the other", forth, back, err)
		}
		if same, err := environment.Diff(a, a); err != nil || len(same) > 0 {
			t.Fatalf("differs from itself: %v %v", same, err)
		}
	})
}
