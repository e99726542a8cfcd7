package plot

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
)

// source is what the page knows: the model, and the archive for what the model
// has forgotten or the stream has dropped.
type source struct{ *Service }

// Latest lists the benches in memory.
func (s source) Latest(skip, n int, match func(*model.Bench) bool) []model.Bench {
	return s.model.Latest(skip, n, match)
}

// Bench returns a bench, from memory if it is there.
func (s source) Bench(ctx context.Context, id string) (model.Bench, error) {
	if b, ok := s.model.Bench(id); ok {
		return b, nil
	}
	b, err := s.archive.bench(ctx, id)
	return b, unknown(err)
}

// BenchOf returns the bench of a run.
func (s source) BenchOf(ctx context.Context, run string) (string, error) {
	if id, ok := s.model.BenchOf(run); ok {
		return id, nil
	}
	if !events.IsID(run) {
		return "", page.ErrUnknown
	}
	id, err := s.archive.benchOf(ctx, run)
	return id, unknown(err)
}

// unknown translates the store's word for it.
func unknown(err error) error {
	if errors.Is(err, artifacts.ErrNotFound) {
		return fmt.Errorf("%w: %w", page.ErrUnknown, err)
	}
	return err
}

// objects opens artifacts for the page.
type objects struct {
	store *artifacts.Store
	limit int64
}

// Open opens an object by its key, verified against what the server says of
// it; plain expands compressed ones up to the limit.
func (o objects) Open(ctx context.Context, key string, plain bool) (io.ReadCloser, events.ClaimCheck, error) {
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
