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
	"github.com/fiord-bench/fiord/services/bench/facts"
	"github.com/fiord-bench/fiord/services/bench/runner"
	"github.com/fiord-bench/fiord/services/bench/spool"
	"github.com/fiord-bench/fiord/services/bench/verdict"
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
	file, err := r.service.parse(r.inv.Job, text)
	if err != nil {
		return done, "", fmt.Errorf("read job that was run: %w", err)
	}
	document := output.Document()
	done.Integrity = verdict.Judge(verdict.Evidence{
		Job: file, Output: output, Logs: filepath.Join(a.Dir, runner.LogDir), Stderr: complaints(a.Dir),
		Meanwhile: r.meanwhile,
	})
	told, found := r.common.togetherness(exit.Started)
	if told != "" {
		r.prepared = append(r.prepared, told)
	}
	if len(found) > 0 && done.Integrity.State == events.IntegrityOK {
		done.Integrity.State = events.IntegritySuspect
	}
	r.findings = append(r.findings, found...)
	if room := maxFindings - len(done.Integrity.Findings); room > 0 {
		done.Integrity.Findings = append(done.Integrity.Findings, r.findings[:min(room, len(r.findings))]...)
	}
	done.Summary = summary(document)
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

// summary is the part of the result that events carry.
func summary(d *result.Document) events.Summary {
	return events.Summary{
		FioVersion: d.FioVersion,
		Read:       figures(d.Summary.Read), Write: figures(d.Summary.Write), Trim: figures(d.Summary.Trim),
	}
}

func figures(f *result.Figures) *events.Figures {
	if f == nil {
		return nil
	}
	out := &events.Figures{
		IOPS: f.IOPS, BandwidthBytes: f.BWBytes,
		TotalIOs: uint64(max(0, f.TotalIOs)), TotalBytes: uint64(max(0, f.Bytes)), RuntimeMS: uint64(max(0, f.RuntimeMS)), //nolint:gosec // not negative
	}
	if l := f.Latency; l != nil {
		out.Latency = events.Latency{Of: string(l.Of), Mean: l.Mean, P50: l.P50, P95: l.P95, P99: l.P99, P999: l.P999, Max: l.Max}
	}
	return out
}

// deviceOf is the device measured, as run.started names it.
func deviceOf(env facts.Environment) *events.Device {
	t := env.Target
	if t == nil || t.Device == "" {
		return nil
	}
	return &events.Device{
		Path: t.Device, Model: clip(t.Models(), 250), Serial: t.Serial, WWN: t.WWN, Firmware: t.Firmware, Size: t.Size,
		Scheduler: t.Queue["scheduler"],
	}
}

// expected is how long a job says it will take, 0 when it does not say: jobs
// side by side take as long as the longest, those behind a stonewall add up.
func expected(text []byte) time.Duration {
	file, err := job.Parse("job", text, job.Config{})
	if err != nil {
		return 0
	}
	var total, group time.Duration
	for _, j := range file.Jobs() {
		runtime, err := j.Time("runtime", time.Second)
		if err != nil || runtime == 0 || !j.Bool("time_based", false) {
			return 0
		}
		ramp, _ := j.Time("ramp_time", time.Second)
		if j.Bool("stonewall", false) {
			total, group = total+group, 0
		}
		group = max(group, runtime+ramp)
	}
	return total + group
}
