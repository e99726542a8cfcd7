package gc_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/plot"
)

// plot runs the real service until the test ends.
func (w *world) plot() (url string) {
	w.t.Helper()
	cfg := plot.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	svc, err := plot.New(cfg, service.Deps{
		Bus: w.nats.Bus("fiord/plot"), Store: w.store, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Version: "test",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- svc.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	return svc.URL()
}

// measure plays a bench of one run on a commit to plot and waits until plot has
// archived its end.
func (w *world) measure(commit int) (bench, run string) {
	w.t.Helper()
	b := w.nats.Bus("fiord/test")
	origin := &events.Origin{Repo: events.Repo{Forge: "git", Name: "ada/disks", CloneURL: "https://git.example.org/ada/disks"}, Ref: "refs/heads/main", Commit: fmt.Sprintf("%040x", commit)}
	request := events.BenchRequested{Name: "randread", Jobs: []events.Job{{Name: "r.fio", Inline: "[r]\n"}}, Origin: origin, Compare: &events.Compare{Baseline: "main"}}
	asked := events.New("fiord/ingest", fmt.Sprint(commit), nil, request)
	bench = events.BenchID(asked)
	run = events.RunID(bench, 0, "", 0)
	ref := events.RunRef{Bench: bench, Run: run, Name: "randread", Job: "r.fio", Host: "here", Attempt: 1}
	now := time.Now().UTC()
	doc, err := json.Marshal(events.Placement{Bench: bench, Request: request, PlacedAt: now, Deadline: now.Add(time.Hour), Slots: []events.Slot{{Host: "here", Runs: []events.RunRef{ref}}}})
	if err != nil {
		w.t.Fatal(err)
	}
	claim := w.put(artifacts.PlacementKey(bench), string(doc), 0)
	for _, e := range []events.Event{asked,
		events.New("fiord/inventory", "", &asked, events.BenchPlaced{Bench: bench, Name: "randread", Placement: claim, Hosts: 1, Slots: 1, Runs: 1, PlacedAt: now, Deadline: now.Add(time.Hour), Origin: origin}),
		events.New("fiord/bench", run, &asked, events.RunCompleted{RunRef: ref, StartedAt: now, EndedAt: now.Add(time.Second), Integrity: events.Integrity{State: events.IntegrityOK},
			Summary: events.Summary{FioVersion: "fio-3.33", Read: &events.Figures{IOPS: 1000, TotalIOs: 1000, Latency: &events.Latency{Mean: 1e6}}}}),
	} {
		if _, err := b.Publish(w.t.Context(), e); err != nil {
			w.t.Fatal(err)
		}
	}
	w.await("the end of the bench in its history", func() bool {
		_, err := w.store.Stat(w.t.Context(), artifacts.ArchiveKey(bench, "ended"))
		return err == nil && w.remembers(bench)
	})
	return bench, run
}

// remembers tells whether a history lists the bench.
func (w *world) remembers(bench string) bool {
	for _, key := range w.keys(artifacts.PrefixArchive + "history/") {
		claim, err := w.store.Claim(w.t.Context(), key)
		if err != nil {
			w.t.Fatal(err)
		}
		raw, err := w.store.ReadAll(w.t.Context(), claim, 1<<20)
		var h struct{ Entries []entry }
		if err != nil || json.Unmarshal(raw, &h) != nil {
			continue // it changes meanwhile
		}
		for _, e := range h.Entries {
			if e.Bench == bench {
				return true
			}
		}
	}
	return false
}

func (w *world) await(what string, done func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatal("waited in vain for " + what)
		}
	}
}

// What plot itself takes as the baseline of the next bench is still there, and
// the trend is drawn over those that went.
func TestWhatPlotComparesWithStays(t *testing.T) {
	w := newWorld(t)
	url := w.plot()
	first, firstRun := w.measure(1)
	second, secondRun := w.measure(2)
	w.ageAll(100*day, "")
	w.collect()
	w.absent(artifacts.PlotKey(firstRun, "iops.svg"), artifacts.ReportKey(first, "report.html"))
	w.present(artifacts.ReportKey(second, "report.html"), artifacts.ReportKey(first, "verdict.json"))
	if len(w.keys(artifacts.PrefixPlots+secondRun+"/")) == 0 && len(w.keys(artifacts.PrefixPlots+firstRun+"/")) > 0 {
		t.Error("the figures of the baseline went and those of another stayed")
	}
	third, _ := w.measure(3)
	end, ended, err := w.nats.Bus("fiord/test").Ended(t.Context(), events.BenchEndFilter(third))
	if err != nil || !ended {
		t.Fatalf("ended %v, %v", ended, err)
	}
	if report, err := reportOf(end); err != nil || report.Baseline != second {
		t.Errorf("held against %q, want %q: %v", report.Baseline, second, err)
	}
	for _, path := range []string{"/benches/" + first, "/benches/" + third, "/benches/" + third + "/figures/trend.svg", "/artifacts/reports/" + second + "/report.html"} {
		resp, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("GET %s: %s", path, resp.Status)
		}
	}
}

func reportOf(e events.Event) (events.BenchReported, error) {
	report, ok := e.Data.(events.BenchReported)
	if !ok {
		return report, fmt.Errorf("it ended with %s", e.Type)
	}
	return report, nil
}
