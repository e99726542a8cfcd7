package scale_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// job measures nothing, and is over at once.
const job = "[nothing]\nioengine=null\nrw=randread\nsize=4k\n"

// maxMemory of one service, MiB: what plot draws with is most of it. It is the
// same for ten runs and for ten thousand.
const maxMemory = 512

func TestManyHostsBenchesAndRunsEndOnceEach(t *testing.T) {
	if _, err := exec.LookPath("fio"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("fio is missing: apt-get install fio")
	}
	w := newWorld(t)
	person := w.cluster.Bus(0, "fiord/cli")
	view, err := person.Watch(t.Context(), bus.View{See: w.see})
	if err != nil {
		t.Fatal(err)
	}
	defer view.Stop()

	ctx, stop := context.WithCancel(t.Context())
	var working sync.WaitGroup
	defer working.Wait()
	defer stop()
	start := time.Now()
	for i := range *hosts {
		w.host(ctx, i, &working)
	}
	t.Logf("%d hosts set up in %s", *hosts, round(time.Since(start)))

	start = time.Now()
	asked, total := w.request(person)
	w.killLeader(person)
	w.await(asked, total)
	w.report(start, asked, total)
	for bench := range asked {
		if n := w.noticesOf(bench); n != 1 {
			t.Errorf("bench %s: %d notices", bench, n)
		}
	}
}

// request asks for everything at once. It returns when each bench was asked for,
// and how many runs there are.
func (w *world) request(b *bus.Bus) (asked map[string]time.Time, total int) {
	w.t.Helper()
	asked = map[string]time.Time{}
	request := func(name string, points int, targets events.Targets) {
		depths := make([]events.Scalar, points)
		for i := range depths {
			depths[i] = events.Scalar(strconv.Itoa(i + 1))
		}
		e, err := b.Emit(w.t.Context(), name, nil, events.BenchRequested{
			Name: name, Jobs: []events.Job{{Name: "nothing.fio", Inline: job}}, Matrix: map[string][]events.Scalar{"iodepth": depths}, Targets: targets,
		})
		if err != nil {
			w.t.Fatal(err)
		}
		asked[events.BenchID(e)] = time.Now()
	}
	var all []string
	for i := range *hosts {
		all = append(all, hostName(i))
	}
	points := max(1, *runs / *hosts)
	request("all", points, events.Targets{Hosts: all})
	total = points * *hosts
	for i := range *benches {
		request(fmt.Sprintf("bench-%d", i), 2, events.Targets{Hosts: []string{hostName(i % *hosts)}})
		total += 2
	}
	return asked, total
}

// killLeader kills the server that leads the stream of events, as soon as the
// first run has ended, and starts it again.
func (w *world) killLeader(b *bus.Bus) {
	w.t.Helper()
	w.eventually("end of a run", func() bool { return len(w.ends) > 0 })
	stream, err := b.JetStream().Stream(w.t.Context(), bus.StreamEvents)
	if err != nil {
		w.t.Fatal(err)
	}
	leader, err := strconv.Atoi(strings.TrimPrefix(stream.CachedInfo().Cluster.Leader, "n"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.cluster.Stop(leader)
	time.Sleep(2 * time.Second)
	w.cluster.Start(leader)
}

// await waits for the end of every bench and run, and every notice.
func (w *world) await(asked map[string]time.Time, total int) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("%d benches and %d runs that have ended", len(asked), total), func() bool {
		return len(w.ended) >= len(asked) && len(w.ends) >= len(asked)+total && len(w.notices) >= len(asked)
	})
}

// report checks what came out and tells the figures.
func (w *world) report(start time.Time, asked map[string]time.Time, total int) {
	w.t.Helper()
	took := time.Since(start)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.ends) != len(asked)+total {
		w.t.Errorf("%d ends of benches and runs, want %d", len(w.ends), len(asked)+total)
	}
	for id, n := range w.ends {
		if n != 1 {
			w.t.Errorf("%s ended %d times", id, n)
		}
	}
	var placing, whole []time.Duration
	for bench, at := range asked {
		placing, whole = append(placing, w.placed[bench].Sub(at)), append(whole, w.ended[bench].Sub(at))
	}
	w.t.Logf("%d benches, %d runs, %d events in %s: %.0f events/s, %.1f runs/s", len(asked), total, w.events, round(took),
		float64(w.events)/took.Seconds(), float64(total)/took.Seconds())
	w.t.Logf("to placement: median %s, worst %s; to the report: median %s, worst %s", round(median(placing)), round(slices.Max(placing)), round(median(whole)), round(slices.Max(whole)))
	if n := len(w.drawn); n > 1 {
		w.t.Logf("plot drew %d runs, %.1f a second", n, float64(n)/w.drawn[n-1].Sub(w.drawn[0]).Seconds())
	}
	for i, s := range w.services {
		mib := peak(w.t, s.Process.Pid)
		w.t.Logf("%s held at most %d MiB, used %s of CPU", w.names[i], mib, spent(w.t, s.Process.Pid))
		if mib > maxMemory {
			w.t.Errorf("%s held %d MiB, at most %d are in order", w.names[i], mib, maxMemory)
		}
	}
	w.t.Logf("%d hosts, three servers and S3 in one process held at most %d MiB, used %s of CPU", *hosts, peak(w.t, os.Getpid()), spent(w.t, os.Getpid()))
}

func (w *world) noticesOf(bench string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.notices[bench]
}

// eventually waits until ok, which is asked under the lock.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(*patient); ; time.Sleep(50 * time.Millisecond) {
		w.mu.Lock()
		done := ok()
		counts := fmt.Sprintf("%d benches placed, %d ended, %d ends, %d notices", len(w.placed), len(w.ended), len(w.ends), len(w.notices))
		w.mu.Unlock()
		if done {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("no %s within %s: %s", what, *patient, counts)
		}
	}
}

func median(list []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
