package bench

import (
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/hostseries"
)

func TestWhatTheHostDidIsKeptBesideTheRun(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
	list := w.request(bench{host: "host-1", jobs: []string{timedJob}})
	done := ended[events.RunCompleted](t, w.end(list.Runs[0]))
	seen, err := hostseries.Read(strings.NewReader(w.read(done.Artifacts, hostseries.File)))
	if err != nil {
		t.Fatal(err)
	}
	if len(seen.Samples) < 2 {
		t.Fatalf("a run of two seconds has %d samples", len(seen.Samples))
	}
	last := seen.Samples[len(seen.Samples)-1]
	if took := done.EndedAt.Sub(done.StartedAt); last.Start >= took {
		t.Errorf("the last interval begins %s after the start of a run of %s", last.Start, took)
	}
	for _, s := range seen.Samples {
		if !(s.CPU.User+s.CPU.System > 0) || !(s.Memory > 0) { // the null engine takes all of one CPU
			t.Errorf("sample %+v", s)
		}
	}
}
