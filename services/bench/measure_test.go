package bench

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

func TestTheHostsOwnerMayLeaveLogsOut(t *testing.T) {
	w := newWorld(t)
	cfg := w.config("host-1")
	cfg.Logs.Latency = false
	w.start(cfg)
	list := w.request(bench{host: "host-1", jobs: []string{timedJob}})
	done := ended[events.RunCompleted](t, w.end(list.Runs[0]))
	names := fmt.Sprint(w.logs(done))
	if strings.Contains(names, "_lat.") || !strings.Contains(names, "_iops.") || !strings.Contains(names, "_clat_hist.") {
		t.Errorf("logs %s", names)
	}
	if done.Summary.Read.Latency.Of != "lat" || done.Summary.Read.Latency.P99 == nil {
		t.Errorf("the summary lost its latencies: %+v", done.Summary.Read.Latency)
	}
}
