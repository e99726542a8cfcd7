package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// Older reads what an index does not hold: the archive.
type Older interface {
	// Archived returns the events of a bench, none if there are none.
	Archived(ctx context.Context, bench string) ([]model.Seen, error)
}

// Index is the rows and the benches put together lately. Its methods may be called
// concurrently.
type Index struct {
	db     *sql.DB
	memory *model.Model
	older  Older
	log    *slog.Logger

	mu     sync.Mutex // of all that follows, and of writing
	fresh  []arrival  // events that no row has seen yet
	dirty  map[string]map[string]bool
	cursor uint64
	stream int64 // when the stream that cursor is of was made

	wake    chan struct{}
	changed func(bench string)
}

// arrival is an event with its place in the stream, 0 for one of the archive.
type arrival struct {
	model.Seen
	sequence uint64
}

// batch is how many events may wait for their rows, retryEvery the pause before rows
// are written again that could not be.
const (
	batch      = 1000
	retryEvery = 2 * time.Second
)

// Open opens the index of a folder; an empty one keeps it in memory. memory holds
// the benches put together lately, and is filled by the index alone.
func Open(ctx context.Context, dir string, memory *model.Model, older Older, log *slog.Logger) (*Index, error) {
	db, err := open(ctx, dir)
	if err != nil {
		return nil, err
	}
	x := &Index{db: db, memory: memory, older: older, log: log, dirty: map[string]map[string]bool{}, wake: make(chan struct{}, 1), changed: func(string) {}}
	for name, to := range map[string]any{"cursor": &x.cursor, "stream": &x.stream} {
		err := db.QueryRowContext(ctx, "SELECT coalesce(max(value), 0) FROM meta WHERE name = ?", name).Scan(to)
		if err != nil {
			_ = db.Close()
			return nil, fmt.Errorf("read where the index stands: %w", err)
		}
	}
	return x, nil
}

// Close writes what is left and closes the database.
func (x *Index) Close(ctx context.Context) error {
	err := x.Flush(ctx)
	if e := x.db.Close(); err == nil {
		err = e
	}
	return err
}

// OnChange has f called with each bench whose rows have changed. It must be set
// before events are taken.
func (x *Index) OnChange(f func(bench string)) { x.changed = f }

// From returns the sequence from which on the events of a stream are missing, and
// whether some may be missing that it holds no more. created is when the stream was
// made, first and last are what it holds.
func (x *Index) From(created time.Time, first, last uint64) (from uint64, behind bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stream != created.UnixMilli() || x.cursor > last { // another stream than the one known
		x.stream, x.cursor = created.UnixMilli(), 0
		return 1, true
	}
	return x.cursor + 1, x.cursor+1 < first
}

// Apply takes an event of the stream into account, soon.
func (x *Index) Apply(ctx context.Context, e events.Event, stored time.Time, sequence uint64) {
	x.mu.Lock()
	x.fresh = append(x.fresh, arrival{model.Seen{Event: e, Stored: stored}, sequence})
	full := len(x.fresh) >= batch
	x.mu.Unlock()
	if full {
		x.flush(ctx)
		return
	}
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// Run writes rows while events come, until ctx ends.
func (x *Index) Run(ctx context.Context) {
	retry := time.NewTicker(retryEvery)
	defer retry.Stop()
	prune := time.NewTicker(time.Hour)
	defer prune.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-x.wake:
			x.flush(ctx)
		case <-retry.C:
			x.flush(ctx)
		case <-prune.C:
			if err := x.Prune(ctx, time.Now().Add(-keep)); err != nil {
				x.log.Warn("prune index", "error", err)
			}
		}
	}
}

// keep is how long events are kept as they came: longer than by the stream.
const keep = 35 * 24 * time.Hour

// Prune forgets the events of before a time whose benches have ended: the archive
// has them.
func (x *Index) Prune(ctx context.Context, before time.Time) error {
	_, err := x.db.ExecContext(ctx, `DELETE FROM event WHERE stored < ? AND bench NOT IN (SELECT id FROM bench WHERE state IN ('requested', 'placed', 'running'))`, before.UnixMilli())
	return err
}

func (x *Index) flush(ctx context.Context) {
	if err := x.Flush(ctx); err != nil && ctx.Err() == nil {
		x.log.Warn("write index", "error", err)
	}
}

// Flush writes the rows of all events taken so far. If it fails, they are written
// with the next ones.
func (x *Index) Flush(ctx context.Context) error {
	x.mu.Lock()
	if len(x.fresh) == 0 {
		x.mu.Unlock()
		return nil
	}
	touched, err := x.write(ctx)
	x.mu.Unlock()
	if err != nil {
		return err
	}
	for _, bench := range touched {
		x.changed(bench)
	}
	return nil
}

// write takes the events into the model and their benches into the rows, all or
// nothing.
func (x *Index) write(ctx context.Context) ([]string, error) {
	tx, err := x.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	w := &writer{ctx: ctx, tx: tx, index: x, statements: map[string]*sql.Stmt{}}
	for _, a := range x.fresh {
		if err := w.take(a); err != nil {
			return nil, fmt.Errorf("take %s: %w", a.Event.Type, err)
		}
	}
	var touched []string
	for bench, runs := range x.dirty {
		if err := w.project(bench, runs); err != nil {
			return nil, fmt.Errorf("write rows of bench %s: %w", bench, err)
		}
		touched = append(touched, bench)
	}
	for name, value := range map[string]any{"cursor": x.cursor, "stream": x.stream} {
		if err := w.exec("INSERT OR REPLACE INTO meta VALUES (?, ?)", name, value); err != nil {
			return nil, err
		}
	}
	if err := tx.Commit(); err != nil {
		return nil, err
	}
	x.fresh, x.dirty = x.fresh[:0], map[string]map[string]bool{}
	return touched, nil
}

// Bench returns a bench: from memory, from its events here, or from the archive.
func (x *Index) Bench(ctx context.Context, id string) (model.Bench, bool, error) {
	if b, ok := x.memory.Bench(id); ok {
		return b, true, nil
	}
	list, err := eventsOf(ctx, x.db, id)
	if err != nil {
		return model.Bench{}, false, err
	}
	m := model.New(len(list) + 1)
	for _, s := range list {
		m.Apply(s.Event, s.Stored)
	}
	b, ok := m.Bench(id)
	return b, ok && b.Request != nil, nil
}

// BenchOf returns the bench that a run belongs to.
func (x *Index) BenchOf(ctx context.Context, run string) (string, bool, error) {
	var bench string
	err := x.db.QueryRowContext(ctx, "SELECT bench FROM run WHERE id = ?", run).Scan(&bench)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	return bench, err == nil, err
}
