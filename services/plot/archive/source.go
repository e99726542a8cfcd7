package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// Latest lists the benches in memory.
func (a *Archive) Latest(skip, n int, match func(*model.Bench) bool) []model.Bench {
	return a.model.Latest(skip, n, match)
}

// Bench returns a bench, from memory if it is there.
func (a *Archive) Bench(ctx context.Context, id string) (model.Bench, error) {
	if b, ok := a.model.Bench(id); ok {
		return b, nil
	}
	b, err := a.archivedBench(ctx, id)
	return b, unknown(err)
}

// BenchOf returns the bench of a run.
func (a *Archive) BenchOf(ctx context.Context, run string) (string, error) {
	if id, ok := a.model.BenchOf(run); ok {
		return id, nil
	}
	if !events.IsID(run) {
		return "", model.ErrUnknown
	}
	id, err := a.archivedBenchOf(ctx, run)
	return id, unknown(err)
}

// unknown translates the store's word for it.
func unknown(err error) error {
	if errors.Is(err, artifacts.ErrNotFound) {
		return fmt.Errorf("%w: %w", model.ErrUnknown, err)
	}
	return err
}

// Objects opens artifacts for the page.
type Objects struct {
	store *artifacts.Store
	limit int64
}

// Objects opens the store's objects, expanded ones up to limit bytes.
func (a *Archive) Objects(limit int64) Objects { return Objects{a.store, limit} }

// Open opens an object by its key, verified against what the server says of
// it; plain expands compressed ones up to the limit.
func (o Objects) Open(ctx context.Context, key string, plain bool) (io.ReadCloser, events.ClaimCheck, error) {
	claim, err := o.store.Claim(ctx, key)
	if err != nil {
		return nil, claim, unknown(err)
	}
	var body io.ReadCloser
	if plain {
		body, err = o.store.OpenPlain(ctx, claim, o.limit)
	} else {
		body, err = o.store.Open(ctx, claim)
	}
	return body, claim, unknown(err)
}
