package gc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
)

// maxDocument bounds the documents that are read, in bytes: a placement of many
// runs is the largest.
const maxDocument = 256 << 20

// read returns a document by its key, nil if there is none.
func (c *collector) read(ctx context.Context, key string) ([]byte, error) {
	claim, err := c.store.Claim(ctx, key)
	var raw []byte
	if err == nil {
		raw, err = c.store.ReadAll(ctx, claim, maxDocument)
	}
	if errors.Is(err, artifacts.ErrNotFound) {
		return nil, nil
	}
	return raw, err
}

// decode reads a document into doc and tells whether there is one.
func (c *collector) decode(ctx context.Context, key string, doc any) (bool, error) {
	raw, err := c.read(ctx, key)
	if err != nil || raw == nil {
		return false, err
	}
	if err := json.Unmarshal(raw, doc); err != nil {
		return false, fmt.Errorf("read %s: %w", key, err)
	}
	return true, nil
}

// Names of archived events of a bench, as plot gives them.
const (
	nameRequested = "requested"
	nameEnded     = "ended"
)

// folderRuns is a folder of the archive that is no bench's; history.Folder is
// the other.
const folderRuns = "runs"

// archived reads one event of a bench from the archive; nil if it isn't there.
func (c *collector) archived(ctx context.Context, bench, name string) (events.Data, error) {
	key := artifacts.ArchiveKey(bench, name)
	var record struct {
		Event json.RawMessage `json:"event"`
	}
	if ok, err := c.decode(ctx, key, &record); err != nil || !ok {
		return nil, err
	}
	e, err := events.Unmarshal(record.Event)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return e.Data, nil
}

// owner looks up the bench of a run, "" if the archive knows of none.
func (c *collector) owner(ctx context.Context, run string) (string, error) {
	if !events.IsID(run) {
		return "", nil
	}
	var pointer struct {
		Bench string `json:"bench"`
	}
	_, err := c.decode(ctx, artifacts.ArchiveKey(folderRuns, run), &pointer)
	return pointer.Bench, err
}

// claimed collects the keys of all claim checks in a JSON document, wherever
// they stand: a pointer that learns to point at more is still understood.
func claimed(raw []byte) ([]string, error) {
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, err
	}
	var keys []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			key, isKey := v["key"].(string)
			if _, isClaim := v["sha256"].(string); isKey && isClaim {
				keys = append(keys, key)
			}
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(doc)
	return keys, nil
}
