package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// writer is one transaction.
type writer struct {
	ctx        context.Context
	tx         *sql.Tx
	index      *Index
	statements map[string]*sql.Stmt
}

// exec runs a statement, prepared once in a transaction.
func (w *writer) exec(text string, args ...any) error {
	s := w.statements[text]
	if s == nil {
		var err error
		if s, err = w.tx.PrepareContext(w.ctx, text); err != nil {
			return err
		}
		w.statements[text] = s
	}
	_, err := s.ExecContext(w.ctx, args...)
	return err
}

// take puts an event into the model, and marks its bench.
func (w *writer) take(a arrival) error {
	x := w.index
	bench, run, err := w.about(a.Event)
	if err != nil {
		return err
	}
	if bench != "" {
		if err := w.ensure(bench); err != nil {
			return err
		}
	}
	if a.sequence > 0 {
		if err := w.keep(bench, a.Seen); err != nil {
			return err
		}
		x.cursor = max(x.cursor, a.sequence)
	}
	x.memory.Apply(a.Event, a.Stored)
	if bench == "" {
		return nil
	}
	if x.dirty[bench] == nil {
		x.dirty[bench] = map[string]bool{}
	}
	if run != "" {
		x.dirty[bench][run] = true
	}
	return nil
}

// about returns the bench and run of an event; of a notice the bench that was told of.
func (w *writer) about(e events.Event) (bench, run string, err error) {
	told := ""
	switch d := e.Data.(type) {
	case events.NoticeSent:
		told = d.Told
	case events.NoticeFailed:
		told = d.Told
	default:
		bench, run = model.Of(e)
		return bench, run, nil
	}
	err = w.tx.QueryRowContext(w.ctx, "SELECT bench FROM event WHERE id = ?", told).Scan(&bench)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", nil
	}
	return bench, "", err
}

// ensure has what is known of a bench in memory before an event is added to it.
func (w *writer) ensure(bench string) error {
	x := w.index
	if _, ok := x.memory.Bench(bench); ok {
		return nil
	}
	var known int
	if err := w.tx.QueryRowContext(w.ctx, "SELECT count(*) FROM bench WHERE id = ?", bench).Scan(&known); err != nil || known == 0 {
		return err
	}
	list, err := eventsOf(w.ctx, w.tx, bench)
	if err != nil {
		return err
	}
	whole := false
	for _, s := range list {
		whole = whole || s.Event.Type == events.TypeBenchRequested
	}
	if !whole && x.older != nil {
		older, err := x.older.Archived(w.ctx, bench)
		if err != nil {
			return fmt.Errorf("read archived bench: %w", err)
		}
		list = append(older, list...)
	}
	for _, s := range list {
		x.memory.Apply(s.Event, s.Stored)
	}
	return nil
}

// keep stores an event as it came.
func (w *writer) keep(bench string, s model.Seen) error {
	body, err := events.Marshal(s.Event)
	if err != nil {
		return nil //nolint:nilerr // an event that this version would not send is shown, and read from the archive later
	}
	return w.exec("INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?)", s.Event.ID, bench, s.Stored.UnixMilli(), body)
}

// queryer is a database or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// eventsOf reads the events of a bench that are kept here, and before them the one
// that it was requested for.
func eventsOf(ctx context.Context, db queryer, bench string) ([]model.Seen, error) {
	list, err := read(ctx, db, "SELECT stored, body FROM event WHERE bench = ? ORDER BY stored", bench)
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		if s.Event.Type == events.TypeBenchRequested && s.Event.CausationID != "" {
			cause, err := read(ctx, db, "SELECT stored, body FROM event WHERE id = ?", s.Event.CausationID)
			return append(cause, list...), err
		}
	}
	return list, nil
}

func read(ctx context.Context, db queryer, query, arg string) ([]model.Seen, error) {
	rows, err := db.QueryContext(ctx, query, arg)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var list []model.Seen
	for rows.Next() {
		var stored int64
		var body []byte
		if err := rows.Scan(&stored, &body); err != nil {
			return nil, err
		}
		e, err := events.Unmarshal(body)
		if err != nil {
			return nil, fmt.Errorf("read event: %w", err)
		}
		list = append(list, model.Seen{Event: e, Stored: time.UnixMilli(stored).UTC()})
	}
	return list, rows.Err()
}
