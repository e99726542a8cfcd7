package chaos_test

import (
	"encoding/json"
	"os/exec"
	"strings"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
)

// endsRight waits for the end of a bench and checks all that must hold however
// the services died meanwhile.
func (w *world) endsRight(bench string) {
	w.t.Helper()
	reported := w.await("end of bench "+bench, func(e events.Event) bool { return e.Type.Ends() == "bench" && e.Subject == bench })
	report, ok := reported.Data.(events.BenchReported)
	if !ok {
		w.t.Fatalf("the bench ended with %s: %+v", reported.Type, reported.Data)
	}
	// Whether so short a measurement is sound on a busy machine is not asked here.
	if want := (events.Counts{Planned: 2, Completed: 2}); report.Counts != want || len(report.Reports) < 3 {
		w.t.Errorf("%+v with %d files (%s), want %+v and a report", report.Counts, len(report.Reports), report.Headline, want)
	}
	w.eventually("notice of bench "+bench, func() bool { return w.told.about(bench) > 0 })
	if n := w.told.about(bench); n != 1 {
		w.t.Errorf("bench %s was told of by %d different notices", bench, n)
	}
	w.await("word that somebody was told", func(e events.Event) bool {
		sent, ok := e.Data.(events.NoticeSent)
		return ok && sent.Told == reported.ID
	})
	w.oneOfEach(bench)
	w.complete(report)
}

// oneOfEach counts in the stream what must happen once.
func (w *world) oneOfEach(bench string) {
	w.t.Helper()
	counts := map[string]int{}
	for _, e := range w.events(func(e events.Event) bool { return strings.Contains(aboutBench(e), bench) }) {
		switch {
		case e.Type.Ends() != "":
			counts["end of "+e.Type.Ends()+" "+e.Subject]++
		case e.Type == events.TypeBenchPlaced, e.Type == events.TypeRunsRequested, e.Type == events.TypeBenchRequested:
			counts[string(e.Type)]++
		}
	}
	ends := 0
	for what, n := range counts {
		if n != 1 {
			w.t.Errorf("%d times %s", n, what)
		}
		if strings.HasPrefix(what, "end of run ") {
			ends++
		}
	}
	if ends != 2 || len(counts) != 6 {
		w.t.Errorf("%d runs ended, want 2; saw %v", ends, counts)
	}
}

// aboutBench is the id of the bench that an event is about.
func aboutBench(e events.Event) string {
	if e.Type == events.TypeBenchRequested {
		return events.BenchID(e)
	}
	raw, err := json.Marshal(e.Data)
	if err != nil {
		return ""
	}
	var of struct{ Bench string }
	if err := json.Unmarshal(raw, &of); err != nil {
		return ""
	}
	return of.Bench
}

// complete reads every object that the events of a bench point at. The store
// verifies the hashes.
func (w *world) complete(report events.BenchReported) {
	w.t.Helper()
	read := func(claim events.ClaimCheck) []byte {
		text, err := w.store.ReadAll(w.t.Context(), claim, 16<<20)
		if err != nil {
			w.t.Errorf("%s: %v", claim.Key, err)
		}
		return text
	}
	for _, a := range report.Reports {
		read(a.ClaimCheck)
	}
	for _, e := range w.events(func(e events.Event) bool { return aboutBench(e) == report.Bench }) {
		switch data := e.Data.(type) {
		case events.RunCompleted:
			var logs events.LogSet
			if data.Logs == nil {
				w.t.Errorf("run %s has no logs", data.Run)
			} else if err := json.Unmarshal(read(*data.Logs), &logs); err != nil || len(logs.Logs) == 0 {
				w.t.Errorf("logs of run %s: %+v, %v", data.Run, logs, err)
			}
			names := map[string]bool{}
			for _, a := range append(data.Artifacts, logs.Logs...) {
				names[a.Name] = len(read(a.ClaimCheck)) > 0
			}
			if !names["job.fio"] || !names["fio.json"] || !names["result.json"] || !names["environment.json"] {
				w.t.Errorf("run %s has only %v", data.Run, names)
			}
			if prefix := artifacts.RunKey(data.Host, data.Run, data.Attempt, ""); !strings.HasPrefix(data.Artifacts[0].Key, prefix) {
				w.t.Errorf("run %s ended in attempt %d with %s", data.Run, data.Attempt, data.Artifacts[0].Key)
			}
		case events.PlotsRendered:
			if len(data.Figures) == 0 {
				w.t.Errorf("run %s has no figures: %v", data.Run, data.Flags)
			}
			for _, a := range data.Figures {
				read(a.ClaimCheck)
			}
		}
	}
}

// nothingLeft checks that no container, no process of fio and no dead letter
// remains.
func (w *world) nothingLeft() {
	w.t.Helper()
	if w.runner == "docker" {
		for _, e := range w.events(func(e events.Event) bool { return e.Type == events.TypeRunStarted }) {
			run := e.Data.(events.RunStarted).Run
			w.eventually("removal of the containers of run "+run, func() bool {
				out, err := exec.Command("docker", "ps", "--all", "--quiet", "--filter", "label=dev.fiord.run="+run).CombinedOutput()
				return err == nil && len(out) == 0
			})
		}
	}
	if out, err := exec.Command("pgrep", "--full", w.dir).CombinedOutput(); err == nil && w.runner == "process" {
		for pid := range strings.Lines(string(out)) {
			if name, _ := exec.Command("ps", "-o", "comm=", "-p", strings.TrimSpace(pid)).Output(); strings.HasPrefix(string(name), "fio") {
				w.t.Errorf("fio is left as process %s", pid)
			}
		}
	}
	for letter, err := range w.bus.DeadLetters(w.t.Context(), "") {
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Errorf("%s gave up on %s: %s", letter.Reaction, letter.EventType, letter.Reason)
	}
}
