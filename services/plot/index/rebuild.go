package index

import (
	"context"
	"fmt"
	"iter"

	"github.com/fiord-bench/fiord/services/plot/model"
)

// Everything lists what an archive holds.
type Everything interface {
	Older
	// ArchivedBenches are the ids of all benches.
	ArchivedBenches(ctx context.Context) iter.Seq2[string, error]
}

// CatchUp reads the benches of an archive that are not here, or had not ended when
// they were last heard of. It may run while events are taken.
func (x *Index) CatchUp(ctx context.Context, all Everything) error {
	for id, err := range all.ArchivedBenches(ctx) {
		if err != nil {
			return fmt.Errorf("list archived benches: %w", err)
		}
		var known int
		err := x.db.QueryRowContext(ctx, "SELECT count(*) FROM bench WHERE id = ? AND state NOT IN ('requested', 'placed', 'running')", id).Scan(&known)
		if err != nil {
			return fmt.Errorf("look up bench: %w", err)
		}
		if known > 0 {
			continue
		}
		list, err := all.Archived(ctx, id)
		if err != nil {
			return fmt.Errorf("read archived bench %s: %w", id, err)
		}
		x.applyAll(ctx, list)
	}
	return x.Flush(ctx)
}

// applyAll takes events of the archive.
func (x *Index) applyAll(ctx context.Context, list []model.Seen) {
	for _, s := range list {
		x.Apply(ctx, s.Event, s.Stored, 0)
	}
}

// Refresh writes the rows of benches that are in memory, whether or not an event
// about them came.
func (x *Index) Refresh(ctx context.Context, benches ...string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range benches {
		b, ok := x.memory.Bench(id)
		if !ok {
			continue
		}
		x.dirty[id] = map[string]bool{}
		for _, r := range b.Runs {
			x.dirty[id][r.Run] = true
		}
	}
	_, err := x.write(ctx)
	return err
}
