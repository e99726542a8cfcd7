package plot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/gate"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/plot"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// site is a NATS server, a store, and what a test sees of the events.
type site struct {
	t     *testing.T
	nats  *bustest.Server
	store *artifacts.Store
	bus   *bus.Bus // publishes as the other services would
	seen  chan events.Event
}

func newSite(t *testing.T) *site {
	t.Helper()
	nats := bustest.NewServer(t)
	s := &site{t: t, nats: nats, bus: nats.Bus("fiord/test"), store: artifactstest.New(t), seen: make(chan events.Event, 10_000)}
	sub, err := s.bus.Watch(t.Context(), bus.View{See: func(_ context.Context, seen bus.Seen) { s.seen <- seen.Event }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sub.Stop)
	return s
}

// start runs a replica until the returned function is called, or the test ends.
func (s *site) start(change ...func(*plot.Config)) (url string, stop func()) {
	s.t.Helper()
	cfg := plot.DefaultConfig()
	cfg.Listen, cfg.Grace = "127.0.0.1:0", 50*time.Millisecond
	for _, c := range change {
		c(&cfg)
	}
	svc, err := plot.New(cfg, service.Deps{
		Bus: s.nats.Bus("fiord/plot"), Store: s.store, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Version: "test",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- svc.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				s.t.Errorf("run: %v", err)
			}
		case <-time.After(patience):
			s.t.Error("the service does not stop")
		}
	})
	s.t.Cleanup(stop)
	return svc.URL(), stop
}

func (s *site) publish(list ...events.Event) {
	s.t.Helper()
	for _, e := range list {
		if _, err := s.bus.Publish(s.t.Context(), e); err != nil {
			s.t.Fatal(err)
		}
	}
}

// await returns the next event of a type.
func await[T events.Data](s *site) T {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case e := <-s.seen:
			if data, ok := e.Data.(T); ok {
				return data
			}
		case <-deadline:
			var want T
			s.t.Fatalf("no %s", want.EventType())
		}
	}
}

// bench is a bench as inventory has placed it.
type bench struct {
	request, placed events.Event
	id              string
	runs            []events.RunRef
}

// place stores the placement of a bench with n runs on one host.
func (s *site) place(key string, n int, change ...func(*events.BenchRequested)) bench {
	s.t.Helper()
	request := events.BenchRequested{
		Name: "randread", Jobs: []events.Job{{Name: "r.fio", Inline: "[r]\nrw=randread\n"}},
		Origin: &events.Origin{Repo: events.Repo{Forge: "git", Name: "ada/disks", CloneURL: "https://git.example.org/ada/disks"}, Ref: "refs/heads/main", Commit: "0123456789abcdef0123456789abcdef01234567"},
	}
	for _, c := range change {
		c(&request)
	}
	b := bench{request: events.New("fiord/ingest", key, nil, request)}
	b.id = events.BenchID(b.request)
	now := time.Now().UTC().Truncate(time.Second)
	list := artifactstest.Put(s.t, s.store, "placements/list-"+key, "application/json", "{}")
	doc := events.Placement{Bench: b.id, Request: request, PlacedAt: now, Deadline: now.Add(time.Hour), Slots: []events.Slot{{Host: "node-a", List: list}}}
	for i := range n {
		point := events.Point{"iodepth": fmt.Sprint(1 << (i % 3))}
		doc.Slots[0].Runs = append(doc.Slots[0].Runs, events.RunRef{
			Bench: b.id, Run: events.RunID(b.id, 0, point.Key(), i/3), Name: "randread", Job: "r.fio", Index: i, Point: point, Repeat: i / 3, Host: "node-a", Attempt: 1,
		})
	}
	b.runs = doc.Slots[0].Runs
	raw, err := json.Marshal(doc)
	if err != nil {
		s.t.Fatal(err)
	}
	claim := artifactstest.Put(s.t, s.store, artifacts.PlacementKey(b.id), "application/json", string(raw))
	b.placed = events.New("fiord/inventory", "", &b.request, events.BenchPlaced{
		Bench: b.id, Name: "randread", Placement: claim, Hosts: 1, Slots: 1, Runs: n, PlacedAt: now, Deadline: doc.Deadline, Origin: request.Origin,
	})
	return b
}

// completed is the good end of a run that read at a given rate.
func (b bench) completed(i int, iops float64) events.Event {
	now := time.Now().UTC().Truncate(time.Second)
	return events.New("fiord/bench", b.runs[i].Run, &b.request, events.RunCompleted{
		RunRef: b.runs[i], StartedAt: now, EndedAt: now.Add(time.Second), Integrity: events.Integrity{State: events.IntegrityOK},
		Summary: events.Summary{FioVersion: "fio-3.33", Read: &events.Figures{IOPS: iops, BandwidthBytes: iops * 4096, TotalIOs: uint64(iops), Latency: events.Latency{Mean: 1e9 / iops, P50: 1e9 / iops, P99: 2e9 / iops}}},
	})
}

func (b bench) failed(i int) events.Event {
	return events.New("fiord/bench", b.runs[i].Run, &b.request, events.RunFailed{RunRef: b.runs[i], Reason: "fio ended with 1", EndedAt: time.Now().UTC()})
}

func (b bench) cancelled(i int) events.Event {
	return events.New("fiord/bench", b.runs[i].Run, &b.request, events.RunCancelled{RunRef: b.runs[i], Reason: "superseded", By: "fiord/ingest", EndedAt: time.Now().UTC()})
}

// page fetches a page and fails unless it has the status and every text.
func (s *site) page(url string, status int, texts ...string) {
	s.t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.StatusCode != status {
		s.t.Fatalf("GET %s: %s, want %d", url, resp.Status, status)
	}
	for _, text := range texts {
		if !bytes.Contains(body, []byte(text)) {
			_, shown, _ := strings.Cut(string(body), "<body>")
			s.t.Errorf("GET %s: no %q in\n%.3000s", url, text, shown)
		}
	}
}

// measure runs the real fio and stores what it left, as bench does.
func (s *site) measure(ref events.RunRef, args ...string) events.RunCompleted {
	s.t.Helper()
	fio, err := exec.LookPath("fio")
	if err != nil {
		if os.Getenv("CI") != "" {
			s.t.Fatal("fio is missing: apt-get install fio")
		}
		s.t.Skip("fio is missing: apt-get install fio")
	}
	dir := s.t.TempDir()
	cmd := exec.Command(fio, append([]string{"--output-format=json+", "--output=fio.json", "--name=r", "--ioengine=null", "--size=1g", "--bs=4k",
		"--time_based", "--runtime=2", "--write_bw_log=fio", "--write_iops_log=fio", "--write_lat_log=fio", "--write_hist_log=fio",
		"--log_avg_msec=100", "--log_hist_msec=500"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("fio: %v\n%s", err, out)
	}
	raw, err := os.Open(filepath.Join(dir, "fio.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer raw.Close()
	output, err := result.Read(raw)
	if err != nil {
		s.t.Fatal(err)
	}
	var doc bytes.Buffer
	if err := output.Document().Write(&doc); err != nil {
		s.t.Fatal(err)
	}
	claim := artifactstest.Put(s.t, s.store, artifacts.RunKey(ref.Run, 1, "result.json"), "application/json", doc.String())
	var set events.LogSet
	names, _ := filepath.Glob(filepath.Join(dir, "*.log"))
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			s.t.Fatal(err)
		}
		c, err := s.store.PutCompressed(s.t.Context(), artifacts.RunKey(ref.Run, 1, "logs/"+filepath.Base(name)+artifacts.SuffixZstd), f)
		f.Close()
		if err != nil {
			s.t.Fatal(err)
		}
		set.Logs = append(set.Logs, events.Artifact{Name: "logs/" + filepath.Base(name), ClaimCheck: c})
	}
	list, err := json.Marshal(set)
	if err != nil {
		s.t.Fatal(err)
	}
	logs := artifactstest.Put(s.t, s.store, artifacts.RunKey(ref.Run, 1, "logs.json"), "application/json", string(list))
	now := time.Now().UTC().Truncate(time.Second)
	data := events.RunCompleted{RunRef: ref, StartedAt: now, EndedAt: now.Add(2 * time.Second), Integrity: events.Integrity{State: events.IntegrityOK},
		Summary: events.Summary{FioVersion: output.Version}, Artifacts: []events.Artifact{{Name: "result.json", ClaimCheck: claim}}, Logs: &logs}
	sum := output.Summary()
	for from, to := range map[*result.Figures]**events.Figures{sum.Read: &data.Summary.Read, sum.Write: &data.Summary.Write} {
		if from != nil {
			*to = &events.Figures{IOPS: from.IOPS, BandwidthBytes: from.BWBytes, TotalIOs: uint64(from.TotalIOs), TotalBytes: uint64(from.Bytes),
				Latency: events.Latency{Mean: from.Clat.Mean, P50: from.Clat.P50, P95: from.Clat.P95, P99: from.Clat.P99, P999: from.Clat.P999, Max: from.Clat.Max}}
		}
	}
	return data
}

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
		if strings.HasSuffix(f.Name, ".svg") && !strings.Contains(body, "<svg") || strings.HasSuffix(f.Name, ".png") && !strings.HasPrefix(body, "\x89PNG") {
			t.Errorf("%s is no figure", f.Name)
		}
		if dir := os.Getenv("FIORD_TEST_KEEP"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, f.Name), []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, want := strings.Join(names, " "), "iops.svg iops.png bandwidth.svg bandwidth.png latency-read.svg latency-read.png heatmap-read.svg heatmap-read.png "+
		"latency-write.svg latency-write.png heatmap-write.svg heatmap-write.png percentiles.svg percentiles.png"; got != want {
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
		if a.Name == "report.md" && !(strings.Contains(body, "| r.fio |") && strings.HasPrefix(body, "## randread: ● baseline\n")) {
			t.Errorf("the summary has no table:\n%s", body)
		}
	}
	s.page(url+"/", 200, "randread", "1 of 1 runs completed")
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
		"/runs/" + first + "/figures/histogram.svg":                {"Latency histogram", "read – n = "},
		"/runs/" + first + "/figures/cdf.svg":                      {"% of I/Os that took no longer"},
		"/runs/" + first + "/figures/steady.svg":                   {"IOPS over time and steady state"},
		"/runs/" + first + "/figures/cpu.svg":                      {"job 1: r", "system"},
		"/runs/" + first + "/figures/iops.svg?from=0.5&to=1.5":     {"IOPS over time", "10 intervals of 100 ms"},
		"/compare/difference.svg?run=" + first + "&run=" + second:  {"Completion latency against run 1", "reads"},
		"/compare/percentiles.svg?run=" + first + "&run=" + second: {"1: r.fio iodepth=1", "2: r.fio iodepth=2"},
		"/compare/cdf.svg?run=" + first + "&run=" + second:         {"2 runs"},
		"/compare/iops.svg?run=" + first + "&run=" + second:        {"all directions together", "2: r.fio iodepth=2 – mean "},
		"/compare/summary.svg?run=" + first + "&run=" + second:     {"kIOPS"},
		"/benches/" + b.id + "/figures/load.svg":                   {"Mean completion latency over throughput", "labels: iodepth"},
		"/benches/" + b.id + "/figures/surface.svg":                {"nothing measured"},
		"/benches/" + b.id + "/figures/by-iodepth.svg":             {"iodepth=2"},
		"/benches/" + b.id + "/figures/by-bs.svg":                  {"nothing measured"},
		"/benches/" + b.id + "/figures/trend.svg":                  {"1 benches", "0123456"},
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

// A push is held against the newest sound bench of its baseline's branch.
func TestVerdictAgainstTheBaseline(t *testing.T) {
	s := newSite(t)
	s.start()
	compare := func(r *events.BenchRequested) { r.Compare = &events.Compare{Baseline: "main", Threshold: "5%"} }
	measure := func(key string, level float64) events.BenchReported {
		t.Helper()
		const runs = 15 // five repeats of three points
		b := s.place(key, runs, compare)
		s.publish(b.request, b.placed)
		for i := range runs {
			s.publish(b.completed(i, level*(1+0.002*float64(i/3))))
		}
		got := await[events.BenchReported](s)
		if got.Bench != b.id {
			t.Fatalf("%s: another bench was reported", key)
		}
		s.remembered(b, got)
		return got
	}
	first := measure("one", 1000)
	if first.Verdict != events.VerdictBaseline {
		t.Fatalf("first: %s %q", first.Verdict, first.Headline)
	}
	same := measure("two", 1005)
	if same.Verdict != events.VerdictUnchanged || same.Baseline != first.Bench || len(same.Comparisons) != 6 {
		t.Errorf("second: %s %q against %s", same.Verdict, same.Headline, same.Baseline)
	}
	worse := measure("three", 800)
	if worse.Verdict != events.VerdictRegressed || worse.Baseline != same.Bench {
		t.Errorf("third: %s %q against %s", worse.Verdict, worse.Headline, worse.Baseline)
	}
	still := measure("four", 800)
	if still.Verdict != events.VerdictRegressed || still.Baseline != same.Bench {
		t.Errorf("fourth: %s against %s: what regressed must not become the baseline by itself", still.Verdict, still.Baseline)
	}
	s.publish(events.New("fiord/test", "accept", nil, events.BaselineAccepted{Bench: still.Bench, By: "ada", Reason: "checksums are worth it"}))
	s.accepted(still)
	if after := measure("five", 801); after.Verdict != events.VerdictUnchanged || after.Baseline != still.Bench {
		t.Errorf("fifth: %s against %s, want the accepted %s", after.Verdict, after.Baseline, still.Bench)
	}
}

// history reads the history document of the test's benches.
func (s *site) history() string {
	s.t.Helper()
	key := artifacts.ArchiveKey("history", events.HashID("history", "ada/disks", "randread", "refs/heads/main"))
	claim, err := s.store.Claim(s.t.Context(), key)
	if err != nil {
		return ""
	}
	return artifactstest.Read(s.t, s.store, claim)
}

func (s *site) eventually(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("never: %s", what)
		}
	}
}

// remembered waits until a report is part of the history.
func (s *site) remembered(b bench, _ events.BenchReported) {
	s.t.Helper()
	s.eventually("the report is remembered", func() bool { return strings.Contains(s.history(), b.id) })
}

func (s *site) accepted(r events.BenchReported) {
	s.t.Helper()
	s.eventually("the baseline is accepted", func() bool { return strings.Contains(s.history(), `"accepted":true`) })
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
	data.Artifacts = []events.Artifact{{Name: "result.json", ClaimCheck: artifactstest.Put(t, s.store, artifacts.RunKey(data.Run, 1, "result.json"), "application/json", "{ no json")}}
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
