package chaos_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
)

// TestAKilledPlotConfirmsOnce kills plot at each step of a confirmation, one
// after the other: with the doubt not stored, and stored and nothing asked for;
// with the second look's verdict and the first's stored and nobody told; and told
// and not remembered. The regression is measured again once, confirmed, and told
// once.
func TestAKilledPlotConfirmsOnce(t *testing.T) {
	w := newWorld(t)
	baseline := w.request("baseline", 2000, "")
	w.reportOf(baseline)
	plot := w.services["plot"]
	arm := plot.proxy.holdAt("/confirm.json", false)
	first := w.request("first", 1000, baseline)
	dies := func(part string, after bool) {
		t.Helper()
		w.reach(arm)
		plot.proxy.release()
		plot.kill()
		if part != "" {
			arm = plot.proxy.holdAt(part, after)
		}
		plot.start()
	}
	dies("/confirm.json", true)
	w.reach(arm)
	if w.asked(first) != 0 {
		t.Error("a second look was asked for before the doubt was known to be stored")
	}
	dies("/verdict.json", true)
	second := events.BenchID(w.await("a second look", func(e events.Event) bool { return confirms(e) == first }))
	dies(artifacts.ReportKey(first, "verdict.json"), true)
	dies(artifacts.PrefixArchive+"history/", true)
	dies("", false)

	w.reportOf(second)
	report := w.reportOf(first)
	if c := report.Confirmation; report.Verdict != events.VerdictRegressed || c == nil || c.Outcome != events.OutcomeConfirmed || c.Bench != second {
		t.Errorf("reported %s %+v: %s", report.Verdict, c, report.Headline)
	}
	if n := w.asked(first); n != 1 {
		t.Errorf("%d requests for a second look", n)
	}
	w.eventually("the first bench in its history", func() bool { return w.remembered(first) })
	ends := map[string]int{}
	for _, e := range w.events(func(e events.Event) bool { return e.Type.Ends() != "" }) {
		if ends[e.Subject]++; ends[e.Subject] > 1 {
			t.Errorf("%s %s ended twice", e.Type.Noun(), e.Subject)
		}
	}
	if len(ends) != 3+5+5+2*events.ComparedRepeat {
		t.Errorf("%d ends, want those of three benches, ten runs and those of the second look", len(ends))
	}
	w.nothingLeft()
}

// request asks for a bench in a commit's name, whose job does so many I/Os per
// second, against a baseline.
func (w *world) request(key string, rate int, baseline string) string {
	w.t.Helper()
	commit := strings.Repeat("a", 40)
	data := events.BenchRequested{
		Name: "null", Repeat: 5, Jobs: []events.Job{{Name: "null.fio", Inline: nullJob(rate)}},
		Origin: &events.Origin{Repo: events.Repo{Forge: "git", Name: "lab/jobs", CloneURL: w.git.bare}, Ref: "refs/heads/main", Commit: commit},
	}
	if baseline != "" {
		data.Compare = &events.Compare{Baseline: baseline, Metrics: []string{"iops"}, Threshold: "20%", Confirm: new(true)}
	}
	e, err := w.bus.Emit(w.t.Context(), key, nil, data)
	if err != nil {
		w.t.Fatal(err)
	}
	return events.BenchID(e)
}

// nullJob measures nothing for so long that it is believed.
func nullJob(rate int) string {
	return fmt.Sprintf("[null]\nioengine=null\nrw=randread\nbs=4k\nsize=1g\nruntime=1100ms\ntime_based=1\nrate_iops=%d\n", rate)
}

func (w *world) reportOf(bench string) events.BenchReported {
	w.t.Helper()
	e := w.await("end of bench "+bench, func(e events.Event) bool { return e.Type.Ends() == "bench" && e.Subject == bench })
	report, ok := e.Data.(events.BenchReported)
	if !ok || report.Counts.Completed != report.Counts.Planned || report.Verdict == events.VerdictInvalid {
		w.t.Fatalf("bench %s ended with %s: %+v", bench, e.Type, e.Data)
	}
	return report
}

// confirms is the bench that a request confirms.
func confirms(e events.Event) string {
	d, ok := e.Data.(events.BenchRequested)
	if !ok {
		return ""
	}
	return d.Confirms
}

// asked counts the requests that confirm a bench.
func (w *world) asked(first string) int {
	return len(w.events(func(e events.Event) bool { return confirms(e) == first }))
}

// remembered tells whether a bench is the last of a history, with its shift.
func (w *world) remembered(bench string) bool {
	for info, err := range w.store.List(w.t.Context(), artifacts.PrefixArchive+"history/") {
		if err != nil {
			w.t.Fatal(err)
		}
		claim, err := w.store.Claim(w.t.Context(), info.Key)
		if err != nil {
			return false
		}
		raw, err := w.store.ReadAll(w.t.Context(), claim, 1<<20)
		if err != nil {
			return false // replaced meanwhile
		}
		var history struct {
			Open    *struct{ Since string }
			Entries []struct{ Bench string }
		}
		if err := json.Unmarshal(raw, &history); err != nil {
			w.t.Fatal(err)
		}
		if n := len(history.Entries); n == 2 && history.Entries[1].Bench == bench && history.Open != nil && history.Open.Since == bench {
			return true
		}
	}
	return false
}
