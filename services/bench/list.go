package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/constraint"
	"github.com/fiord-bench/fiord/services/bench/attempt"
	"github.com/fiord-bench/fiord/services/bench/measure"
)

// maxList bounds a list, which is read whole into memory.
const maxList = 64 << 20

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
	if err := measure.SleepUntil(ctx, list.StartAt); err != nil {
		return err
	}
	session := s.worker.NewSession(list)
	for _, inv := range list.Runs {
		inv.Host = s.host
		err := s.worker.Conduct(ctx, d.Event, d.Log, list, inv, session)
		if err := session.Leave(ctx, inv.Index); err != nil {
			s.log.Warn("the other hosts wait in vain for this one", "bench_id", list.Bench, "error", err)
		}
		if errors.Is(err, attempt.ErrLate) {
			return nil // inventory expires what has not started
		}
		if err != nil {
			return err
		}
	}
	s.worker.Tidy(list.Bench)
	return nil
}

func (s *Service) readList(ctx context.Context, claim events.ClaimCheck) (events.RunList, error) {
	var list events.RunList
	raw, err := s.store.ReadAll(ctx, claim, maxList)
	if err != nil {
		return list, bus.ForClaim(err)
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return list, bus.Permanent(fmt.Errorf("read list: %w", err))
	}
	if len(list.Runs) == 0 {
		return list, bus.Permanent(errors.New("read list: it names no runs"))
	}
	return list, nil
}

// ready says whether the list may begin. Nothing needs to suit a list that
// is cancelled: its runs are only ended.
func (s *Service) ready(ctx context.Context, d *bus.Delivery, request events.RunsRequested, list events.RunList) error {
	why, err := s.cancellations.Check(ctx, list.Bench)
	if why != nil || err != nil {
		return err
	}
	wait := s.status.Waits()
	defer wait()
	return s.suits(request, list, time.Since(d.Stored))
}

// suits holds the list's constraints against the host as it is now. The list
// of a host waits in its hand, that of a pool goes to another worker: soon if it
// is young, and less often the longer no worker has suited it.
func (s *Service) suits(request events.RunsRequested, list events.RunList, age time.Duration) error {
	set, err := constraint.ParseAll(list.Where)
	if err != nil {
		return bus.Permanent(fmt.Errorf("constraints of the list: %w", err))
	}
	if time.Now().After(list.Deadline) {
		return nil // nothing will start
	}
	misses := set.Evaluate(constraint.Facts{Values: s.status.Facts()}).Misses
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
