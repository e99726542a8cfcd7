package plot_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/gate"
	"github.com/fiord-bench/fiord/services/plot"
)

// From fio's own output to figures, report, page and the end of the bench.
func TestFromFioToThePage(t *testing.T) {
	s := newSite(t)
	url, _ := s.start()
	b := s.place("push", 1)
	s.publish(b.request, b.placed)
	data := s.measure(b.runs[0], "--rw=randrw", "--rwmixread=70", "--rate_iops=20000,9000")
	s.publish(events.New("fiord/bench", data.Run, &b.request, data))

	plots := await[events.PlotsRendered](s)
	var names []string
	for _, f := range plots.Figures {
		names = append(names, f.Name)
		body := artifactstest.Read(t, s.store, f.ClaimCheck)
		if !strings.Contains(body, "<svg") {
			t.Errorf("%s is no figure", f.Name)
		}
		s.page(url+"/runs/"+data.Run+"/figures/"+strings.Replace(f.Name, ".svg", ".png", 1), 200, "PNG")
		if dir := os.Getenv("FIORD_TEST_KEEP"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, f.Name), []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, want := strings.Join(names, " "), "iops.svg bandwidth.svg latency-read.svg heatmap-read.svg latency-write.svg heatmap-write.svg percentiles.svg"; got != want {
		t.Errorf("figures %s\nwant    %s", got, want)
	}
	if len(plots.Flags) > 0 {
		t.Errorf("flags on a sound run: %v", plots.Flags)
	}
	report := await[events.BenchReported](s)
	if report.Verdict != events.VerdictBaseline || report.Counts != (events.Counts{Planned: 1, Completed: 1}) {
		t.Errorf("reported %s %q with %+v", report.Verdict, report.Headline, report.Counts)
	}
	for _, a := range report.Reports {
		body := artifactstest.Read(t, s.store, a.ClaimCheck)
		if a.Name == "report.html" && (!strings.Contains(body, "<svg") || strings.Contains(body, "src=") || !strings.Contains(body, "</span> baseline</span>")) {
			t.Error("the report does not stand alone")
		}
		if a.Name == "report.md" && (!strings.Contains(body, "| r.fio |") || !strings.HasPrefix(body, "## randread: ● baseline\n")) {
			t.Errorf("the summary has no table:\n%s", body)
		}
	}
	s.page(url+"/", 200, "randread", "baseline", "IOPS", "node-a")
	s.page(url+"/benches/"+b.id, 200, "First result", "report.html")
	s.page(url+"/runs/"+data.Run, 200, "/artifacts/plots/"+data.Run+"/iops.svg", "p99.9", "fio-3.")
	s.page(url+"/artifacts/plots/"+data.Run+"/iops.svg", 200, "IOPS over time", "read – mean ", "write – mean ")
	s.page(url+"/badge/randread.svg", 200, "baseline")
}

// Figures that are drawn when somebody asks, from real output, and kept.
func TestFiguresOnDemand(t *testing.T) {
	s := newSite(t)
	url, _ := s.start()
	b := s.place("asked", 2)
	s.publish(b.request, b.placed)
	for i, rate := range []string{"--rate_iops=20000", "--rate_iops=15000"} {
		data := s.measure(b.runs[i], "--rw=randread", rate)
		s.publish(events.New("fiord/bench", data.Run, &b.request, data))
	}
	report := await[events.BenchReported](s)
	s.remembered(b, report)
	first, second := b.runs[0].Run, b.runs[1].Run
	for path, texts := range map[string][]string{
		"/runs/" + first + "/figures/histogram.svg":                {"Latency histogram", "read completion – n = "},
		"/runs/" + first + "/figures/cdf.svg":                      {"% of I/Os that took no longer"},
		"/runs/" + first + "/figures/steady.svg":                   {"IOPS over time and steady state"},
		"/runs/" + first + "/figures/cpu.svg":                      {"job 1: r", "system"},
		"/runs/" + first + "/figures/iops.svg?from=0.5&to=1.5":     {"IOPS over time", "10 intervals of 100 ms"},
		"/compare/difference.svg?run=" + first + "&run=" + second:  {"Latency against run 1", "read completions"},
		"/compare/percentiles.svg?run=" + first + "&run=" + second: {"1: r.fio iodepth=1", "2: r.fio iodepth=2"},
		"/compare/cdf.svg?run=" + first + "&run=" + second:         {"2 runs"},
		"/compare/iops.svg?run=" + first + "&run=" + second:        {"all directions together", "2: r.fio iodepth=2 – mean "},
		"/compare/summary.svg?run=" + first + "&run=" + second:     {"kIOPS"},
		"/benches/" + b.id + "/figures/load.svg":                   {"Mean latency over throughput", "labels: iodepth"},
		"/benches/" + b.id + "/figures/surface.svg":                {"nothing measured"},
		"/benches/" + b.id + "/figures/by-iodepth.svg":             {"iodepth=2"},
		"/benches/" + b.id + "/figures/by-bs.svg":                  {"nothing measured"},
		"/benches/" + b.id + "/figures/trend.svg":                  {"benches: 1", "0123456"},
	} {
		s.page(url+path, 200, texts...)
		s.page(url+strings.Replace(path, ".svg", ".png", 1), 200, "PNG")
		s.page(url+path, 200, texts...)
	}
	if _, err := s.store.Stat(t.Context(), artifacts.PlotKey(first, "cdf.svg")); err != nil {
		t.Errorf("the figure was not kept: %v", err)
	}
	s.page(url+"/runs/"+events.HashID("unheard")+"/figures/cdf.svg", 404)
	s.page(url+"/compare?run="+first+"&run="+second, 200, "/compare/difference.svg")
}

// Whatever the order in which the ends, the figures and the placement come.
func TestABenchEndsWhateverTheOrder(t *testing.T) {
	s := newSite(t)
	s.start()
	orders := map[string]func(b bench) []events.Event{
		"as-it-happens": func(b bench) []events.Event {
			return []events.Event{b.request, b.placed, b.completed(0, 1000), b.failed(1)}
		},
		"placed-comes-last": func(b bench) []events.Event {
			return []events.Event{b.completed(0, 1000), b.failed(1), b.request, b.placed}
		},
		"twice": func(b bench) []events.Event {
			return []events.Event{b.failed(1), b.placed, b.failed(1), b.completed(0, 1000), b.placed}
		},
		"in-the-middle": func(b bench) []events.Event { return []events.Event{b.failed(1), b.placed, b.completed(0, 1000)} },
	}
	for name, order := range orders {
		b := s.place(name, 2)
		s.publish(order(b)...)
		got := await[events.BenchReported](s)
		if want := (events.Counts{Planned: 2, Completed: 1, Failed: 1}); got.Bench != b.id || got.Verdict != events.VerdictFailed || got.Counts != want {
			t.Errorf("%s: %s with %+v", name, got.Verdict, got.Counts)
		}
	}
}

// Three replicas race for the same bench; it ends once.
func TestReplicasEndABenchOnce(t *testing.T) {
	s := newSite(t)
	for range 3 {
		s.start()
	}
	const runs = 24
	b := s.place("race", runs)
	s.publish(b.placed)
	for i := range runs {
		s.publish(b.failed(i))
	}
	await[events.BenchReported](s)
	time.Sleep(300 * time.Millisecond)
	for {
		select {
		case e := <-s.seen:
			if e.Type.Ends() == "bench" {
				t.Fatalf("a second end: %s", e.Type)
			}
		default:
			return
		}
	}
}

func TestCancelledBenches(t *testing.T) {
	s := newSite(t)
	s.start()
	t.Run("with runs", func(t *testing.T) {
		b := s.place("runs", 2)
		s.publish(b.request, b.placed, b.completed(0, 1000), b.cancelled(1))
		got := await[events.BenchCancelled](s)
		if want := (events.Counts{Planned: 2, Completed: 1, Cancelled: 1}); got.Bench != b.id || got.Reason != "superseded" || got.Counts != want {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("that nobody placed", func(t *testing.T) {
		request := events.New("fiord/ingest", "unplaced", nil, events.BenchRequested{Name: "queued", Jobs: []events.Job{{Name: "r.fio", Inline: "[r]"}}})
		id := events.BenchID(request)
		s.publish(request, events.New("fiord/test", "c", nil, events.CancelRequested{Bench: id, Reason: "not needed", By: "ada"}))
		if got := await[events.BenchCancelled](s); got.Bench != id || got.Name != "queued" || got.By != "ada" || got.Counts != (events.Counts{}) {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("too late", func(t *testing.T) {
		b := s.place("late", 1)
		s.publish(b.request, b.placed, events.New("fiord/test", "late", nil, events.CancelRequested{Bench: b.id, Reason: "r", By: "ada"}), b.completed(0, 1000))
		if got := await[events.BenchReported](s); got.Bench != b.id {
			t.Errorf("got %+v", got)
		}
	})
}

// Repeats that were planned and not needed are no part of the plan any more.
func TestABenchIsReportedWithoutWhatWasNotNeeded(t *testing.T) {
	s := newSite(t)
	s.start()
	b := s.place("spread", 3)
	left := events.New("fiord/bench", b.runs[2].Run, &b.request, events.RunCancelled{
		RunRef: b.runs[2], Code: events.CodeNotNeeded, Reason: "not needed: read.iops is known to ±1%", By: "fiord/bench", EndedAt: time.Now().UTC(),
	})
	s.publish(b.request, b.placed, b.completed(0, 1000), b.completed(1, 1000), left)
	got := await[events.BenchReported](s)
	if want := (events.Counts{Planned: 2, Completed: 2, NotNeeded: 1}); got.Counts != want || got.Verdict != events.VerdictBaseline {
		t.Errorf("%s with %+v, want %s with %+v", got.Verdict, got.Counts, events.VerdictBaseline, want)
	}
	s.page(got.URL, 200, "not needed", "known to ±1%")
}

// The page must tell of a bench when the stream has forgotten it.
func TestThePageOutlivesTheStream(t *testing.T) {
	s := newSite(t)
	_, stop := s.start()
	b := s.place("old", 2)
	s.publish(b.request, b.placed, b.completed(0, 1000), b.failed(1))
	report := await[events.BenchReported](s)
	s.eventually("the end is archived", func() bool {
		_, err := s.store.Stat(t.Context(), artifacts.ArchiveKey(b.id, "ended"))
		return err == nil
	})
	stop()
	stream, err := s.bus.JetStream().Stream(t.Context(), bus.StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	url, _ := s.start()
	s.page(url+"/", 200, "No bench yet")
	s.page(url+"/benches/"+b.id, 200, report.Headline, "fio ended with 1")
	s.page(url+"/runs/"+b.runs[0].Run, 200, "1 kIOPS")
	s.page(url+"/runs/"+events.HashID("unheard"), 404)
	s.page(url+"/benches/..%2Fx", 404)
}

// A result that cannot be read costs the figures, not the bench.
func TestARunThatCannotBeDrawnIsToldAndCounted(t *testing.T) {
	s := newSite(t)
	url, _ := s.start()
	b := s.place("broken", 1)
	e := b.completed(0, 1000)
	data := e.Data.(events.RunCompleted)
	data.Artifacts = []events.Artifact{{Name: "result.json", ClaimCheck: artifactstest.Put(t, s.store, artifacts.RunKey(data.Host, data.Run, 1, "result.json"), "application/json", "{ no json")}}
	e.Data = data
	s.publish(b.request, b.placed, e)
	plots := await[events.PlotsRendered](s)
	if len(plots.Figures) != 0 || len(plots.Flags) != 1 || !strings.Contains(plots.Flags[0], "could not be drawn") {
		t.Errorf("got %+v", plots)
	}
	if got := await[events.BenchReported](s); got.Counts.Completed != 1 {
		t.Errorf("got %+v", got)
	}
	s.page(url+"/runs/"+data.Run, 200, "could not be drawn")
}

// While something is measured on the host, nothing is drawn.
func TestDrawingWaitsForTheGate(t *testing.T) {
	s := newSite(t)
	path := filepath.Join(t.TempDir(), "gate")
	measuring, err := gate.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	release, err := measuring.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.start(func(c *plot.Config) { c.Gate = path })
	b := s.place("gated", 1)
	s.publish(b.request, b.placed, b.completed(0, 1000))
	time.Sleep(500 * time.Millisecond)
	for len(s.seen) > 0 {
		if e := <-s.seen; e.Type == events.TypePlotsRendered {
			t.Fatal("drawn while something was measured")
		}
	}
	release()
	await[events.PlotsRendered](s)
}
