package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/volume"
	"github.com/fiord-bench/fiord/services/bench/cancellation"
)

// Ends of runs whose fio was not started. They have no artifacts, so they go
// to the bus at once; what could not be told is done again at redelivery.

func (r *run) cancelled(ctx context.Context, why *cancellation.Error) error {
	return r.end(ctx, events.RunCancelled{RunRef: r.inv.RunRef, Reason: events.Clip(why.Reason, events.MaxReason), By: why.By, EndedAt: now()})
}

func (r *run) failed(ctx context.Context, starts int, reason string) error {
	ref := r.inv.RunRef
	ref.Attempt = starts
	return r.end(ctx, events.RunFailed{RunRef: ref, Reason: events.Clip(reason, events.MaxReason), EndedAt: now()})
}

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
	return stored(err)
}

// notNeeded ends a repeat that is left out.
func (r *run) notNeeded(ctx context.Context, why string) error {
	return r.end(ctx, events.RunCancelled{
		RunRef: r.inv.RunRef, Code: events.CodeNotNeeded, By: source, EndedAt: now(),
		Reason: events.Clip("not needed: "+why+", within "+r.list.Measure.Spread, events.MaxReason),
	})
}

// end publishes a terminal, unless the run has one.
func (r *run) end(ctx context.Context, data events.Data) error {
	ending, err := r.service.bus.End(ctx, events.New(source, r.inv.Run, &r.cause, data))
	if err != nil {
		if errors.Is(err, bus.ErrNotAcknowledged) {
			return bus.Unavailable(err)
		}
		return fmt.Errorf("end run %s: %w", r.inv.Run, err)
	}
	r.service.ended(ending, data.EventType())
	r.log.Info("run ended", "end", ending.Event.Type, "ours", ending.Won)
	r.show("ended")
	return nil
}

// ended counts what this worker ended, not what it found ended.
func (s *Service) ended(e bus.Ending, as events.Type) {
	if e.Won {
		s.metrics.runs.WithLabelValues(as.Verb()).Inc()
	}
}

func now() time.Time { return time.Now().UTC() }

// maxStartedFacts bounds the facts in run.started.
const maxStartedFacts = 150

// firstFacts leaves out what an event has no room for; environment.json has all.
func firstFacts(all map[string]string) map[string]string {
	names := make([]string, 0, len(all))
	for n, v := range all {
		if len(v) <= 200 {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	out := map[string]string{}
	for _, n := range names[:min(len(names), maxStartedFacts)] {
		out[n] = all[n]
	}
	return out
}
