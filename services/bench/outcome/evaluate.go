package outcome

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/host/integrity"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/host/summary"
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
func (a Attempt) evaluate(exit runner.Exit) (done events.RunCompleted, problem string, err error) {
	done = events.RunCompleted{
		RunRef: a.RunRef, StartedAt: exit.Started.UTC(), EndedAt: exit.Ended.UTC(),
		HostClass: a.HostClass, DeviceClass: a.DeviceClass, Leases: a.Leases,
	}
	output, problem, err := a.read()
	if problem != "" || err != nil {
		return done, problem, err
	}
	document := output.Document()
	done.Integrity = integrity.Judge(integrity.Evidence{
		Job: output.Job, Output: output, Logs: filepath.Join(a.Dir, runner.LogDir), Stderr: complaints(a.Dir),
		Meanwhile: a.Meanwhile,
	})
	note, late := a.Common.Check(exit.Started)
	prepared := a.Prepared
	if note != "" {
		prepared = append(slices.Clip(prepared), note)
	}
	if len(late) > 0 && done.Integrity.State == events.IntegrityOK {
		done.Integrity.State = events.IntegritySuspect
	}
	findings := slices.Concat(a.Findings, late)
	if room := maxFindings - len(done.Integrity.Findings); room > 0 {
		done.Integrity.Findings = append(done.Integrity.Findings, findings[:min(room, len(findings))]...)
	}
	done.Summary = summary.Of(document)
	return done, "", writeResult(a.Dir, resultDocument{Document: document, Integrity: done.Integrity, Prepared: prepared})
}

// read returns fio's report, with the job file that was run.
func (a Attempt) read() (output *result.Output, problem string, err error) {
	report, err := os.Open(filepath.Join(a.Dir, runner.OutputFile)) //nolint:gosec // the attempt's own
	if err != nil {
		return nil, "fio ended well and left no report: " + err.Error(), nil
	}
	defer func() { _ = report.Close() }()
	output, err = result.Read(report)
	if err != nil {
		if errors.Is(err, result.ErrNoResult) || errors.Is(err, result.ErrTooLarge) {
			return nil, "fio ended well, but its report cannot be read: " + err.Error(), nil
		}
		return nil, "", fmt.Errorf("read report: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(a.Dir, runner.JobFile)) //nolint:gosec // the attempt's own
	if err != nil {
		return nil, "", fmt.Errorf("read job: %w", err)
	}
	if output.Job, err = a.Parse(a.RunRef.Job, text); err != nil {
		return nil, "", fmt.Errorf("read job that was run: %w", err)
	}
	return output, "", nil
}

func writeResult(dir string, d resultDocument) error {
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, ResultFile), b, 0o600); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
