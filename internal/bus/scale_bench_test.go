package bus_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

// BenchmarkRacingEnds ends 10,000 benches with four racing terminals each and
// fails unless exactly one of each four stands.
func BenchmarkRacingEnds(b *testing.B) {
	const benches = 10_000
	s := bustest.NewServer(b)
	buses := []*bus.Bus{s.Bus("fiord/r0"), s.Bus("fiord/r1"), s.Bus("fiord/r2"), s.Bus("fiord/r3")}
	round := 0
	for b.Loop() {
		round++
		start := time.Now()
		for i := range benches {
			bench := fmt.Sprintf("race%d-%d", round, i)
			var won atomic.Int64
			var wg sync.WaitGroup
			for r, data := range benchEnds(bench) {
				wg.Go(func() {
					ending, err := buses[r].End(b.Context(), events.New(buses[r].Source(), bench, nil, data))
					if err != nil {
						b.Error(err)
					}
					if ending.Won {
						won.Add(1)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 {
				b.Fatalf("bench %s has %d ends", bench, won.Load())
			}
		}
		b.ReportMetric(float64(benches)/time.Since(start).Seconds(), "benches/s")
	}
}

// benchEnds are the three terminals of a bench, and a second report that tells
// another verdict.
func benchEnds(key string) []events.Data {
	bench := events.HashID(key)
	report := events.BenchReported{Bench: bench, Name: "n", Verdict: events.VerdictUnchanged, Headline: "h"}
	other := report
	other.Verdict = events.VerdictFailed
	return []events.Data{
		report, other,
		events.BenchCancelled{Bench: bench, Name: "n", Reason: "r", By: "b"},
		events.BenchUnplaced{Bench: bench, Name: "n", Problems: []events.Problem{{Rule: "r", Message: "m"}}},
	}
}

// BenchmarkHostConsumers starts the reactions of 1,000 bench hosts over one
// server and reports how long that takes, what the process then holds, what it
// burns when nothing happens, and how long a restart of the server takes.
func BenchmarkHostConsumers(b *testing.B) {
	const hosts = 1000
	for b.Loop() {
		s := bustest.NewServer(b)
		ours := s.Bus("fiord/bench")
		before := resident(b)
		start := time.Now()
		ctx, cancel := context.WithCancel(b.Context())
		var subs []*bus.Subscription
		var handled atomic.Int64
		for i := range hosts {
			host := fmt.Sprintf("host%d.example.com", i)
			sub, err := ours.React(ctx, bus.Reaction{
				Service: "bench", Name: "host-" + events.Token(host), Types: []events.Type{events.TypeRunsRequested},
				Subjects: []string{events.TypeRunsRequested.Subject() + "." + events.HostRoute(host)},
				Handle:   func(context.Context, *bus.Delivery) error { handled.Add(1); return nil }, OnDead: bus.OwesNothing,
			})
			if err != nil {
				b.Fatal(err)
			}
			subs = append(subs, sub)
		}
		b.ReportMetric(time.Since(start).Seconds(), "s-create")
		time.Sleep(2 * time.Second)
		debug.FreeOSMemory()
		b.ReportMetric(float64(resident(b)-before)/(1<<20), "MiB")
		cpu, idle := spentCPU(b), 10*time.Second
		time.Sleep(idle)
		b.ReportMetric(100*(spentCPU(b)-cpu).Seconds()/idle.Seconds(), "%core-idle")
		start = time.Now()
		s.Stop()
		stopped := time.Now()
		s.Restart()
		started := time.Now()
		b.ReportMetric(stopped.Sub(start).Seconds(), "s-stop")
		b.ReportMetric(started.Sub(stopped).Seconds(), "s-start")
		requestAll(b, ours, hosts)
		for handled.Load() < hosts {
			time.Sleep(10 * time.Millisecond)
		}
		b.ReportMetric(time.Since(started).Seconds(), "s-back")
		cancel()
		for _, sub := range subs {
			sub.Stop()
		}
	}
}

// requestAll gives every host one list of runs, as soon as the server takes it.
func requestAll(b *testing.B, ours *bus.Bus, hosts int) {
	b.Helper()
	for i := range hosts {
		host := fmt.Sprintf("host%d.example.com", i)
		list := events.RunsRequested{
			Bench: events.HashID("bench"), Name: "n", Host: host, Runs: 1, Deadline: time.Now().Add(time.Hour),
			List: events.ClaimCheck{Bucket: "fiord", Key: "placements/l.json", SHA256: strings.Repeat("0", 64), Size: 1, MediaType: "application/json"},
		}
		e := events.New("fiord/inventory", host, nil, list)
		for deadline := time.Now().Add(time.Minute); ; {
			_, err := ours.Publish(b.Context(), e)
			if err == nil {
				break
			}
			if !errors.Is(err, bus.ErrNotAcknowledged) || time.Now().After(deadline) {
				b.Fatal(err)
			}
		}
	}
}

// resident is the process's memory in bytes, from /proc/self/status.
func resident(b *testing.B) int64 {
	b.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return kib << 10
		}
	}
	b.Fatal("no VmRSS in /proc/self/status")
	return 0
}

// spentCPU is what the process has used, in user and system mode.
func spentCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
