package archive

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// Archive is what plot remembers.
type Archive struct {
	store  *artifacts.Store
	model  *model.Model
	recent Recent
}

// Recent has the benches that were put together from events lately, or can put them
// together without the store.
type Recent interface {
	Bench(ctx context.Context, id string) (model.Bench, bool, error)
	BenchOf(ctx context.Context, run string) (string, bool, error)
}

// Beside has benches looked up in recent before the archive is read. It must be
// called before the archive is used.
func (a *Archive) Beside(recent Recent) { a.recent = recent }

// New returns the archive in a store. Benches in the model's memory are taken from
// there.
func New(store *artifacts.Store, memory *model.Model) *Archive {
	return &Archive{store: store, model: memory}
}

// MaxDocument bounds a document that plot or inventory keeps about a bench, in
// bytes.
const MaxDocument = 64 << 20

// readers is how many objects are read at once.
const readers = 16

// Read reads a document about a bench by its key.
func (a *Archive) Read(ctx context.Context, key string, doc any) error {
	return readJSON(ctx, a.store, key, MaxDocument, doc)
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
