package attempt

import (
	"context"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/bench/measure"
)

// Session is what a worker remembers while it works through a list.
type Session struct {
	precision *measure.Precision
	barrier   *measure.Barrier
	filled    map[string]bool // by the job file that filled
}

// NewSession begins to work through a list.
func (w *Worker) NewSession(list events.RunList) *Session {
	return &Session{
		precision: measure.NewPrecision(list, w.Host, w.Bus), filled: map[string]bool{},
		barrier: measure.NewBarrier(w.Barriers, list, w.BarrierPatience),
	}
}

// Leave lets the other hosts of a synchronised bench begin an invocation without
// this one, if it has not begun it.
func (s *Session) Leave(ctx context.Context, index int) error { return s.barrier.Leave(ctx, index) }
