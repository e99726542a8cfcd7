package bench

import (
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
)

func TestProgressShowsLatencyOfADisk(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
	list := w.request(bench{host: "host-1", jobs: []string{
		"[a]\nrw=randwrite\nbs=4k\nsize=4m\ndirect=1\ntime_based\nruntime=6\nrate_iops=200\n",
	}})
	live := w.live(list, func(p events.Progress) bool { return p.LatencyNS["write"] > 0 })
	if ms := live.LatencyNS["write"] / 1e6; live.IOPS["write"] <= 0 || ms > float64(time.Second.Milliseconds()) {
		t.Errorf("progress %+v", live)
	}
	ended[events.RunCompleted](t, w.end(list.Runs[0]))
}
