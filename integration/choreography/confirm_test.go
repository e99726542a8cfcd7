package choreography_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/inventory"
)

// Jobs that do so many I/Os per second, long enough to be believed, and the same half as fast.
const (
	fastJob = "[r]\nioengine=null\nrw=randread\nsize=1g\ntime_based\nruntime=1100ms\nrate_iops=2000\n"
	halfJob = "[r]\nioengine=null\nrw=randread\nsize=1g\ntime_based\nruntime=1100ms\nrate_iops=1000\n"
)

// measured asks for a bench of one job in a commit's name, which wants
// regressions confirmed.
func (w *world) measured(job, commit string) (bench string) {
	w.t.Helper()
	return w.request(job, func(r *events.BenchRequested) {
		r.Repeat = 5
		r.Compare = &events.Compare{Baseline: "main", Metrics: []string{"iops"}, Threshold: "20%", Confirm: new(true)}
		r.Origin = &events.Origin{
			Repo: events.Repo{Forge: "git", Name: "lab/jobs", CloneURL: "https://forge.example/lab/jobs"},
			Ref:  "refs/heads/main", Commit: strings.Repeat(commit, 40),
		}
	})
}

// secondLook waits for the bench that confirms another.
func (w *world) secondLook(first string) (bench string) {
	w.t.Helper()
	w.eventually("a second look at "+first, func() bool {
		for _, e := range w.all(func(e events.Event) bool { return e.Type == events.TypeBenchRequested }) {
			if e.Data.(events.BenchRequested).Confirms == first {
				bench = events.BenchID(e)
			}
		}
		return bench != ""
	})
	return bench
}

// baseline measures what later benches are held against.
func (w *world) baseline() {
	w.t.Helper()
	bench := w.measured(fastJob, "a")
	if r := ended[events.BenchReported](w, bench); r.Verdict != events.VerdictBaseline {
		for _, c := range of[events.RunCompleted](w, bench) {
			w.t.Logf("run %d: %+v, %.0f IOPS", c.Index, c.Integrity, c.Summary.Read.IOPS)
		}
		w.t.Fatalf("the baseline was reported %s: %s", r.Verdict, r.Headline)
	}
	w.settled()
}

// A commit that makes a job slower for real is found out side by side, by two
// replicas of everything, and told once.
func TestARegressionIsConfirmedSideBySide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		w.inventory(nil)
		w.plot()
	}
	w.worker(w.workerConfig("sides"))
	w.baseline()
	first := w.measured(halfJob, "b")
	report := ended[events.BenchReported](w, first)
	second := w.secondLook(first)
	if c := report.Confirmation; report.Verdict != events.VerdictRegressed || c == nil || c.Outcome != events.OutcomeConfirmed || c.Bench != second {
		t.Errorf("reported %s %+v: %s", report.Verdict, c, report.Headline)
	}
	if report.Shift == nil || report.Shift.Since != first || report.Shift.Reports != 1 {
		t.Errorf("shift %+v", report.Shift)
	}
	var order []string
	for _, s := range of[events.RunStarted](w, second) {
		order = append(order, strings.TrimSuffix(s.Job, "/a.fio"))
		if s.Host != "sides" {
			t.Errorf("measured again on %s", s.Host)
		}
	}
	want := slices.Repeat([]string{"before", "after", "after", "before"}, events.ComparedRepeat)[:2*events.ComparedRepeat]
	if !slices.Equal(order, want) {
		t.Errorf("measured in the order %v, want %v", order, want)
	}
	still := ended[events.BenchReported](w, w.measured(halfJob, "c"))
	if still.Shift == nil || still.Shift.Since != first || still.Shift.Reports != 2 || !strings.HasPrefix(still.Headline, "Still regressed, since bbbbbbb") {
		t.Errorf("the next is told as %+v: %s", still.Shift, still.Headline)
	}
	back := ended[events.BenchReported](w, w.measured(fastJob, "d"))
	if back.Recovered == nil || back.Recovered.Since != first || back.Shift != nil {
		t.Errorf("the fixed one is told as %+v: %s", back.Recovered, back.Headline)
	}
	w.settled()
	w.expectOneEach(first, 5)
	w.expectOneEach(second, 2*events.ComparedRepeat)
	if n := len(w.all(func(e events.Event) bool { return e.Type == events.TypeBenchRequested })); n != 5 {
		t.Errorf("%d benches were asked for, want four and one second look", n)
	}
}

// What slowed the first look down has gone at the second: nobody is told.
func TestADisturbanceIsNotConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inventory(nil)
	w.plot()
	cfg := w.workerConfig("disturbed")
	disturbed := w.disturbable(&cfg.Fio)
	cfg.Process.Sandbox = "off" // that fio is a script with other things to do
	w.worker(cfg)
	w.baseline()
	disturbed(true)
	first := w.measured(fastJob, "b")
	w.eventually("all runs of the first look", func() bool { return len(of[events.RunCompleted](w, first)) == 5 })
	disturbed(false)
	report := ended[events.BenchReported](w, first)
	second := w.secondLook(first)
	if c := report.Confirmation; report.Verdict != events.VerdictUnchanged || c == nil || c.Outcome != events.OutcomeNotConfirmed || c.Bench != second || report.Shift != nil {
		t.Errorf("reported %s %+v: %s", report.Verdict, c, report.Headline)
	}
	for _, r := range of[events.RunCompleted](w, first) {
		if got := r.Summary.Read.IOPS; got > 1200 {
			t.Errorf("the first look was not disturbed: %.0f IOPS", got)
		}
	}
	w.settled()
	w.expectOneEach(first, 5)
	w.expectOneEach(second, events.ComparedRepeat)
}

// disturbable puts a fio in place of the worker's that does half the I/Os while
// it is disturbed, as a neighbour on the same disk would have it.
func (w *world) disturbable(fio *string) (disturb func(bool)) {
	w.t.Helper()
	real, err := exec.LookPath("fio")
	if err != nil {
		w.t.Fatal(err)
	}
	dir := w.t.TempDir()
	flag := filepath.Join(dir, "disturbed")
	script := fmt.Sprintf(`#!/bin/sh
if [ -e %q ]; then
	for arg; do case $arg in *.fio) sed -i s/rate_iops=2000/rate_iops=1000/ "$arg";; esac; done
fi
exec %q "$@"
`, flag, real)
	*fio = filepath.Join(dir, "fio")
	if err := os.WriteFile(*fio, []byte(script), 0o755); err != nil { //nolint:gosec // it must be executable
		w.t.Fatal(err)
	}
	return func(yes bool) {
		w.t.Helper()
		var err error
		if yes {
			err = os.WriteFile(flag, nil, 0o600)
		} else {
			err = os.Remove(flag)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// The host went away in between: that is told, and no regression.
func TestASecondLookWhoseHostIsGoneIsImpossible(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inventory(func(c *inventory.Config) { c.LostAfter = 10 * time.Second })
	stop := w.plot()
	leave := w.worker(w.workerConfig("gone"))
	w.baseline()
	stop()
	first := w.measured(halfJob, "b")
	w.eventually("all runs of the first look", func() bool { return len(of[events.RunCompleted](w, first)) == 5 })
	leave()
	w.eventually("absence of the host", func() bool {
		kv, err := w.bus.JetStream().KeyValue(t.Context(), "fiord-hosts")
		if err != nil {
			t.Fatal(err)
		}
		keys, _ := kv.Keys(t.Context())
		return len(keys) == 0
	})
	w.plot()
	report := ended[events.BenchReported](w, first)
	if c := report.Confirmation; report.Verdict != events.VerdictInconclusive || c == nil || c.Outcome != events.OutcomeImpossible || report.Shift != nil {
		t.Errorf("reported %s %+v: %s", report.Verdict, c, report.Headline)
	}
	ended[events.BenchUnplaced](w, w.secondLook(first))
	w.settled()
	w.expectOneEach(first, 5)
}

// A newer push makes a bench pointless while it is measured again: both end.
func TestSupersedingABenchEndsItsSecondLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inventory(nil)
	w.plot()
	w.worker(w.workerConfig("superseded"))
	w.baseline()
	first := w.measured(halfJob, "b")
	second := w.secondLook(first)
	await[events.RunStarted](w, second, 1)
	w.emit("newer", events.CancelRequested{
		Bench: first, Reason: "a newer push to refs/heads/main", By: "fiord/ingest", SupersededBy: events.HashID("newer push"), QueuedOnly: true,
	})
	if end := ended[events.BenchCancelled](w, first); end.By != "fiord/ingest" || end.Counts.Completed != 5 {
		t.Errorf("the first ended with %+v", end)
	}
	if end := ended[events.BenchCancelled](w, second); end.Confirms != first || !strings.Contains(end.Reason, "a newer push") {
		t.Errorf("the second look ended with %+v", end)
	}
	w.settled()
	w.expectOneEach(first, 5)
	w.expectOneEach(second, 2*events.ComparedRepeat)
}
