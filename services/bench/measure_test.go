package bench

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

// Latency logs are what costs CPU for each I/O: only the host's owner, or the job
// itself, asks for them.
func TestByDefaultThereAreNoLatencyLogs(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
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

func TestTheHostsOwnerMayAskForLatencyLogs(t *testing.T) {
	w := newWorld(t)
	cfg := w.config("host-1")
	cfg.Logs.Latency = true
	w.start(cfg)
	list := w.request(bench{host: "host-1", jobs: []string{timedJob}})
	names := fmt.Sprint(w.logs(ended[events.RunCompleted](t, w.end(list.Runs[0]))))
	for _, want := range []string{"_lat.", "_clat."} { // a synchronous engine submits nothing ahead
		if !strings.Contains(names, want) {
			t.Errorf("no log *%s* among %s", want, names)
		}
	}
}
