package fleet_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/cmd/fiord/fleet"
	"github.com/fiord-bench/fiord/services/plot/archive"
	"github.com/fiord-bench/fiord/services/plot/model"
)

var end = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// keys lists what a store holds, with the hashes of the contents.
func keys(t *testing.T, store *artifacts.Store) map[string]string {
	t.Helper()
	out := map[string]string{}
	for info, err := range store.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		out[info.Key] = info.ETag
	}
	return out
}

func TestTheSameFleetIsMadeTwice(t *testing.T) {
	opt := fleet.Options{End: end, Newest: 4}
	first, second := artifactstest.New(t), artifactstest.New(t)
	for _, store := range []*artifacts.Store{first, second, first} {
		if err := fleet.Write(t.Context(), store, opt); err != nil {
			t.Fatal(err)
		}
	}
	a, b := keys(t, first), keys(t, second)
	if !maps.Equal(a, b) {
		t.Errorf("two fleets of one seed differ: %d and %d objects", len(a), len(b))
	}
	benches := map[string]bool{}
	kept := archive.New(first, model.New(1))
	for key := range a {
		if id, ok := strings.CutPrefix(key, artifacts.PrefixArchive); ok {
			if id, _, _ = strings.Cut(id, "/"); id != "runs" && id != "history" {
				benches[id] = true
			}
		}
	}
	if len(benches) != 4 {
		t.Fatalf("%d benches were archived, want 4", len(benches))
	}
	drawn := 0
	for _, id := range slices.Sorted(maps.Keys(benches)) {
		b, err := kept.Bench(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if !b.State.Ended() || len(b.Runs) < 10 {
			t.Errorf("%s is %s with %d runs", b.Name, b.State, len(b.Runs))
		}
		for _, r := range b.Runs {
			if r.Plots != nil && len(r.Plots.Figures) > 0 {
				drawn++
			}
		}
	}
	if drawn < 8 {
		t.Errorf("%d runs of the last days have figures, want one of each host and point", drawn)
	}
}
