package measure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
)

const (
	// BarrierPatience is how long a worker waits for the other hosts.
	BarrierPatience = time.Minute
	// absentPatience is how long it waits for a host that did not come to the
	// invocation before.
	absentPatience = time.Second
	// barrierPoll is how often it looks for them.
	barrierPoll = 50 * time.Millisecond
	// barrierDelay is what workers get to learn of the last arrival.
	barrierDelay = 500 * time.Millisecond
	// barrierSkew is how far from the common start fio may begin.
	barrierSkew = 2 * time.Second
)

// Barrier starts each invocation of a synchronised list at one time on all its
// hosts. Each worker, when nothing but fio itself is left to start, notes its
// arrival in the bucket; the latest arrival, by the server's clock, plus a
// moment is the common start. No worker asks another, and their clocks need not
// agree: each knows by how much its own is off the server's from its own
// arrival. Methods of nil do nothing: most lists are not synchronised.
type Barrier struct {
	kv       jetstream.KeyValue
	bench    string
	slot     int
	slots    int
	patience time.Duration

	arrived int          // index of the invocation last arrived at
	absent  map[int]bool // slots that did not come when they were waited for
}

// NewBarrier returns the barrier of a list, nil for one that is not
// synchronised. patience is how long to wait for other hosts.
func NewBarrier(kv jetstream.KeyValue, list events.RunList, patience time.Duration) *Barrier {
	if list.Together < 2 {
		return nil
	}
	return &Barrier{kv: kv, bench: list.Bench, slot: list.Slot, slots: list.Together, patience: patience, arrived: -1, absent: map[int]bool{}}
}

// key is where the worker of a slot notes its arrival.
func (b *Barrier) key(index, slot int) string {
	return fmt.Sprintf("%s.%d.%d", b.bench, index, slot)
}

// CommonStart is a start agreed on with other hosts.
type CommonStart struct {
	At     time.Time // by this host's clock
	slots  int       // that were to start together
	absent []int     // slots that did not come in time
}

// Wait notes that this slot is ready and returns the common start, once all
// other slots have arrived or their time is up. Slots that did not arrive are
// found fault with by Check, and do not keep the run from starting.
func (b *Barrier) Wait(ctx context.Context, index int) (*CommonStart, error) {
	if b == nil {
		return nil, nil //nolint:nilnil // not synchronised
	}
	b.arrived = index
	last, here, err := b.arrive(ctx, index)
	if err != nil {
		return nil, err
	}
	offset := here.Sub(last)
	c := &CommonStart{slots: b.slots}
	for slot := range b.slots {
		if slot == b.slot {
			continue
		}
		at, err := b.await(ctx, index, slot)
		if err != nil {
			return nil, err
		}
		if b.absent[slot] = at.IsZero(); b.absent[slot] {
			c.absent = append(c.absent, slot)
		}
		if at.After(last) {
			last = at
		}
	}
	c.At = last.Add(offset + barrierDelay)
	return c, nil
}

// Leave lets the others start without this slot, whose run was left out. It does
// nothing if the slot has arrived.
func (b *Barrier) Leave(ctx context.Context, index int) error {
	if b == nil || b.arrived == index {
		return nil
	}
	b.arrived = index
	_, _, err := b.arrive(ctx, index)
	return err
}

// arrive notes that this slot is ready, or that it leaves the invocation out.
// It returns when that was, by the server's clock and by this host's. An
// arrival noted by an earlier attempt stands: the others did not wait longer.
func (b *Barrier) arrive(ctx context.Context, index int) (server, here time.Time, err error) {
	key := b.key(index, b.slot)
	before := time.Now()
	if _, err := b.kv.Create(ctx, key, nil); err != nil && !errors.Is(err, jetstream.ErrKeyExists) {
		return server, here, fmt.Errorf("note arrival: %w", err)
	}
	here = before.Add(time.Since(before) / 2)
	entry, err := b.kv.Get(ctx, key)
	if err != nil {
		return server, here, fmt.Errorf("read arrival: %w", err)
	}
	return entry.Created(), here, nil
}

// await returns when another slot arrived, by the server's clock; zero if it
// does not within the time there is for it.
func (b *Barrier) await(ctx context.Context, index, slot int) (time.Time, error) {
	patience := b.patience
	if b.absent[slot] {
		patience = min(patience, absentPatience)
	}
	for deadline := time.Now().Add(patience); ; {
		entry, err := b.kv.Get(ctx, b.key(index, slot))
		switch {
		case err == nil:
			return entry.Created(), nil
		case !errors.Is(err, jetstream.ErrKeyNotFound):
			return time.Time{}, fmt.Errorf("look for the other hosts: %w", err)
		case time.Now().After(deadline):
			return time.Time{}, nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case <-time.After(barrierPoll):
		}
	}
}

// Check returns how well the start of fio met the common start, in words, and a
// finding if it did not. It returns nothing for nil.
func (c *CommonStart) Check(started time.Time) (note string, found []events.Finding) {
	if c == nil {
		return "", nil
	}
	skew := started.Sub(c.At).Round(time.Millisecond)
	note = fmt.Sprintf("started %s after the common start of %d slots", skew, c.slots-len(c.absent))
	fault := func(format string, args ...any) {
		found = append(found, events.Finding{Check: "not_synchronised", State: events.IntegritySuspect, Evidence: fmt.Sprintf(format, args...)})
	}
	if len(c.absent) > 0 {
		fault("slots %v of %d did not come to the common start in time", c.absent, c.slots)
	}
	if skew > barrierSkew || skew < -barrierSkew {
		fault("fio started %s from the common start", skew)
	}
	return note, found
}

// maxStartWait bounds how far ahead a common start may lie: a host whose clock
// is wrong must not wait for ever.
const maxStartWait = 10 * time.Minute

// SleepUntil waits for a common start, ten minutes at most. It returns at once for
// the zero time.
func SleepUntil(ctx context.Context, at time.Time) error {
	wait := min(time.Until(at), maxStartWait)
	if at.IsZero() || wait <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}
