package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
)

// A synchronised bench starts each invocation at one time on all its hosts.
// Each worker, when nothing but fio itself is left to start, notes its arrival
// in the bucket; the latest arrival, by the server's clock, plus a moment is
// the common start. No worker asks another, and their clocks need not agree:
// each knows by how much its own is off the server's from its own arrival.

// Patience with the other hosts.
var (
	// togetherPatience is how long a worker waits for the others, and
	// absentPatience for those that it has waited for in vain before.
	togetherPatience, absentPatience = time.Minute, time.Second
	// togetherPoll is how often it looks for them.
	togetherPoll = 50 * time.Millisecond
)

const (
	// togetherDelay is what workers get to learn of the last arrival.
	togetherDelay = 500 * time.Millisecond
	// togetherSkew is how far from the common start fio may begin.
	togetherSkew = 2 * time.Second
)

// togetherKey is where the worker of a slot notes its arrival.
func togetherKey(bench string, index, slot int) string {
	return fmt.Sprintf("together.%s.%d.%d", bench, index, slot)
}

// common is a start agreed on, by this host's clock.
type common struct {
	at     time.Time
	slots  int   // that were to start together
	absent []int // slots that did not come in time
}

// arrive notes that this slot is ready, or that it leaves the invocation out.
// It returns when that was, by the server's clock and by this host's. An
// arrival noted by an earlier attempt stands: the others did not wait longer.
func (s *Service) arrive(ctx context.Context, list events.RunList, index int) (server, here time.Time, err error) {
	key := togetherKey(list.Bench, index, list.Slot)
	before := time.Now()
	if _, err := s.starts.Create(ctx, key, nil); err != nil && !errors.Is(err, jetstream.ErrKeyExists) {
		return server, here, fmt.Errorf("note arrival: %w", err)
	}
	here = before.Add(time.Since(before) / 2)
	entry, err := s.starts.Get(ctx, key)
	if err != nil {
		return server, here, fmt.Errorf("read arrival: %w", err)
	}
	return entry.Created(), here, nil
}

// together waits for the common start of a synchronised invocation. What keeps
// it from that is told in the result, and does not keep the run from starting.
func (r *run) together(ctx context.Context) error {
	if r.list.Together < 2 {
		return nil
	}
	s := r.service
	r.session.arrived = r.inv.Index
	mine, here, err := s.arrive(ctx, r.list, r.inv.Index)
	if err != nil {
		return err
	}
	offset := here.Sub(mine)
	c := &common{slots: r.list.Together}
	last := mine
	for slot := range r.list.Together {
		if slot == r.list.Slot {
			continue
		}
		at, err := r.await(ctx, slot)
		if err != nil {
			return err
		}
		if at.IsZero() {
			c.absent = append(c.absent, slot)
			r.session.absent[slot] = true
		}
		if at.After(last) {
			last = at
		}
	}
	c.at = last.Add(offset + togetherDelay)
	r.common = c
	return sleepUntil(ctx, c.at)
}

// await returns when another slot arrived, by the server's clock; zero if it
// does not within the time there is for it.
func (r *run) await(ctx context.Context, slot int) (time.Time, error) {
	patience := togetherPatience
	if r.session.absent[slot] {
		patience = absentPatience
	}
	for deadline := time.Now().Add(patience); ; {
		entry, err := r.service.starts.Get(ctx, togetherKey(r.list.Bench, r.inv.Index, slot))
		switch {
		case err == nil:
			delete(r.session.absent, slot)
			return entry.Created(), nil
		case !errors.Is(err, jetstream.ErrKeyNotFound):
			return time.Time{}, fmt.Errorf("look for the other hosts: %w", err)
		case time.Now().After(deadline):
			return time.Time{}, nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case <-time.After(togetherPoll):
		}
	}
}

// passed lets the others start without this slot, whose run was left out.
func (s *Service) passed(ctx context.Context, list events.RunList, inv events.Invocation, known *session) {
	if list.Together < 2 || known.arrived == inv.Index {
		return
	}
	known.arrived = inv.Index
	if _, _, err := s.arrive(ctx, list, inv.Index); err != nil {
		s.log.Warn("the other hosts wait in vain", "bench_id", list.Bench, "error", err)
	}
}

// togetherness says how well fio's start met the common one, and finds fault
// with one that did not.
func (c *common) togetherness(started time.Time) (told string, found []events.Finding) {
	if c == nil {
		return "", nil
	}
	skew := started.Sub(c.at).Round(time.Millisecond)
	told = fmt.Sprintf("started %s after the common start of %d slots", skew, c.slots-len(c.absent))
	fault := func(format string, args ...any) {
		found = append(found, events.Finding{Check: "not_synchronised", State: events.IntegritySuspect, Evidence: fmt.Sprintf(format, args...)})
	}
	if len(c.absent) > 0 {
		fault("slots %v of %d did not come to the common start in time", c.absent, c.slots)
	}
	if skew > togetherSkew || skew < -togetherSkew {
		fault("fio started %s from the common start", skew)
	}
	return told, found
}
