package notify_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/notify"
)

// burst may be as large as patience allows: go test -run Burst -burst 10000.
var burst = flag.Int("burst", 1200, "reports in the test of a burst")

// flood publishes n reports of one repository, from several publishers.
func (s *site) flood(n int) {
	s.t.Helper()
	base := example[events.BenchReported](s.t, "bench.reported")
	base.Shift = nil
	var wg sync.WaitGroup
	for p := range 8 {
		wg.Go(func() {
			for i := p; i < n; i += 8 {
				d := base
				d.Bench = events.HashID("flood", fmt.Sprint(i))
				if _, err := s.bus.Publish(s.t.Context(), events.New("fiord/test", fmt.Sprint("flood", i), nil, d)); err != nil {
					s.t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// A chat that does not answer, or groups what comes, holds at most
// as many events as its queue gives out; the rest stays on the server. Whoever
// answers is told of everything meanwhile.
func TestBurstToASlowTargetHoldsUpNobody(t *testing.T) {
	n := *burst
	s := newSite(t)
	var counted atomic.Int64
	quick := newCounter(t, &counted)
	release := make(chan struct{})
	slow := newReceiver(t, func(int, http.ResponseWriter) { <-release })
	t.Cleanup(func() { close(release) })
	waiting := team(slow, time.Hour)
	waiting.Name = "waiting"
	stuck := chatRoom(slow)
	stuck.Timeout = 2 * time.Minute
	s.replica(notify.Target{Name: "quick", Kind: "webhook", URL: quick}, waiting, stuck)
	before := runtime.NumGoroutine()
	start := time.Now()
	s.flood(n)
	for deadline := start.Add(5 * time.Minute); counted.Load() < int64(n); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d told", counted.Load(), n)
		}
	}
	t.Logf("%d notices in %v", n, time.Since(start).Round(time.Millisecond))
	for durable, most := range map[string]int{"notify-waiting": 1000, "notify-room": 1000} {
		if got := s.pending(durable); got < 1 || got > most {
			t.Errorf("%s has %d events in hand, want 1 to %d", durable, got, most)
		}
	}
	if got := len(slow.deliveries()); got > 4 {
		t.Errorf("the slow target was asked %d times at once", got)
	}
	if now := runtime.NumGoroutine(); now > before+200 {
		t.Errorf("%d goroutines, %d before", now, before)
	}
}

// newCounter is a receiver that keeps nothing but the number of requests.
func newCounter(t testing.TB, n *atomic.Int64) (url string) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n.Add(1) }))
	t.Cleanup(srv.Close)
	return srv.URL
}

// BenchmarkNotices tells a local receiver: from the event on the stream to the
// announcement, ledger included.
func BenchmarkNotices(b *testing.B) {
	for _, kind := range []string{"webhook", "slack"} {
		b.Run(kind, func(b *testing.B) {
			s := newSite(b)
			var counted atomic.Int64
			url := newCounter(b, &counted)
			target := notify.Target{Name: "quick", Kind: kind, URL: url}
			if kind == "slack" { // one message for what comes within a second
				target = notify.Target{Name: "quick", Kind: kind, Webhook: secret(url), GroupWait: time.Second, GroupInterval: time.Second}
			}
			defer s.replica(target)()
			b.ResetTimer()
			s.flood(b.N)
			s.drained("notify-quick")
			b.StopTimer()
			var after runtime.MemStats
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "notices/s")
			b.ReportMetric(float64(counted.Load()), "requests")
			b.ReportMetric(float64(after.HeapInuse)/(1<<20), "heap-MB")
		})
	}
}

// drained waits until a queue has nothing left.
func (s *site) drained(durable string) {
	s.t.Helper()
	c, err := s.bus.JetStream().Consumer(s.t.Context(), bus.StreamEvents, durable)
	if err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(2 * time.Millisecond) {
		info, err := c.Info(s.t.Context())
		if err == nil && info.NumPending == 0 && info.NumAckPending == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("not drained: %+v, %v", info, err)
		}
	}
}
