package bench

import (
	"errors"
	"maps"
	"slices"

	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/host/runner"
)

// makeRoom removes what earlier jobs laid out, until the run fits.
func (r *run) makeRoom(g guard.Grant) error {
	freed, err := r.service.laidOut.MakeRoom(g)
	for _, f := range freed {
		r.log.Info("removed what earlier jobs laid out, for its space", "files", f.Files, "bytes", f.Bytes)
	}
	return err
}

// laysOut notes what a run may make, before it begins.
func (r *run) laysOut(g guard.Grant) error {
	return r.service.laidOut.Begin(r.inv.Bench, r.inv.Run, slices.Sorted(maps.Keys(g.Files)))
}

// hasLaidOut notes what a run has made, unless it goes on without this worker:
// then the next one does. Results are worth no less if that fails, and the
// files are kept.
func (r *run) hasLaidOut(end error) {
	if errors.Is(end, runner.ErrLeft) {
		return
	}
	if err := r.service.laidOut.End(r.inv.Run); err != nil {
		r.log.Warn("what the run laid out is not noted", "error", err)
	}
}

// tidy removes what the jobs of a bench made, of all if it is "", if the owner
// wants that.
func (s *Service) tidy(bench string) {
	removed, err := s.laidOut.Tidy(bench)
	if err != nil {
		s.log.Warn("some of what jobs laid out is not removed", "bench_id", bench, "error", err)
	}
	if len(removed) > 0 {
		s.log.Info("removed what jobs laid out", "bench_id", bench, "files", len(removed))
	}
}

// settleLaidOut looks for what the runs of an earlier worker made, but for
// those that still go on.
func (s *Service) settleLaidOut(adopted map[runner.Key]bool) error {
	going := map[string]bool{}
	for key := range adopted {
		going[key.Run] = true
	}
	if err := s.laidOut.Settle(going); err != nil {
		return err
	}
	s.tidy("")
	return nil
}
