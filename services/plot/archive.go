package plot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
)

// archive keeps every event about a bench or run below archive/<bench>/, so
// that they outlive the stream. Names follow from what an event is, so that
// one can be found without a list:
//
//	requested  placed  ended  cancel.<event>  baseline.<event>
//	<run>.started.<attempt>  <run>.ended  <run>.plots
//
// and archive/runs/<run> points from a run to its bench.
type archive struct{ store *artifacts.Store }

// record is one archived event.
type record struct {
	// Stored is when the stream got the event.
	Stored time.Time `json:"stored"`
	// Event in CloudEvents' JSON.
	Event json.RawMessage `json:"event"`
}

// maxRecord bounds one archived event; the bus refuses larger ones.
const maxRecord = 1 << 20

// pointers is the folder that leads from runs to benches.
const pointers = "runs"

// name is an event's name within its bench's folder.
func name(e events.Event) string {
	ref, ofRun := model.RefOf(e.Data)
	switch d := e.Data.(type) {
	case events.BenchRequested:
		return "requested"
	case events.BenchPlaced:
		return "placed"
	case events.BenchReported, events.BenchUnplaced, events.BenchCancelled:
		return "ended"
	case events.RunStarted:
		return fmt.Sprintf("%s.started.%d", d.Run, d.Attempt)
	case events.PlotsRendered:
		return d.Run + ".plots"
	}
	if ofRun {
		return ref.Run + ".ended"
	}
	return e.Type.Noun() + "." + e.MessageID()
}

// put stores an event, once. What is there already stands: an event that was
// redriven is stored at another time, and is the same all the same.
func (a archive) put(ctx context.Context, e events.Event, stored time.Time) error {
	bench, run := model.Of(e)
	if d, ok := e.Data.(events.BaselineAccepted); ok {
		bench = d.Bench
	}
	if bench == "" {
		return bus.Permanent(fmt.Errorf("archive %s: it is about no bench", e.Type))
	}
	raw, err := events.Marshal(e)
	if err != nil {
		return bus.Permanent(fmt.Errorf("archive %s: %w", e.Type, err))
	}
	if run != "" {
		if err := a.once(ctx, artifacts.ArchiveKey(pointers, run), map[string]string{"bench": bench}); err != nil {
			return err
		}
	}
	return a.once(ctx, artifacts.ArchiveKey(bench, name(e)), record{Stored: stored.UTC(), Event: raw})
}

// once stores a document unless the key is taken.
func (a archive) once(ctx context.Context, key string, doc any) error {
	raw, err := json.Marshal(doc)
	if err != nil {
		return bus.Permanent(fmt.Errorf("encode %s: %w", key, err))
	}
	_, err = a.store.Put(ctx, key, "application/json", bytes.NewReader(raw))
	if errors.Is(err, artifacts.ErrExists) {
		return nil
	}
	return away(err)
}

// get reads one event of a bench.
func (a archive) get(ctx context.Context, bench, name string) (model.Seen, error) {
	var r record
	if err := readJSON(ctx, a.store, artifacts.ArchiveKey(bench, name), maxRecord, &r); err != nil {
		return model.Seen{}, err
	}
	e, err := events.Unmarshal(r.Event)
	if err != nil {
		return model.Seen{}, bus.Permanent(fmt.Errorf("read archived %s of %s: %w", name, bench, err))
	}
	return model.Seen{Event: e, Stored: r.Stored}, nil
}

// benchOf looks up which bench a run belongs to.
func (a archive) benchOf(ctx context.Context, run string) (string, error) {
	var pointer struct{ Bench string }
	err := readJSON(ctx, a.store, artifacts.ArchiveKey(pointers, run), maxRecord, &pointer)
	return pointer.Bench, err
}

// maxArchived bounds how many events one bench is read from: a page that is
// asked for must not read for minutes.
const maxArchived = 20_000

// bench reads a whole bench.
func (a archive) bench(ctx context.Context, id string) (model.Bench, error) {
	if !events.IsID(id) {
		return model.Bench{}, page.ErrUnknown
	}
	m, n := model.New(maxArchived), 0
	prefix := artifacts.PrefixArchive + id + "/"
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for info, err := range a.store.List(ctx, prefix) {
		if err != nil {
			_ = group.Wait()
			return model.Bench{}, err
		}
		if n++; n > maxArchived {
			break
		}
		name := strings.TrimSuffix(strings.TrimPrefix(info.Key, prefix), ".json")
		group.Go(func() error {
			seen, err := a.get(reading, id, name)
			if err == nil {
				m.Apply(seen.Event, seen.Stored) // in any order
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return model.Bench{}, err
	}
	b, ok := m.Bench(id)
	if !ok {
		return b, fmt.Errorf("bench %s: %w", id, page.ErrUnknown)
	}
	return b, nil
}

// readJSON reads a small document by its key.
func readJSON(ctx context.Context, store *artifacts.Store, key string, limit int64, doc any) error {
	claim, err := store.Claim(ctx, key)
	if err != nil {
		return err
	}
	raw, err := store.ReadAll(ctx, claim, limit)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, doc); err != nil {
		return fmt.Errorf("decode %s: %w", key, err)
	}
	return nil
}
