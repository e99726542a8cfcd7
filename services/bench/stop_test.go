package bench

import (
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/bench/starts"
)

// An update of every worker of a fleet, as often as one likes, must not use up
// the starts of a run.
func TestOrderlyStopsDoNotCountAsStarts(t *testing.T) {
	w := newWorld(t)
	cfg := w.config("host-1")
	cfg.Starts = 1
	list := w.request(bench{host: "host-1", jobs: []string{"[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=3\n"}})
	for i := range 2 {
		_, stop := w.start(cfg)
		if first := w.started(list.Runs[0]); first.Attempt != i+1 {
			t.Fatalf("attempt %d, want %d", first.Attempt, i+1)
		}
		stop()
	}
	w.start(cfg)
	if done := ended[events.RunCompleted](t, w.end(list.Runs[0])); done.Attempt != 3 {
		t.Errorf("attempt %d", done.Attempt)
	}
	kv, err := w.bus.JetStream().KeyValue(t.Context(), bus.BucketStarts)
	if err != nil {
		t.Fatal(err)
	}
	so, err := (starts.Counter{KV: kv}).Of(t.Context(), list.Runs[0].Run)
	if err != nil || so.All != 3 || so.Against() != 1 {
		t.Errorf("%d starts, %d of them counted, %v", so.All, so.Against(), err)
	}
}

// A container goes on while its worker is updated.
func TestAnOrderlyStopLeavesAContainerToTheNextStart(t *testing.T) {
	for name, tc := range map[string]struct {
		leave bool
		pool  bool
		want  int
	}{
		"of a list for the host":         {leave: true, want: 1},
		"of a list for the host, not so": {leave: false, want: 2},
		"of a pool":                      {leave: true, pool: true, want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			cfg := w.config("leaving")
			cfg.Runner, cfg.Docker.Image, cfg.LeaveRunning = "docker", testImage(), tc.leave
			r := w.runnerOf(cfg) // skips without an engine
			b := bench{host: "leaving", jobs: []string{folderJob("5")}}
			if tc.pool {
				b.host, b.pool = "", "default"
			}
			list := w.request(b)
			_, stop := w.start(cfg)
			w.live(list, func(events.Progress) bool { return true })
			stop()
			if left, err := r.Leftovers(t.Context()); err != nil || (len(left) == 1) != (tc.want == 1) {
				t.Errorf("left behind: %v, %v", left, err)
			}
			w.start(cfg)
			if done := ended[events.RunCompleted](t, w.end(list.Runs[0])); done.Attempt != tc.want {
				t.Errorf("attempt %d, want %d", done.Attempt, tc.want)
			}
			if left, err := r.Leftovers(t.Context()); err != nil || len(left) != 0 {
				t.Errorf("left behind at the end: %v, %v", left, err)
			}
		})
	}
}
