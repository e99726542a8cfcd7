package catalogue

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

// fio's last bin is open: what fell into it took 17.1 s or any time above, which
// figures drew as 17.1 s without a word.
func TestFiguresSayWhereFiosLastBinBegins(t *testing.T) {
	beyond := 17112760320.0
	l := &events.Latency{Of: "clat", Mean: 41.2e9, P50: &beyond, P99: &beyond, Max: 60e9, Beyond: beyond}
	c := &events.RunCompleted{Summary: events.Summary{Read: &events.Figures{IOPS: 10, TotalIOs: 100, Latency: l, Clat: l}}}
	run := &Run{Completed: c}
	if facts := strings.Join(run.head("x").Facts, "; "); !strings.Contains(facts, "longer latencies than 17.1 s are drawn at it: greatest 60 s") {
		t.Errorf("facts %q", facts)
	}
	bench := &Bench{Runs: []*Run{run}, Counts: events.Counts{Planned: 1, Completed: 1}}
	var svg bytes.Buffer
	if err := p99ByPoint("p99", Subject{Bench: bench}, "").WriteSVG(&svg); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(svg.String(), "17.1 s are longer") {
		t.Error("the bars of an open percentile are not marked")
	}
	*l = events.Latency{Of: "clat", Mean: 1e6, P99: new(2e6), Max: 3e6}
	if facts := strings.Join(run.head("x").Facts, "; "); strings.Contains(facts, "longer") {
		t.Errorf("facts of a run without them %q", facts)
	}
}
