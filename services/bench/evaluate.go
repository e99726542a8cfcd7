package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/host/integrity"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/host/summary"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// maxFindings is what an event carries.
const maxFindings = 50

// resultDocument is result.json: what fio measured, and whether to believe it.
type resultDocument struct {
	*result.Document
	Integrity events.Integrity `json:"integrity"`
	Prepared  []string         `json:"prepared,omitempty"` // what was done before fio started, in words
}

// evaluate reads fio's report, judges its integrity and writes result.json.
// problem says why a run whose fio ended well has failed all the same.
func (r *run) evaluate(a *spool.Attempt, o order, exit runner.Exit) (events.RunCompleted, string, error) {
	done := events.RunCompleted{
		RunRef: r.inv.RunRef, StartedAt: exit.Started.UTC(), EndedAt: exit.Ended.UTC(),
		HostClass: o.HostClass, DeviceClass: o.DeviceClass, Leases: o.Leases,
	}
	report, err := os.Open(filepath.Join(a.Dir, runner.OutputFile)) //nolint:gosec // the attempt's own
	if err != nil {
		return done, "fio ended well and left no report: " + err.Error(), nil
	}
	defer func() { _ = report.Close() }()
	output, err := result.Read(report)
	if err != nil {
		if errors.Is(err, result.ErrNoResult) || errors.Is(err, result.ErrTooLarge) {
			return done, "fio ended well, but its report cannot be read: " + err.Error(), nil
		}
		return done, "", fmt.Errorf("read report: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(a.Dir, runner.JobFile)) //nolint:gosec // the attempt's own
	if err != nil {
		return done, "", fmt.Errorf("read job: %w", err)
	}
	file, err := r.service.plans.Parse(r.inv.Job, text)
	if err != nil {
		return done, "", fmt.Errorf("read job that was run: %w", err)
	}
	output.Job = file
	document := output.Document()
	done.Integrity = integrity.Judge(integrity.Evidence{
		Job: file, Output: output, Logs: filepath.Join(a.Dir, runner.LogDir), Stderr: complaints(a.Dir),
		Meanwhile: r.meanwhile,
	})
	note, found := r.common.Check(exit.Started)
	if note != "" {
		r.prepared = append(r.prepared, note)
	}
	if len(found) > 0 && done.Integrity.State == events.IntegrityOK {
		done.Integrity.State = events.IntegritySuspect
	}
	r.findings = append(r.findings, found...)
	if room := maxFindings - len(done.Integrity.Findings); room > 0 {
		done.Integrity.Findings = append(done.Integrity.Findings, r.findings[:min(room, len(r.findings))]...)
	}
	done.Summary = summary.Of(document)
	return done, "", writeResult(a.Dir, resultDocument{Document: document, Integrity: done.Integrity, Prepared: r.prepared})
}

func writeResult(dir string, d resultDocument) error {
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, resultFile), b, 0o644); err != nil { //nolint:gosec // as the store's readers do
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// deviceOf is the device measured, as run.started names it.
func deviceOf(env facts.Environment) *events.Device {
	t := env.Target
	if t == nil || t.Device == "" {
		return nil
	}
	return &events.Device{
		Path: t.Device, Model: events.Clip(t.Models(), 250), Serial: t.Serial, WWN: t.WWN, Firmware: t.Firmware, Size: t.Size,
		Scheduler: t.Queue["scheduler"],
	}
}

// expected is how long a job says it will take, 0 when it does not say.
func expected(text []byte) time.Duration {
	file, err := job.Parse("job", text, job.Config{})
	if err != nil {
		return 0
	}
	if p := file.Plan(); p.Exact {
		return p.Duration
	}
	return 0
}
