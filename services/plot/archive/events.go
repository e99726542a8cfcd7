package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// record is one archived event.
type record struct {
	// Stored is when the stream got the event.
	Stored time.Time `json:"stored"`
	// Event in CloudEvents' JSON.
	Event json.RawMessage `json:"event"`
	// Proof of who made it; nil where nothing is signed.
	Proof *proven `json:"proof,omitempty"`
}

// maxRecord bounds one archived event; the bus refuses larger ones.
const maxRecord = 1 << 20

// Names of events about a bench within its folder.
const (
	Requested = "requested"
	Ended     = "ended"
)

// RunStarted is the name of the start of a run's attempt.
func RunStarted(run string, attempt int) string { return fmt.Sprintf("%s.started.%d", run, attempt) }

// RunEnded is the name of a run's end.
func RunEnded(run string) string { return run + ".ended" }

// RunPlots is the name of the event that lists a run's figures.
func RunPlots(run string) string { return run + ".plots" }

// pointers is the folder that leads from runs to benches.
const pointers = "runs"

// name is an event's name within its bench's folder.
func name(e events.Event) string {
	ref, ofRun := events.RunOf(e)
	switch d := e.Data.(type) {
	case events.BenchRequested:
		return Requested
	case events.BenchPlaced:
		return "placed"
	case events.BenchReported, events.BenchUnplaced, events.BenchCancelled:
		return Ended
	case events.RunStarted:
		return RunStarted(d.Run, d.Attempt)
	case events.PlotsRendered:
		return RunPlots(d.Run)
	}
	if ofRun {
		return RunEnded(ref.Run)
	}
	return e.Type.Noun() + "." + e.MessageID()
}

// Put stores an event with what proves who made it, once. What is there already stands.
func (a *Archive) Put(ctx context.Context, o bus.Original) error {
	e := o.Event
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
	return a.once(ctx, artifacts.ArchiveKey(bench, name(e)), withProof(o, raw))
}

// once stores a document unless the key is taken.
func (a *Archive) once(ctx context.Context, key string, doc any) error {
	raw, err := json.Marshal(doc)
	if err != nil {
		return bus.Permanent(fmt.Errorf("encode %s: %w", key, err))
	}
	_, err = a.store.Put(ctx, key, "application/json", bytes.NewReader(raw))
	if errors.Is(err, artifacts.ErrExists) {
		return nil
	}
	return bus.ForStore(err)
}

// Get reads one event of a bench by its name within the bench's folder.
func (a *Archive) Get(ctx context.Context, bench, name string) (model.Seen, error) {
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

// archivedBenchOf looks up which bench a run belongs to.
func (a *Archive) archivedBenchOf(ctx context.Context, run string) (string, error) {
	var pointer struct{ Bench string }
	err := readJSON(ctx, a.store, artifacts.ArchiveKey(pointers, run), maxRecord, &pointer)
	return pointer.Bench, err
}

// maxArchived bounds how many events one bench is read from: a page that is
// asked for must not read for minutes.
const maxArchived = 20_000

// archivedBench reads a whole bench.
func (a *Archive) archivedBench(ctx context.Context, id string) (model.Bench, error) {
	if !events.IsID(id) {
		return model.Bench{}, model.ErrUnknown
	}
	list, err := a.Archived(ctx, id)
	if err != nil {
		return model.Bench{}, err
	}
	m := model.New(maxArchived)
	for _, s := range list {
		m.Apply(s.Event, s.Stored) // in any order
	}
	b, ok := m.Bench(id)
	if !ok {
		return b, fmt.Errorf("bench %s: %w", id, model.ErrUnknown)
	}
	return b, nil
}

// Archived reads the events of a bench, in no particular order; none of one that is
// unknown.
func (a *Archive) Archived(ctx context.Context, id string) ([]model.Seen, error) {
	var names []string
	prefix := artifacts.PrefixArchive + id + "/"
	for info, err := range a.store.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		if names = append(names, strings.TrimSuffix(strings.TrimPrefix(info.Key, prefix), ".json")); len(names) == maxArchived {
			break
		}
	}
	list := make([]model.Seen, len(names))
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, name := range names {
		group.Go(func() (err error) {
			list[i], err = a.Get(reading, id, name)
			return err
		})
	}
	return list, group.Wait()
}

// ArchivedBenches lists the ids of all benches.
func (a *Archive) ArchivedBenches(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		last := ""
		for info, err := range a.store.List(ctx, artifacts.PrefixArchive) {
			if err != nil {
				yield("", err)
				return
			}
			id, _, _ := strings.Cut(strings.TrimPrefix(info.Key, artifacts.PrefixArchive), "/")
			if id == last || !events.IsID(id) {
				continue
			}
			if last = id; !yield(id, nil) {
				return
			}
		}
	}
}
