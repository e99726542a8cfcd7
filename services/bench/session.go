package bench

import (
	"context"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/bench/measure"
	"github.com/fiord-bench/fiord/services/bench/plan"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// session is what a worker remembers while it works through a list.
type session struct {
	precision *measure.Precision
	barrier   *measure.Barrier
	filled    map[string]bool // by the job file that filled
}

func (s *Service) newSession(list events.RunList) *session {
	return &session{
		precision: measure.NewPrecision(list, s.host, s.bus), filled: map[string]bool{},
		barrier: measure.NewBarrier(s.starts.KV, list, s.barrierPatience),
	}
}

// ready does what a bench wants done right before fio measures. It returns why
// the run has failed, "" if it may go on.
func (r *run) ready(ctx context.Context, a *spool.Attempt, p *plan.Plan) (string, error) {
	began := time.Now()
	failure, err := r.precondition(ctx, a, p)
	if failure != "" || err != nil {
		return failure, err
	}
	if m := r.list.Measure; m != nil && m.DropCaches {
		if err := measure.DropCaches(); err != nil {
			return err.Error(), nil
		}
		r.prepared = append(r.prepared, "page cache dropped")
	}
	if r.common, err = r.session.barrier.Wait(ctx, r.inv.Index); err != nil {
		return "", err
	}
	if r.common != nil {
		if err := sleepUntil(ctx, r.common.At); err != nil {
			return "", err
		}
	}
	r.begun = r.begun.Add(time.Since(began)) // asked for: no overhead of ours
	return "", nil
}
