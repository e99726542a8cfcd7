package plan

import (
	"errors"
	"path/filepath"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/services/bench/measure"
)

// fillDir is the folder of a filling, in that of its attempt.
const fillDir = "precondition"

// fill makes the plan that writes everything which a run measures, for a bench
// that wants its targets preconditioned; nil if it does not.
func (p *Planner) fill(r Request) (*Plan, []events.Problem) {
	m := r.List.Measure
	if m == nil || !m.Precondition {
		return nil, nil
	}
	dir := filepath.Join(r.Dir, fillDir)
	file, err := p.Parse(r.Invocation.Job, r.Text)
	if err != nil {
		return nil, problemsOf(err)
	}
	if err := errors.Join(apply(file, r.Invocation.Point), measure.Fill(file, m.Passes)); err != nil {
		return nil, problemsOf(err)
	}
	if _, err := file.AddLogs(job.Logs{Prefix: filepath.Join(dir, runner.LogDir, logPrefix)}); err != nil {
		return nil, problemsOf(err) // the job's own logs, kept from its files
	}
	made, refused := p.assemble(r, file, dir)
	if len(refused) > 0 {
		return nil, refused
	}
	if slices.ContainsFunc(made.Volumes, func(v runner.Volume) bool { return v.Fresh }) {
		return nil, problemsOf(&measure.Unoffered{Option: "measure.precondition", Instead: "each start of fio gets a volume of its own here, which holds what it was made of"})
	}
	return made, nil
}
