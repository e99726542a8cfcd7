package plot_test

import (
	"flag"
	"testing"

	"github.com/fiord-bench/fiord/events"
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
		go func() { // what is seen is taken away as it comes: there is more than the site holds
			for e := range s.seen {
				if d, ok := e.Data.(events.BenchReported); ok {
					over <- d.Verdict
				}
			}
		}()
		whole := s.place("drain", *drainRuns)
		s.publish(whole.request, whole.placed)
		for i := range whole.runs {
			s.publish(whole.failed(i))
		}
		b.StartTimer()
		_, stop := s.start()
		if v := <-over; v != events.VerdictFailed {
			b.Fatalf("the bench is %s", v)
		}
		b.StopTimer()
		stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(*drainRuns)*float64(b.N)/b.Elapsed().Seconds(), "ends/s")
}
