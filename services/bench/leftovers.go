package bench

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/host/runner"
)

// What becomes of files that jobs laid out, by the owner's setting.
const (
	leftoversReclaim = "reclaim" // reused by name; removed when another job needs the space
	leftoversRemove  = "remove"  // removed once the list that made them has been worked through
	leftoversKeep    = "keep"    // reused by name; named when a job is refused for want of space
)

// ledgerFile below the state folder holds what jobs laid out.
const ledgerFile = "laidout.json"

// leftoversOn tells the guard what earlier jobs left on a file system.
func (s *Service) leftoversOn(system uint64, but map[string]bool) guard.Leftovers {
	idle := s.laidOut.Idle(system, but)
	left := guard.Leftovers{Removable: s.cfg.Leftovers != leftoversKeep, Inodes: uint64(len(idle))}
	var paths []string
	for _, f := range idle {
		left.Bytes += f.Bytes
		if !f.Folder {
			paths = append(paths, f.Path)
		}
	}
	if len(paths) == 0 {
		return left
	}
	const named = 5
	more := ""
	if n := len(paths) - named; n > 0 {
		paths, more = paths[:named], fmt.Sprintf(" and %d more", n)
	}
	left.Remedy = fmt.Sprintf("earlier jobs laid out files of %d MiB there that no run uses: rm %s%s", (left.Bytes+1<<19)>>20, strings.Join(paths, " "), more)
	if s.cfg.Leftovers == leftoversKeep {
		left.Remedy += ", or set leftovers: reclaim"
	}
	return left
}

// makeRoom removes what earlier jobs laid out, from what was used longest ago,
// until a run fits that the guard let through for that.
func (r *run) makeRoom(g guard.Grant) error {
	s := r.service
	for _, lack := range g.Short {
		var paths []string
		bytes, inodes := uint64(0), uint64(0)
		for _, f := range s.laidOut.Idle(lack.System, g.Files) {
			if bytes >= lack.Bytes && inodes >= lack.Inodes {
				break
			}
			paths = append(paths, f.Path)
			bytes, inodes = bytes+f.Bytes, inodes+1
		}
		removed, err := s.laidOut.Remove(paths)
		r.log.Info("removed what earlier jobs laid out, for its space", "files", len(removed), "bytes", bytes)
		if err != nil {
			return fmt.Errorf("make room: %w", err)
		}
	}
	return nil
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

// tidy removes what the jobs of a list laid out, if the owner wants that.
func (s *Service) tidy(list events.RunList) {
	if s.cfg.Leftovers == leftoversRemove {
		s.removeLaidOut(list.Bench)
	}
}

// removeLaidOut removes what the jobs of a bench made, of all if it is "".
func (s *Service) removeLaidOut(bench string) {
	removed, err := s.laidOut.Remove(s.laidOut.Of(bench))
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
	if s.cfg.Leftovers == leftoversRemove {
		s.removeLaidOut("")
	}
	return nil
}

func (c Config) ledger() string { return filepath.Join(c.StateDir, ledgerFile) }
