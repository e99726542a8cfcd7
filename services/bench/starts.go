package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// startsKey counts the starts of fio for a run, over all workers.
func startsKey(run string) string { return "starts." + run }

// errTaken: another worker has started the run meanwhile.
var errTaken = errors.New("another worker has started this run")

// starts are those of one run so far. Each was an attempt with a number of its
// own; those handed back by a worker that stopped in good order do not count
// against the limit.
type starts struct {
	n, handedBack int
	revision      uint64 // of the key; 0 if there is none yet
}

func (s starts) counted() int { return s.n - s.handedBack }

// encode is "3", or "3 1" once one of them was handed back.
func (s starts) encode() []byte {
	if s.handedBack == 0 {
		return fmt.Append(nil, s.n)
	}
	return fmt.Append(nil, s.n, " ", s.handedBack)
}

// countStart counts the start that is about to happen, on top of what startsOf
// gave. It is counted before fio starts, so that a job which takes the host
// down with it is not started for ever, and by compare-and-set, so that no two
// workers write artifacts of one attempt.
func (s *Service) countStart(ctx context.Context, run string, so starts) error {
	so.n++
	err := s.writeStarts(ctx, run, so)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrKeyExists), errors.Is(err, jetstream.ErrKeyRevisionMismatch):
		return errTaken
	default:
		return bus.Unavailable(fmt.Errorf("count start of run %s: %w", run, err))
	}
}

func (s *Service) writeStarts(ctx context.Context, run string, so starts) (err error) {
	if so.revision == 0 {
		_, err = s.starts.Create(ctx, startsKey(run), so.encode())
	} else {
		_, err = s.starts.Update(ctx, startsKey(run), so.encode(), so.revision)
	}
	return err
}

// startsOf reads how often fio was started.
func (s *Service) startsOf(ctx context.Context, run string) (starts, error) {
	entry, err := s.starts.Get(ctx, startsKey(run))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return starts{}, nil
	}
	if err != nil {
		return starts{}, fmt.Errorf("read starts of run %s: %w", run, err)
	}
	so := starts{revision: entry.Revision()}
	if got, err := fmt.Sscan(string(entry.Value()), &so.n, &so.handedBack); got == 0 {
		return starts{}, fmt.Errorf("read starts of run %s: %w", run, err)
	}
	return so, nil
}

// handBackPatience bounds the last words of a worker that stops.
const handBackPatience = 2 * time.Second

// handBack gives up an attempt because the worker stops: another, or this one
// at its next start, begins the run again, and the start is not held against it.
func (r *run) handBack(ctx context.Context, a *spool.Attempt) error {
	why := fmt.Errorf("run is handed back: %w", context.Cause(ctx))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handBackPatience)
	defer cancel()
	so, err := r.service.startsOf(ctx, r.inv.Run)
	if err == nil {
		so.handedBack++
		err = r.service.writeStarts(ctx, r.inv.Run, so)
	}
	if err != nil {
		r.log.Warn("the start of a run that is handed back stays counted", "error", err)
	}
	return errors.Join(bus.RetryAfter(why, time.Second), a.Drop())
}
