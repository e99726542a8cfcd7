package inventory

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// Entry is the tally's record of one run that has ended, under TallyKey.
type Entry struct {
	// Type of the terminal, and the id of the event.
	Type  events.Type `json:"type"`
	Event string      `json:"event"`
	Slot  int         `json:"slot"`
	Index int         `json:"index"`
}

// TallyKey is the key of a run in the bucket fiord-tally. A key for each run
// rather than each bench: hundreds of workers that end runs at once would
// spend their time on retries of compare-and-set.
func TallyKey(bench, run string) string { return bench + "." + run }

// count writes into the tally how a run ended. There is one terminal for each
// run, so that writing again writes the same.
func (s *Service) count(ctx context.Context, d *bus.Delivery) error {
	ref, err := refOf(d.Event)
	if err != nil {
		return bus.Permanent(err)
	}
	raw, err := json.Marshal(Entry{Type: d.Event.Type, Event: d.Event.ID, Slot: ref.Slot, Index: ref.Index})
	if err != nil {
		return bus.Permanent(err)
	}
	if _, err := s.tally.Put(ctx, TallyKey(ref.Bench, ref.Run), raw); err != nil {
		return bus.Unavailable(fmt.Errorf("tally run %s: %w", ref.Run, err))
	}
	return nil
}

// refOf finds the run that a terminal ends.
func refOf(e events.Event) (events.RunRef, error) {
	switch data := e.Data.(type) {
	case events.RunCompleted:
		return data.RunRef, nil
	case events.RunFailed:
		return data.RunRef, nil
	case events.RunRejected:
		return data.RunRef, nil
	case events.RunCancelled:
		return data.RunRef, nil
	case events.RunExpired:
		return data.RunRef, nil
	}
	return events.RunRef{}, fmt.Errorf("%s ends no run", e.Type)
}

// ended lists the runs of a bench that the tally has, by id.
func (s *Service) ended(ctx context.Context, bench string) (map[string]bool, error) {
	lister, err := s.tally.ListKeysFiltered(ctx, TallyKey(bench, "*"))
	if err != nil {
		return nil, fmt.Errorf("read tally of %s: %w", bench, err)
	}
	runs := map[string]bool{}
	for key := range lister.Keys() {
		runs[key[len(bench)+1:]] = true
	}
	return runs, ctx.Err()
}
