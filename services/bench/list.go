package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/constraint"
)

// Limits of what is read whole into memory.
const (
	maxList = 64 << 20
	maxJob  = 1 << 20
)

// redeliveries bounds how often a list comes back for reasons other than
// starts of fio, which are counted apart: restarts of the worker above all.
const redeliveries = 50

// hostConsumerIdle is how long the durable of a host that is gone is kept. It
// is longer than any deadline.
const hostConsumerIdle = 31 * 24 * time.Hour

// constraintPoll is how long a list waits at most, in hand or back in its pool,
// before its constraints are held against a host again.
const constraintPoll = 15 * time.Second

// reactions: one durable for the host's own route, one for each pool, which
// the pool's workers share.
func (s *Service) reactions() []bus.Reaction {
	subject := func(route string) []string { return []string{events.TypeRunsRequested.Subject() + "." + route} }
	list := bus.Reaction{
		Service: "bench", Types: []events.Type{events.TypeRunsRequested},
		Concurrency: s.cfg.Capacity, AckWait: s.cfg.AckWait,
		MaxAttempts: redeliveries,
		GiveUpAfter: -1, // the list's own deadline decides
		BackoffMin:  time.Second, BackoffMax: constraintPoll,
		Grace:  s.cfg.StopWait,
		Handle: s.measure, OnDead: s.giveUp,
	}
	own := list
	own.Name, own.Subjects, own.InactiveThreshold = "host-"+s.token, subject(events.HostRoute(s.host)), hostConsumerIdle
	out := []bus.Reaction{own}
	for _, pool := range s.cfg.Pools {
		shared := list
		shared.Name, shared.Subjects = "pool-"+events.Token(pool), subject(events.PoolRoute(pool))
		out = append(out, shared)
	}
	return out
}

// measure works through one list, in order, and leaves out what has ended.
func (s *Service) measure(ctx context.Context, d *bus.Delivery) error {
	request, err := bus.As[events.RunsRequested](d)
	if err != nil {
		return err
	}
	list, err := s.readList(ctx, request.List)
	if err != nil {
		return err
	}
	if err := s.ready(ctx, d, request, list); err != nil {
		return err
	}
	if err := sleepUntil(ctx, list.StartAt); err != nil {
		return err
	}
	known := s.newSession(list)
	for _, inv := range list.Runs {
		inv.Host = s.host
		err := s.one(ctx, d, list, inv, known)
		if err := known.barrier.Leave(ctx, inv.Index); err != nil {
			s.log.Warn("the other hosts wait in vain for this one", "bench_id", list.Bench, "error", err)
		}
		if errors.Is(err, errLate) {
			return nil // inventory expires what has not started
		}
		if err != nil {
			return err
		}
	}
	s.tidy(list.Bench)
	return nil
}

// errLate: the deadline for starting has passed.
var errLate = errors.New("deadline has passed")

func (s *Service) readList(ctx context.Context, claim events.ClaimCheck) (events.RunList, error) {
	var list events.RunList
	raw, err := s.store.ReadAll(ctx, claim, maxList)
	if err != nil {
		return list, stored(err)
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return list, bus.Permanent(fmt.Errorf("read list: %w", err))
	}
	if len(list.Runs) == 0 {
		return list, bus.Permanent(errors.New("read list: it names no runs"))
	}
	return list, nil
}

// stored gives the store's errors their meaning for a reaction.
func stored(err error) error { return bus.ForClaim(err) }

// ready says whether the list may begin. Nothing needs to suit a list that
// is cancelled: its runs are only ended.
func (s *Service) ready(ctx context.Context, d *bus.Delivery, request events.RunsRequested, list events.RunList) error {
	why, err := s.cancellations.Check(ctx, list.Bench)
	if why != nil || err != nil {
		return err
	}
	wait := s.state.waits()
	defer wait()
	return s.suits(request, list, time.Since(d.Stored))
}

// suits holds the list's constraints against the host as it is now. The list
// of a host waits in its hand, that of a pool goes to another worker: soon if it
// is young, and the less often the longer nobody has suited it.
func (s *Service) suits(request events.RunsRequested, list events.RunList, age time.Duration) error {
	set, err := constraint.ParseAll(list.Where)
	if err != nil {
		return bus.Permanent(fmt.Errorf("constraints of the list: %w", err))
	}
	if time.Now().After(list.Deadline) {
		return nil // nothing will start
	}
	misses := set.Evaluate(constraint.Facts{Values: s.known()}).Misses
	if len(misses) == 0 {
		return nil
	}
	var why []string
	for _, m := range misses {
		why = append(why, m.Constraint+": "+m.Why)
	}
	err = fmt.Errorf("constraints do not hold now: %s", strings.Join(why, "; "))
	if request.Host != "" {
		return bus.Unavailable(err)
	}
	return bus.RetryAfter(err, min(max(age/4, time.Second), constraintPoll))
}

// maxStartWait bounds how far ahead a common start may lie: a host whose clock
// is wrong must not wait for ever.
const maxStartWait = 10 * time.Minute

func sleepUntil(ctx context.Context, at time.Time) error {
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

// one brings one invocation to its end, unless it has one.
func (s *Service) one(ctx context.Context, d *bus.Delivery, list events.RunList, inv events.Invocation, known *session) error {
	if err := s.adopting.wait(ctx, inv.Run); err != nil {
		return err
	}
	if done, err := s.settled(ctx, inv); done || err != nil {
		return err
	}
	r := &run{
		service: s, list: list, inv: inv, cause: d.Event, session: known,
		log: d.Log.With(slog.String("bench_id", inv.Bench), slog.String("run_id", inv.Run)),
	}
	why, err := s.cancellations.Check(ctx, inv.Bench)
	if err != nil {
		return err
	}
	if why != nil {
		return r.cancelled(ctx, why)
	}
	if enough, err := known.precision.Reached(ctx, inv); enough != "" || err != nil {
		if err != nil {
			return err
		}
		return r.notNeeded(ctx, enough)
	}
	if time.Now().After(list.Deadline) {
		return errLate
	}
	return r.execute(ctx)
}

// settled tells whether nothing is left to do for a run: it has ended, or its
// end waits in the spool.
func (s *Service) settled(ctx context.Context, inv events.Invocation) (bool, error) {
	holds, err := s.spool.Holds(inv.Run)
	if holds || err != nil {
		return holds, err
	}
	_, ended, err := s.bus.Ended(ctx, inv.EndFilter())
	if err != nil {
		return false, bus.Unavailable(err)
	}
	return ended, nil
}

// giveUp fails every run of a list that cannot be worked on.
func (s *Service) giveUp(ctx context.Context, d *bus.Delivery, cause error) error {
	request, ok := d.Event.Data.(events.RunsRequested)
	if !ok {
		return nil
	}
	refs, err := s.refsOf(ctx, request)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		ref.Host = s.host
		_, err := d.End(ctx, ref.Run, events.RunFailed{
			RunRef: ref, EndedAt: time.Now().UTC(),
			Reason: events.Clip("the worker gave up on the list: "+cause.Error(), events.MaxReason),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// refsOf reads the runs of a list, from the list or, should that be gone or
// damaged, from the placement that it is a part of.
func (s *Service) refsOf(ctx context.Context, request events.RunsRequested) ([]events.RunRef, error) {
	list, listErr := s.readList(ctx, request.List)
	if listErr == nil {
		var refs []events.RunRef
		for _, inv := range list.Runs {
			refs = append(refs, inv.RunRef)
		}
		return refs, nil
	}
	claim, err := s.store.Claim(ctx, artifacts.PlacementKey(request.Bench))
	if err != nil {
		return nil, errors.Join(listErr, err)
	}
	raw, err := s.store.ReadAll(ctx, claim, maxList)
	if err != nil {
		return nil, errors.Join(listErr, err)
	}
	var placed events.Placement
	if err := json.Unmarshal(raw, &placed); err != nil {
		return nil, errors.Join(listErr, err)
	}
	for _, slot := range placed.Slots {
		if slot.Slot == request.Slot {
			return slot.Runs, nil
		}
	}
	return nil, fmt.Errorf("slot %d is not in the placement: %w", request.Slot, listErr)
}
