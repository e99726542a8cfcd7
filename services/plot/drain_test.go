package plot_test

import (
	"context"
	"flag"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

var drainRuns = flag.Int("drain.runs", 2000, "runs of the bench whose ends BenchmarkDrain has plot take in")

// BenchmarkDrain measures how fast plot takes in the ends of a bench's runs
// that all come at once, as when a large matrix is cancelled. What it does for
// one must not grow with how many there are: compare
//
//	go test . -run '^$' -bench Drain -benchtime 1x -drain.runs 1000
//	go test . -run '^$' -bench Drain -benchtime 1x -drain.runs 10000
func BenchmarkDrain(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s := newSite(b)
		over := make(chan events.Verdict, 1)
		sub, err := s.bus.Watch(b.Context(), bus.View{Types: []events.Type{events.TypeBenchReported}, See: func(_ context.Context, seen bus.Seen) {
			if d, ok := seen.Event.Data.(events.BenchReported); ok {
				over <- d.Verdict
			}
		}})
		if err != nil {
			b.Fatal(err)
		}
		whole := s.place("drain", *drainRuns)
		s.publish(whole.request, whole.placed)
		for i := range whole.runs {
			s.publish(whole.failed(i))
		}
		b.StartTimer()
		_, stop := s.start()
		select {
		case v := <-over:
			if v != events.VerdictFailed {
				b.Fatalf("the bench is %s", v)
			}
		case <-time.After(20 * time.Minute):
			b.Fatal("the bench does not end")
		}
		b.StopTimer()
		stop()
		sub.Stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(*drainRuns)*float64(b.N)/b.Elapsed().Seconds(), "ends/s")
}
