package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/bench/outcome"
)

// twins asks two hosts for the same runs, synchronised; the second one's list
// may be changed.
func (w *world) twins(jobs []string, change func(*events.RunList)) (a, b events.RunList) {
	w.t.Helper()
	id := events.HashID("twins", w.t.Name(), fmt.Sprint(time.Now().UnixNano()))
	of := func(host string, slot int, change func(*events.RunList)) events.RunList {
		return w.request(bench{host: host, jobs: jobs, change: func(l *events.RunList) {
			l.Bench, l.Slot, l.Together = id, slot, 2
			for i := range l.Runs {
				l.Runs[i].Bench, l.Runs[i].Slot, l.Runs[i].Run = id, slot, events.RunID(id, slot, "", i)
			}
			if change != nil {
				change(l)
			}
		}})
	}
	return of("host-a", 0, nil), of("host-b", 1, change)
}

// ends waits for the ends of all runs, in whichever order they come.
func (w *world) ends(lists ...events.RunList) map[string]events.Event {
	w.t.Helper()
	asked := map[string]bool{}
	for _, l := range lists {
		for _, inv := range l.Runs {
			asked[inv.Run] = true
		}
	}
	got := map[string]events.Event{}
	w.until("ends of all", func(e events.Event) bool {
		if e.Type.Ends() == "run" && asked[e.Subject] {
			got[e.Subject] = e
		}
		return len(got) == len(asked)
	})
	return got
}

func TestHostsStartEachInvocationTogether(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-a"))
	w.start(w.config("host-b"))
	short := "[s]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=1\nrate_iops=100\n"
	a, b := w.twins([]string{short, short}, func(l *events.RunList) {
		// The second host works longer on the first invocation than the first.
		l.Measure = &events.Measure{Precondition: true, Passes: 3}
	})
	got := w.ends(a, b)
	for i := range a.Runs {
		x, y := ended[events.RunCompleted](t, got[a.Runs[i].Run]), ended[events.RunCompleted](t, got[b.Runs[i].Run])
		if apart := x.StartedAt.Sub(y.StartedAt).Abs(); apart > 5*time.Second {
			t.Errorf("invocation %d started %s apart", i, apart)
		}
		for _, d := range []events.RunCompleted{x, y} {
			if !strings.Contains(w.read(d.Artifacts, outcome.ResultFile), "after the common start of 2 slots") || d.Integrity.State != events.IntegrityOK {
				t.Errorf("invocation %d: %+v", i, d.Integrity)
			}
		}
	}
}

func TestAHostThatDoesNotComeIsReportedAndNotWaitedForTwice(t *testing.T) {
	w := newWorld(t)
	w.barrierPatience = 2 * time.Second
	w.start(w.config("host-a")) // host-b never comes
	began := time.Now()
	a, _ := w.twins([]string{timedJob, timedJob, timedJob}, nil)
	got := w.ends(a)
	for _, inv := range a.Runs {
		d := ended[events.RunCompleted](t, got[inv.Run])
		if d.Integrity.State != events.IntegritySuspect || len(d.Integrity.Findings) != 1 || d.Integrity.Findings[0].Check != "not_synchronised" {
			t.Errorf("%+v", d.Integrity)
		}
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestWhatOneHostLeavesOutHoldsUpNobody(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-a"))
	w.start(w.config("host-b"))
	a, b := w.twins([]string{timedJob, timedJob}, func(l *events.RunList) {
		l.Runs[0].File = w.refusedJob()
	})
	began := time.Now()
	got := w.ends(a, b)
	ended[events.RunRejected](t, got[b.Runs[0].Run])
	ended[events.RunCompleted](t, got[a.Runs[0].Run])
	x, y := ended[events.RunCompleted](t, got[a.Runs[1].Run]), ended[events.RunCompleted](t, got[b.Runs[1].Run])
	if apart := x.StartedAt.Sub(y.StartedAt).Abs(); apart > 5*time.Second || time.Since(began) > 30*time.Second {
		t.Errorf("started %s apart, took %s", apart, time.Since(began))
	}
}

func (w *world) refusedJob() events.ClaimCheck {
	text := "[a]\nrw=read\nsize=1m\nexec_prerun=touch /tmp/x\n"
	claim, err := w.store.Put(w.t.Context(), "jobs/"+hash(text)+".fio", "text/plain", strings.NewReader(text))
	if err != nil {
		w.t.Fatal(err)
	}
	return claim
}
