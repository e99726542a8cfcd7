package inventory

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/inventory/ansible"
)

// storeDiff says what is new against the inventory before.
func (s *Service) storeDiff(ctx context.Context, next *Latest, set *fileSet, current *Latest) error {
	i := slices.IndexFunc(current.Files, func(f events.Artifact) bool { return f.Name == ansible.FileJSON })
	if i < 0 {
		return fmt.Errorf("compare inventories: %s has no %s", current.Inventory, ansible.FileJSON)
	}
	before, err := s.store.Open(ctx, current.Files[i].ClaimCheck)
	if err != nil {
		return err
	}
	defer before.Close()
	after := set.files[ansible.FileJSON].file
	if _, err := after.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("compare inventories: %w", err)
	}
	diff, err := ansible.Compare(before, after)
	if err != nil {
		return err
	}
	claim, err := s.putBeside(ctx, next.Inventory, "diff-"+current.Inventory, diff)
	if err != nil {
		return err
	}
	next.Diff, next.Previous = &claim, current.Inventory
	next.Counts.Added, next.Counts.Removed, next.Counts.Changed = len(diff.Added), len(diff.Removed), len(diff.Changed)
	return nil
}
