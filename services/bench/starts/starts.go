// Package starts counts how often fio was started for a run, over all workers.
package starts

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/internal/bus"
)

// ErrTaken is returned when another worker has started the run meanwhile.
var ErrTaken = errors.New("another worker has started this run")

// Count is how often fio was started for a run so far. Each start was an attempt
// with a number of its own; those handed back by a worker that stopped in good
// order do not count against the limit.
type Count struct {
	All        int // the number of the last attempt
	HandedBack int
	revision   uint64 // of the key; 0 if there is none yet
}

// Against returns how many starts count against the limit.
func (c Count) Against() int { return c.All - c.HandedBack }

// encode is "3", or "3 1" once one of them was handed back.
func (c Count) encode() []byte {
	if c.HandedBack == 0 {
		return fmt.Append(nil, c.All)
	}
	return fmt.Append(nil, c.All, " ", c.HandedBack)
}

// Counter counts in a bucket that all workers share, fiord-starts, under the run's
// id.
type Counter struct{ KV jetstream.KeyValue }

// Add counts the start that is about to happen, on top of what Of returned. It
// is counted before fio starts, so that a job which takes the host down with it
// is not started for ever, and by compare-and-set, so that no two workers write
// artifacts of one attempt: the second gets ErrTaken.
func (s Counter) Add(ctx context.Context, run string, so Count) error {
	so.All++
	err := s.write(ctx, run, so)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrKeyExists), errors.Is(err, jetstream.ErrKeyRevisionMismatch):
		return ErrTaken
	default:
		return bus.Unavailable(fmt.Errorf("count start of run %s: %w", run, err))
	}
}

// HandBack records that the last start of a run does not count against the limit.
func (s Counter) HandBack(ctx context.Context, run string) error {
	so, err := s.Of(ctx, run)
	if err != nil {
		return err
	}
	so.HandedBack++
	return s.write(ctx, run, so)
}

func (s Counter) write(ctx context.Context, run string, so Count) (err error) {
	if so.revision == 0 {
		_, err = s.KV.Create(ctx, run, so.encode())
	} else {
		_, err = s.KV.Update(ctx, run, so.encode(), so.revision)
	}
	return err
}

// Of reads how often fio was started for a run.
func (s Counter) Of(ctx context.Context, run string) (Count, error) {
	entry, err := s.KV.Get(ctx, run)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return Count{}, nil
	}
	if err != nil {
		return Count{}, fmt.Errorf("read starts of run %s: %w", run, err)
	}
	so := Count{revision: entry.Revision()}
	if got, err := fmt.Sscan(string(entry.Value()), &so.All, &so.HandedBack); got == 0 {
		return Count{}, fmt.Errorf("read starts of run %s: %w", run, err)
	}
	return so, nil
}
