package chaos_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// TestKilledServicesEndTheirThreads kills each service at the worst moments of
// a thread: with work in hand that has no effect yet, and with an effect that
// nobody has been told of. Started again, it goes on, and the thread ends as if
// nothing had happened: one end for each run and bench, everything stored,
// nothing left behind, somebody told.
func TestKilledServicesEndTheirThreads(t *testing.T) {
	w := newWorld(t)
	moments := []struct {
		name    string
		service string
		arm     func() (reached func())
	}{
		{"ingest, reading the commit", "ingest", w.readingCommit},
		{"ingest, job file stored and no bench requested", "ingest", w.writing("ingest", "/jobs/", true)},
		{"inventory, nothing decided", "inventory", w.writing("inventory", "/lists/", false)},
		{"inventory, decided and nobody told", "inventory", w.writing("inventory", ".json", true)},
		{"bench, fio running", "bench", w.measuring},
		{"bench, results stored and the end not told", "bench", w.writing("bench", "/logs.json", true)},
		{"plot, drawing", "plot", w.writing("plot", "/plots/", true)},
		{"plot, verdict stored and the bench not ended", "plot", w.writing("plot", "/verdict.json", true)},
		{"notify, told and not entered", "notify", w.telling},
	}
	for _, m := range moments {
		t.Run(m.name, func(t *testing.T) {
			w := w.in(t)
			began := time.Now()
			reached := m.arm()
			commit := w.push()
			reached()
			w.services[m.service].dies()
			w.endsRight(w.benchOf(commit))
			t.Logf("ended right after %s", time.Since(began).Round(time.Millisecond))
		})
	}
	w.in(t).nothingLeft()
}

// in is the world with another test to speak for.
func (w *world) in(t *testing.T) *world {
	w.t, w.git.t = t, t
	return w
}

// reach waits for the moment of a hold.
func (w *world) reach(h *hold) {
	w.t.Helper()
	select {
	case <-h.reached:
	case <-time.After(patience):
		w.t.Fatalf("the moment did not come within %s; events: %s", patience, w.history())
	}
}

// writing is the moment at which a service writes an object.
func (w *world) writing(service, part string, after bool) func() func() {
	return func() func() {
		p := w.services[service].proxy
		h := p.holdAt(part, after)
		return func() { w.t.Helper(); w.reach(h); p.release() }
	}
}

// readingCommit is the moment at which ingest's git is at work.
func (w *world) readingCommit() func() {
	if err := os.WriteFile(w.git.hold, nil, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return func() {
		w.t.Helper()
		w.eventually("git at work", func() bool { _, err := os.Stat(w.git.held); return err == nil })
		if err := os.Remove(w.git.hold); err != nil {
			w.t.Fatal(err)
		}
	}
}

// measuring is the moment at which fio runs.
func (w *world) measuring() func() {
	before := len(w.events(isStart))
	return func() {
		w.t.Helper()
		w.eventually("start of fio", func() bool { return len(w.events(isStart)) > before })
		run := w.events(isStart)[before].Data.(events.RunStarted).Run
		if w.runner == "docker" {
			w.eventually("container", func() bool {
				out, err := exec.Command("docker", "ps", "--quiet", "--filter", "label=dev.fiord.run="+run).Output()
				return err == nil && len(out) > 0
			})
		}
	}
}

func isStart(e events.Event) bool { return e.Type == events.TypeRunStarted }

// telling is the moment at which the target has the notice and notify does not
// know.
func (w *world) telling() func() {
	h := w.told.holdNext()
	return func() { w.t.Helper(); w.reach(h) }
}
