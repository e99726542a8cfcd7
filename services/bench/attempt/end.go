package attempt

import (
	"context"
	"errors"
	"fmt"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/volume"
	"github.com/fiord-bench/fiord/services/bench/cancellation"
)

// Ends of runs whose fio was not started. They have no artifacts, so they go
// to the bus at once; what could not be published is done again at redelivery.

func (r *run) cancelled(ctx context.Context, why *cancellation.Error) error {
	return r.end(ctx, events.RunCancelled{RunRef: r.inv.RunRef, Reason: events.Clip(why.Reason, events.MaxReason), By: why.By, EndedAt: now()})
}

func (r *run) failed(ctx context.Context, starts int, reason string) error {
	ref := r.inv.RunRef
	ref.Attempt = starts
	return r.end(ctx, events.RunFailed{RunRef: ref, Reason: events.Clip(reason, events.MaxReason), EndedAt: now()})
}

// ruleEngine is the rule of what the container engine itself refused.
const ruleEngine = "engine"

// refused ends a run that the guard or the parser would not let start, or
// passes on why it could not be judged.
func (r *run) refused(ctx context.Context, problems []events.Problem, err error) error {
	var volumes volume.Refused
	if errors.As(err, &volumes) {
		problems = volumes
	}
	switch {
	case len(problems) > 0:
		return r.end(ctx, events.RunRejected{RunRef: r.inv.RunRef, Problems: problems, EndedAt: now()})
	case errors.Is(err, runner.ErrRefused):
		return r.end(ctx, events.RunRejected{RunRef: r.inv.RunRef, EndedAt: now(), Problems: []events.Problem{{
			Rule: ruleEngine, Message: events.Clip(err.Error(), events.MaxMessage),
		}}})
	case errors.Is(err, runner.ErrUnavailable):
		return bus.Unavailable(err)
	case errors.Is(err, runner.ErrUnsupported):
		return r.failed(ctx, 0, err.Error())
	default:
		return err
	}
}

// unfetched ends a run whose job file is gone or damaged; an absent store is
// waited for.
func (r *run) unfetched(ctx context.Context, err error) error {
	if errors.Is(err, artifacts.ErrNotFound) || errors.Is(err, artifacts.ErrCorrupt) || errors.Is(err, artifacts.ErrTooLarge) {
		return r.end(ctx, events.RunRejected{RunRef: r.inv.RunRef, EndedAt: now(), Problems: []events.Problem{{
			File: r.inv.Job, Rule: "missing", Message: events.Clip("the job file cannot be read: "+err.Error(), events.MaxMessage),
		}}})
	}
	return bus.ForClaim(err)
}

// notNeeded ends a repeat that is left out.
func (r *run) notNeeded(ctx context.Context, why string) error {
	return r.end(ctx, events.RunCancelled{
		RunRef: r.inv.RunRef, Code: events.CodeNotNeeded, By: r.worker.Source, EndedAt: now(),
		Reason: events.Clip("not needed: "+why+", within "+r.list.Measure.Spread, events.MaxReason),
	})
}

// end publishes a terminal, unless the run has one.
func (r *run) end(ctx context.Context, data events.Data) error {
	ending, err := r.worker.Bus.End(ctx, events.New(r.worker.Source, r.inv.Run, &r.cause, data))
	if err != nil {
		if errors.Is(err, bus.ErrNotAcknowledged) {
			return bus.Unavailable(err)
		}
		return fmt.Errorf("end run %s: %w", r.inv.Run, err)
	}
	r.worker.Ended(ending, data.EventType())
	r.log.Info("run ended", "end", ending.Event.Type, "ours", ending.Won)
	r.enter(Ended)
	return nil
}
