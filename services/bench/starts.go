package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/internal/bus"
)

// startsKey counts the starts of fio for a run, over all workers.
func startsKey(run string) string { return "starts." + run }

// errTaken: another worker has started the run meanwhile.
var errTaken = errors.New("another worker has started this run")

// countStart counts the start that is about to happen, on top of the number
// and revision that startsOf gave. It is counted before fio starts, so that a
// job which takes the host down with it is not started for ever, and by
// compare-and-set, so that no two workers write artifacts of one attempt.
func (s *Service) countStart(ctx context.Context, run string, starts int, revision uint64) error {
	value := []byte(strconv.Itoa(starts + 1))
	var err error
	if revision == 0 {
		_, err = s.starts.Create(ctx, startsKey(run), value)
	} else {
		_, err = s.starts.Update(ctx, startsKey(run), value, revision)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrKeyExists):
		return errTaken
	default:
		return bus.Unavailable(fmt.Errorf("count start of run %s: %w", run, err))
	}
}

// startsOf reads how often fio was started, and the revision of that word.
func (s *Service) startsOf(ctx context.Context, run string) (n int, revision uint64, err error) {
	entry, err := s.starts.Get(ctx, startsKey(run))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read starts of run %s: %w", run, err)
	}
	if n, err = strconv.Atoi(string(entry.Value())); err != nil {
		return 0, 0, fmt.Errorf("read starts of run %s: %w", run, err)
	}
	return n, entry.Revision(), nil
}
