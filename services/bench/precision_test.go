package bench

import (
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

func TestRepeatsEndWhenTheIntervalIsTight(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
	steady := "[steady]\nioengine=null\nrw=randread\nsize=1g\ntime_based\nruntime=1200ms\nrate_iops=1000\n"
	list := w.request(bench{host: "host-1", jobs: []string{steady, steady, steady, steady, steady, steady}, change: func(l *events.RunList) {
		l.Measure, l.Repeat = &events.Measure{Spread: "20%", MaxRepeat: 6}, 4
		for i := range l.Runs {
			l.Runs[i].Job = "jobs/0.fio"
		}
	}})
	for _, inv := range list.Runs[:4] {
		ended[events.RunCompleted](t, w.end(inv))
	}
	for _, inv := range list.Runs[4:] {
		d := ended[events.RunCancelled](t, w.end(inv))
		if !d.NotNeeded() || d.Attempt != 0 || !strings.Contains(d.Reason, "read.iops is known to ±") || !strings.Contains(d.Reason, "after 4 repeats, within 20%") {
			t.Errorf("%+v", d)
		}
	}
}

func TestRepeatsGoOnUntilTheyAreAllUsedUp(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
	list := w.request(bench{host: "host-1", jobs: []string{timedJob, timedJob, timedJob, timedJob}, change: func(l *events.RunList) {
		l.Measure = &events.Measure{Spread: "0.0001%"}
		for i := range l.Runs {
			l.Runs[i].Job = "jobs/0.fio"
		}
	}})
	for _, inv := range list.Runs {
		ended[events.RunCompleted](t, w.end(inv))
	}
}
