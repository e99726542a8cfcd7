package plot_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/environment"
)

// The tails of a report are of all repeats together, from what fio counted; a
// run in doubt is no part of them, nor one that did not complete.
func TestAReportHoldsTheTailsOfAllRepeats(t *testing.T) {
	s := newSite(t)
	s.start()
	b := s.place("tails", 7) // three points, in turns
	s.publish(b.request, b.placed)
	data := s.measure(b.runs[0], "--rw=randread", "--rate_iops=20000")
	started := events.RunStarted{RunRef: b.runs[0], Facts: map[string]string{"kernel": "6.1.0-test"}, Device: &events.Device{Path: "/dev/test0", Model: "ACME"}}
	s.publish(events.New("fiord/bench", data.Run, &b.request, started))
	s.eventually("the start is archived", func() bool {
		_, err := s.store.Stat(t.Context(), artifacts.ArchiveKey(b.id, fmt.Sprintf("%s.started.%d", data.Run, data.Attempt)))
		return err == nil
	})
	ios := uint64(0)
	for i, run := range b.runs {
		if i%3 != 0 {
			s.publish(b.failed(i))
			continue
		}
		again := s.again(data, run)
		if i == 6 {
			again.Integrity = events.Integrity{State: events.IntegritySuspect, Findings: []events.Finding{{Check: "stall", State: events.IntegritySuspect, Evidence: "no I/O for 3 s"}}}
		} else {
			ios += data.Summary.Read.TotalIOs
		}
		s.publish(events.New("fiord/bench", run.Run, &b.request, again))
	}
	report := await[events.BenchReported](s)
	for _, a := range report.Reports {
		if a.Name != "report.md" {
			continue
		}
		body := artifactstest.Read(t, s.store, a.ClaimCheck)
		_, tails, ok := strings.Cut(body, "| runs | I/Os | p99 | p99.9 |")
		tails, _, _ = strings.Cut(tails, "\n\n")
		rows := strings.Split(tails, "\n")[2:]
		if !ok || len(rows) != 1 || !strings.Contains(rows[0], "| read | 2 | ") || !strings.Contains(strings.ReplaceAll(rows[0], ",", ""), fmt.Sprint(ios)) {
			t.Errorf("want one point with 2 runs and %d I/Os:\n%s", ios, body)
		}
		for _, text := range []string{"no I/O for 3 s", "fio ended with 1", "Measured on", "/dev/test0 ACME"} {
			if !strings.Contains(body, text) {
				t.Errorf("the summary does not say %q:\n%s", text, body)
			}
		}
		return
	}
	t.Error("there is no summary")
}

// A comparison of a percentile carries that of all I/Os of both sides, read from
// what fio counted, with intervals; the report shows it, and what differs on the
// machines.
func TestPercentilesAreComparedOverAllIOsOfBothSides(t *testing.T) {
	s := newSite(t)
	s.start()
	const runs = 15 // five repeats of three points
	var data events.RunCompleted
	bench := func(key string) events.BenchReported {
		b := s.place(key, runs, func(r *events.BenchRequested) { r.Compare = &events.Compare{Baseline: "main", Threshold: "5%"} })
		s.publish(b.request, b.placed)
		if data.Run == "" {
			data = s.measure(b.runs[0], "--rw=randread", "--rate_iops=20000")
		}
		for _, run := range b.runs {
			again := s.again(data, run)
			kernel := artifactstest.Put(t, s.store, artifacts.RunKey(run.Host, run.Run, run.Attempt, environment.File), "application/json", `{"kernel":{"release":"`+key+`"}}`)
			again.Artifacts = append(again.Artifacts, events.Artifact{Name: environment.File, ClaimCheck: kernel})
			s.publish(events.New("fiord/bench", run.Run, &b.request, again))
		}
		got := await[events.BenchReported](s)
		s.remembered(b, got)
		return got
	}
	bench("6.1.0")
	got := bench("6.2.0")
	ios, seen := data.Summary.Read.TotalIOs, 0
	for _, c := range got.Comparisons {
		m := c.Merged
		if (c.Metric == "read.p99") != (m != nil) {
			t.Fatalf("%s: %+v", c.Metric, m)
		}
		if m == nil {
			continue
		}
		seen++
		if !m.Interval || m.Before.IOs != 5*ios || m.After.IOs != 5*ios || m.Change != 0 || m.Before.Value < c.Before*0.98 || m.Before.Value > c.Before*1.02 || m.Before.Low != m.Before.High {
			t.Errorf("five times the same %d I/Os with a p99 of %v: %+v", ios, c.Before, m)
		}
	}
	if seen != 3 {
		t.Errorf("%d of 3 points have a merged p99: %+v", seen, got.Comparisons)
	}
	for _, a := range got.Reports {
		says := map[string]string{"report.html": "The I/Os of both sides", "report.md": "node-a: kernel.release: 6.1.0 → 6.2.0"}[a.Name]
		if says != "" && !strings.Contains(artifactstest.Read(t, s.store, a.ClaimCheck), says) {
			t.Errorf("%s does not say %q", a.Name, says)
		}
	}
}
