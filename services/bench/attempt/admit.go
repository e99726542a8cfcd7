package attempt

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/bench/lease"
)

// leasePoll is how often a device that another host has is looked at again.
const leasePoll = 500 * time.Millisecond

// busy says that another host has one of these devices.
type busy struct{ devices []string }

// Error implements error.
func (e *busy) Error() string { return "another host measures " + strings.Join(e.devices, " or ") }

// takeLease leases the devices, if there are any. The context it returns ends,
// with lease.ErrLost as cause, when the lease does.
func (r *run) takeLease(ctx context.Context, devices []string, attempt int) (context.Context, error) {
	if len(devices) == 0 {
		return ctx, nil
	}
	program, err := r.worker.Supervisor()
	if err != nil {
		return ctx, err
	}
	l, err := r.worker.Leases.Take(ctx, devices, r.holder(attempt))
	if errors.Is(err, lease.ErrHeld) {
		return ctx, &busy{devices}
	}
	if err != nil {
		return ctx, bus.Unavailable(err)
	}
	return r.keepLease(ctx, l, program, attempt)
}

// resumeLease takes up the lease of an adopted run. Whatever is in the way of
// that, fio must not go on.
func (r *run) resumeLease(ctx context.Context, tokens map[string]uint64, attempt int) (context.Context, error) {
	if len(tokens) == 0 {
		return ctx, nil
	}
	l, err := r.worker.Leases.Resume(ctx, tokens, r.holder(attempt))
	if err != nil {
		return ctx, err
	}
	ctx, err = r.keepLease(ctx, l, "", attempt)
	if r.leased != nil {
		r.leased.started = true
	}
	return ctx, err
}

func (r *run) keepLease(ctx context.Context, l *lease.Lease, program string, attempt int) (context.Context, error) {
	dir := filepath.Join(r.worker.leaseDir(), fmt.Sprintf("%s.%d", r.inv.Run, attempt))
	ctx, leased, err := keepLease(ctx, l, program, dir, r.log)
	r.leased = leased
	return ctx, err
}

func (r *run) holder(attempt int) lease.Holder {
	return lease.Holder{Host: r.worker.Host, Run: r.inv.Run, Attempt: attempt}
}

// awaitLease waits until the devices look free, or the run should not wait on.
func (r *run) awaitLease(ctx context.Context, b *busy) error {
	r.log.Info("waiting for a lease", "devices", b.devices)
	waiting := r.worker.Status.Waits()
	defer waiting()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(leasePoll):
		}
		if time.Now().After(r.list.Deadline) {
			return ErrLate
		}
		if why, err := r.worker.Cancellations.Check(ctx, r.inv.Bench); why != nil || err != nil {
			return err // the caller finds out again what to do about it
		}
		free, err := r.worker.Leases.Free(ctx, b.devices)
		if err != nil {
			return bus.Unavailable(err)
		}
		if free {
			return nil
		}
	}
}
