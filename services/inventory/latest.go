package inventory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
)

// Latest is the document inventories/latest.json. It always names a complete
// set of files, and moves forward only, in the order of snapshots.
type Latest struct {
	// The announcement of the inventory.
	events.InventoryGenerated
	// Snapshot that it was made of, and when that was taken. A later snapshot
	// that gives the same inventory only moves these.
	Snapshot   events.ClaimCheck `json:"snapshot"`
	SnapshotAt time.Time         `json:"snapshot_at"`
	// Documents says that the snapshot has sources that came as documents.
	Documents bool `json:"documents,omitempty"`
	// Members is the [Members] document.
	Members events.ClaimCheck `json:"members"`
	// Cause is the event that it was made for.
	Cause string `json:"cause"`
}

// Members is who is in which group: what placement needs of an inventory.
type Members struct {
	// Addresses by host.
	Addresses map[string][]string `json:"addresses"`
	// Groups have the names of their hosts, those of child groups included.
	Groups map[string][]string `json:"groups"`
}

// maxLatest and maxMembers bound the documents, in bytes.
const (
	maxLatest  = 1 << 20
	maxMembers = 64 << 20
)

// latest reads the pointer, nil if there is no inventory yet.
func (s *Service) latest(ctx context.Context) (*Latest, error) {
	claim, err := s.store.Claim(ctx, artifacts.KeyLatestInventory)
	if errors.Is(err, artifacts.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	raw, err := s.store.ReadAll(ctx, claim, maxLatest)
	if err != nil {
		return nil, err
	}
	return parseLatest(raw)
}

func parseLatest(raw []byte) (*Latest, error) {
	if raw == nil {
		return nil, nil
	}
	var l Latest
	if err := json.Unmarshal(raw, &l); err != nil {
		return nil, fmt.Errorf("read %s: %w", artifacts.KeyLatestInventory, err)
	}
	return &l, nil
}

// errOvertaken: a newer snapshot's inventory is there already.
var errOvertaken = errors.New("a newer inventory is there already")

// moveLatest points to a new inventory, unless a newer one is there.
func (s *Service) moveLatest(ctx context.Context, l *Latest) error {
	return s.store.Update(ctx, artifacts.KeyLatestInventory, mediaJSON, func(raw []byte) ([]byte, error) {
		current, err := parseLatest(raw)
		if err != nil {
			return nil, err
		}
		if current != nil && current.SnapshotAt.After(l.SnapshotAt) {
			return nil, errOvertaken
		}
		return json.Marshal(l)
	})
}
