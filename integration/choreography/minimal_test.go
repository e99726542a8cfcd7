package choreography_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// outcome decides what a minimal worker does with one run: end publishes a
// terminal, as many as it likes; an error or a panic is the worker's own.
type outcome func(run events.RunRef, end func(events.Data) error) error

// completes is the outcome of a run without fio.
func completes(run events.RunRef, end func(events.Data) error) error { return end(completed(run)) }

func completed(run events.RunRef) events.RunCompleted {
	now := time.Now().UTC()
	run.Attempt, run.Host = 1, "minimal"
	return events.RunCompleted{
		RunRef: run, StartedAt: now.Add(-time.Second), EndedAt: now,
		Integrity: events.Integrity{State: events.IntegrityOK},
		Summary:   events.Summary{Read: &events.Figures{IOPS: 1000, TotalIOs: 1000, RuntimeMS: 1000}},
	}
}

func failed(run events.RunRef) events.RunFailed {
	return events.RunFailed{RunRef: run, Reason: "so it was to be", EndedAt: time.Now().UTC()}
}

// minimalWorker serves the pool "default" over the real bus, without fio.
func (w *world) minimalWorker(do outcome) {
	w.t.Helper()
	b := w.nats.Bus("fiord/bench")
	each := func(ctx context.Context, d *bus.Delivery, do outcome) error {
		request := d.Event.Data.(events.RunsRequested)
		var list events.RunList
		raw, err := w.store.ReadAll(ctx, request.List, 1<<20)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &list); err != nil {
			return err
		}
		for _, inv := range list.Runs {
			if _, over, err := b.Ended(ctx, inv.EndFilter()); err != nil || over {
				if err != nil {
					return err
				}
				continue
			}
			end := func(data events.Data) error { _, err := d.End(ctx, inv.Run, data); return err }
			if err := do(inv.RunRef, end); err != nil {
				return err
			}
		}
		return nil
	}
	sub, err := b.React(w.t.Context(), bus.Reaction{
		Service: "bench", Name: "pool-default", Types: []events.Type{events.TypeRunsRequested},
		Subjects:    []string{events.TypeRunsRequested.Subject() + "." + events.PoolRoute("default")},
		Concurrency: 8, MaxAttempts: 4, AckWait: 500 * time.Millisecond, BackoffMin: time.Millisecond, BackoffMax: 10 * time.Millisecond,
		Handle: func(ctx context.Context, d *bus.Delivery) error { return each(ctx, d, do) },
		OnDead: func(ctx context.Context, d *bus.Delivery, _ error) error {
			return each(ctx, d, func(run events.RunRef, end func(events.Data) error) error { return end(failed(run)) })
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(sub.Stop)
}

// placement reads the decision about a bench.
func (w *world) placement(bench string) events.Placement {
	w.t.Helper()
	claim, err := w.store.Claim(w.t.Context(), artifacts.PlacementKey(bench))
	if err != nil {
		w.t.Fatal(err)
	}
	var p events.Placement
	if err := json.Unmarshal([]byte(artifactstest.Read(w.t, w.store, claim)), &p); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// write makes a file for the test and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (w *world) put(key, text string) events.ClaimCheck {
	w.t.Helper()
	return artifactstest.Put(w.t, w.store, key, "application/octet-stream", text)
}

func (w *world) putJSON(key string, v any) events.ClaimCheck {
	w.t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.put(key, string(raw))
}
