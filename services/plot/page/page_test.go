package page_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/index"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
	"github.com/fiord-bench/fiord/services/plot/trend"
)

var update = flag.Bool("update", false, "rewrite golden files")

// source is a model with an error of the test's.
type source struct {
	*model.Model
	err error
}

func (s source) Bench(_ context.Context, id string) (model.Bench, error) {
	if s.err != nil {
		return model.Bench{}, s.err
	}
	b, ok := s.Model.Bench(id)
	if !ok {
		return b, fmt.Errorf("bench %s: %w", id, model.ErrUnknown)
	}
	return b, nil
}

func (s source) BenchOf(_ context.Context, run string) (string, error) {
	id, ok := s.Model.BenchOf(run)
	if !ok {
		return "", fmt.Errorf("run %s: %w", run, model.ErrUnknown)
	}
	return id, nil
}

// Search indexes all that the model has, and searches it.
func (s source) Search(ctx context.Context, q index.Query) (index.Result, error) {
	x, err := s.index(ctx)
	if err != nil {
		return index.Result{}, err
	}
	return x.Search(ctx, q)
}

func (s source) Options(ctx context.Context) (index.Options, error) {
	x, err := s.index(ctx)
	if err != nil {
		return index.Options{}, err
	}
	return x.Options(ctx)
}

// A fleet is what the index says of hosts and devices, after all that the model has.
func (s source) fleet(ctx context.Context) page.Fleet {
	x, err := s.index(ctx)
	if err != nil {
		return broken{err: err}
	}
	return x
}

func (s source) Hosts(ctx context.Context, c index.Choice) ([]index.Host, bool, error) {
	return s.fleet(ctx).Hosts(ctx, c)
}

func (s source) Host(ctx context.Context, name string) (index.Host, error) {
	return s.fleet(ctx).Host(ctx, name)
}

func (s source) Devices(ctx context.Context, c index.Choice) ([]index.Device, bool, error) {
	return s.fleet(ctx).Devices(ctx, c)
}

func (s source) Device(ctx context.Context, id string) (index.Device, error) {
	return s.fleet(ctx).Device(ctx, id)
}

func (s source) Runs(ctx context.Context, q index.RunQuery) ([]index.Run, bool, error) {
	return s.fleet(ctx).Runs(ctx, q)
}

func (s source) Series(ctx context.Context, q index.SeriesQuery) ([]index.Measured, bool, error) {
	return s.fleet(ctx).Series(ctx, q)
}

func (s source) Newest(ctx context.Context, host, device string) ([]index.Measured, error) {
	return s.fleet(ctx).Newest(ctx, host, device)
}

func (s source) EnvironmentChanges(ctx context.Context, host, device string) ([]index.EnvironmentChange, error) {
	return s.fleet(ctx).EnvironmentChanges(ctx, host, device)
}

// broken is a fleet of which nothing can be read.
type broken struct {
	page.Fleet
	err error
}

func (b broken) Hosts(context.Context, index.Choice) ([]index.Host, bool, error) {
	return nil, false, b.err
}

func (b broken) Host(context.Context, string) (index.Host, error) { return index.Host{}, b.err }

func (b broken) Devices(context.Context, index.Choice) ([]index.Device, bool, error) {
	return nil, false, b.err
}

func (b broken) Device(context.Context, string) (index.Device, error) { return index.Device{}, b.err }

func (s source) index(ctx context.Context) (*index.Index, error) {
	if s.err != nil {
		return nil, s.err
	}
	x, err := index.Open(ctx, "", s.Model, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, b := range s.Latest(0, 1000, nil) {
		ids = append(ids, b.ID)
	}
	return x, x.Refresh(ctx, ids...)
}

// objects are contents by key; broken ones fail at their end.
type objects map[string]string

func (o objects) Open(_ context.Context, key string, plain bool) (io.ReadCloser, events.ClaimCheck, error) {
	text, ok := o[key]
	if !ok {
		return nil, events.ClaimCheck{}, fmt.Errorf("open %s: %w", key, model.ErrUnknown)
	}
	var r io.Reader = strings.NewReader(text)
	if text == "broken" {
		r = io.MultiReader(r, failing{})
	}
	if plain {
		r = strings.NewReader("expanded " + text)
	}
	return io.NopCloser(r), events.ClaimCheck{Key: key, SHA256: strings.Repeat("ab", 32), Size: int64(len(text))}, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("corrupt") }

// drawer draws a picture that says what was asked for.
type drawer struct{}

func (drawer) DrawRuns(_ context.Context, runs []string, name, format string) ([]byte, error) {
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><title>%s %s %s</title></svg>`, strings.Join(runs, "+"), name, format), nil
}

func (drawer) DrawStretch(ctx context.Context, run, name, format string, from, to time.Duration) ([]byte, error) {
	return drawer{}.DrawRuns(ctx, []string{run}, fmt.Sprintf("%s %s-%s", name, from, to), format)
}

func (drawer) DrawBench(ctx context.Context, bench, name, format string) ([]byte, error) {
	return drawer{}.DrawRuns(ctx, []string{bench}, name, format)
}

// Past is a history with a change for the worse, one for the better, and an
// accepted baseline. Other benches have none.
func (drawer) Changes(_ context.Context, bench string) (trend.Changes, error) {
	switch bench {
	case events.HashID("unknown"):
		return trend.Changes{}, model.ErrUnknown
	case events.HashID("young"):
		return trend.Changes{Name: "young"}, nil
	}
	commit := func(i int) string { return strings.Repeat(fmt.Sprint(i), 40) }
	return trend.Changes{
		Repo: "ada/disks", Name: "randread-nvme", Ref: "refs/heads/main", Benches: 120, Since: start, Series: 20, Unsearched: 3,
		Commits: []trend.Commit{
			{Bench: events.HashID("turn", "3"), Commit: commit(3), At: start.Add(72 * time.Hour), Verdict: events.VerdictRegressed,
				Previous: events.HashID("turn", "2"), PreviousCommit: commit(2), Changes: []trend.Change{
					{Metric: "read.p99", Job: "jobs/randread.fio", Point: "bs=4k,iodepth=8", Machine: "node-a", Before: 410e3, After: 905e3, Unit: "ns", Change: 1.207, Worse: true, NBefore: 60, NAfter: 14, Lasts: true},
					{Metric: "read.iops", Job: "jobs/randread.fio", Point: "bs=4k,iodepth=8", Machine: hostile, Before: 55000, After: 48200, Unit: "iops", Change: -0.1236, Worse: true, NBefore: 60, NAfter: 14, Lasts: true, Environment: true},
				}},
			{Bench: events.HashID("turn", "1"), Commit: commit(1), At: start.Add(24 * time.Hour), Verdict: events.VerdictImproved, Accepted: true,
				Previous: events.HashID("turn", "0"), PreviousCommit: commit(0), Changes: []trend.Change{
					{Metric: "write.bw", Job: "jobs/randread.fio", Point: "", Machine: "node-a", Before: 1e8, After: 2e8, Unit: "B/s", Change: 1, NBefore: 46, NAfter: 60},
				}},
			{Bench: events.HashID("turn", "0"), Commit: commit(0), At: start, Verdict: events.VerdictBaseline, Accepted: true},
		},
	}, nil
}

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// hostile is what a job file, a branch or a host could be called.
const hostile = `<script>alert(1)</script>"'&amp;`

// world is a model with one bench of each sort, and their ids.
func world() (*model.Model, map[string]string) {
	m, ids, n := model.New(1000), map[string]string{}, 0
	apply := func(e events.Event) events.Event {
		n++
		e.Time = start
		m.Apply(e, start.Add(time.Duration(n)*time.Second))
		return e
	}
	request := func(key, name string) string {
		e := apply(events.New("fiord/ingest", key, nil, events.BenchRequested{
			Name: name, Jobs: []events.Job{{Name: "jobs/randread.fio"}}, Matrix: map[string][]events.Scalar{"iodepth": {"1", "8"}},
			Origin: &events.Origin{Repo: events.Repo{Forge: "gitea", Name: "ada/disks", WebURL: "https://git.example.org/ada/disks"},
				Ref: "refs/heads/main", Commit: "0123456789abcdef0123456789abcdef01234567"},
		}))
		ids[key] = events.BenchID(e)
		return ids[key]
	}
	done := request("done", "randread-nvme")
	complete(apply, done)
	apply(events.New("fiord/plot", "", nil, report(done, "randread-nvme")))
	apply(events.New("fiord/inventory", "", nil, events.BenchUnplaced{Bench: request("unplaced", "no-host"), Name: "no-host",
		Problems: []events.Problem{{Rule: "missing", Message: "no host has architecture==riscv64; 3 have x86_64"}}}))
	apply(events.New("fiord/plot", "", nil, events.BenchCancelled{Bench: request("cancelled", "superseded"), Name: "superseded", Reason: "a newer push", By: "fiord/ingest"}))
	request("open", hostile)
	apply(events.New("fiord/bench", "x", nil, events.RunFailed{
		RunRef: events.RunRef{Bench: ids["open"], Run: events.HashID("failed"), Name: hostile, Job: hostile, Host: hostile, Point: events.Point{"bs": hostile}, Attempt: 1},
		Reason: hostile, Stderr: hostile, EndedAt: start,
	}))
	return m, ids
}

// complete adds a run with figures and one whose integrity is in doubt.
func complete(apply func(events.Event) events.Event, bench string) {
	for i := range 2 {
		ref := events.RunRef{Bench: bench, Run: events.HashID("run", fmt.Sprint(i)), Name: "randread-nvme", Job: "jobs/randread.fio",
			Index: i, Point: events.Point{"iodepth": []string{"1", "8"}[i], "bs": "4k"}, Host: "node-a", Attempt: 1}
		d := events.RunCompleted{RunRef: ref, StartedAt: start, EndedAt: start.Add(time.Minute),
			Summary:   events.Summary{FioVersion: "fio-3.33", Read: &events.Figures{IOPS: 48211.4, BandwidthBytes: 197473894, TotalIOs: 2892684, Latency: &events.Latency{Mean: 97e3, P50: new(float64(82e3)), P95: new(float64(190e3)), P99: new(float64(410e3)), P999: new(float64(2.4e6)), Max: 9e6}}},
			Integrity: events.Integrity{State: events.IntegrityOK},
			Artifacts: []events.Artifact{{Name: "fio.json", ClaimCheck: events.ClaimCheck{Key: "runs/" + ref.Run + "/1/fio.json", Size: 48123}}, {Name: "logs/r_bw.1.log", ClaimCheck: events.ClaimCheck{Key: "runs/" + ref.Run + "/1/r_bw.1.log.zst", Size: 2048}}},
		}
		if i == 1 {
			d.Integrity = events.Integrity{State: events.IntegritySuspect, Findings: []events.Finding{{Check: "stall", State: events.IntegritySuspect, Evidence: "no I/O completed for 14 s"}}}
			d.Summary.Write = &events.Figures{IOPS: 120.5, BandwidthBytes: 493568, TotalIOs: 7230}
		}
		e := apply(events.New("fiord/bench", ref.Run, nil, d))
		apply(events.New("fiord/plot", "", &e, events.PlotsRendered{Bench: bench, Run: ref.Run, Figures: []events.Artifact{
			{Name: "iops.svg", ClaimCheck: events.ClaimCheck{Key: "plots/" + ref.Run + "/iops.svg"}},
			{Name: "iops.png", ClaimCheck: events.ClaimCheck{Key: "plots/" + ref.Run + "/iops.png"}},
		}}))
	}
}

func report(bench, name string) events.BenchReported {
	return events.BenchReported{Bench: bench, Name: name, Verdict: events.VerdictRegressed, Headline: "Regressed: read.iops at iodepth=8 -12.3%.",
		Counts: events.Counts{Planned: 2, Completed: 2}, Baseline: events.HashID("base"),
		Comparisons: []events.Comparison{{Point: "bs=4k,iodepth=8", Host: "node-a", Metric: "read.iops", Verdict: events.VerdictRegressed, Unit: "iops", Before: 55000, After: 48211, Change: -0.123, Low: -0.15, High: -0.1, P: 0.008, NBefore: 5, NAfter: 5},
			{Point: "bs=4k,iodepth=8", Host: "node-a", Metric: "read.p99", Verdict: events.VerdictInconclusive, Unit: "ns", Before: 410e3, After: 455e3, Change: 0.11, Low: 0.06, High: 0.15, P: 0.008, NBefore: 5, NAfter: 5,
				Merged: &events.MergedTail{Before: events.TailValue{Value: 420e3, Low: 390e3, High: 700e3, IOs: 1_480_000}, After: events.TailValue{Value: 450e3, Low: 430e3, High: 470e3, IOs: 1_310_500}, Change: 0.0714, Low: -0.35, High: 0.18, Interval: true}}},
		Reports: []events.Artifact{{Name: "report.html", ClaimCheck: events.ClaimCheck{Key: "reports/" + bench + "/report.html", Size: 9000}}}}
}

func handler(t *testing.T, s page.Source, o page.Objects) http.Handler {
	t.Helper()
	return drawnBy(t, s, o, drawer{})
}

func drawnBy(t *testing.T, s page.Source, o page.Objects, d page.Drawer) http.Handler {
	t.Helper()
	h, err := page.New(s, o, d, drawer{}, slog.New(slog.DiscardHandler), "fiord test")
	if err != nil {
		t.Fatal(err)
	}
	h.SetClock(start.Add(time.Hour))
	return h
}

func get(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	m, ids := world()
	h := handler(t, source{Model: m}, nil)
	for name, path := range map[string]string{
		"list": "/", "list-filtered": "/?name=no-host", "list-empty": "/?name=nothing",
		"bench-done": "/benches/" + ids["done"], "bench-unplaced": "/benches/" + ids["unplaced"],
		"bench-cancelled": "/benches/" + ids["cancelled"], "bench-open": "/benches/" + ids["open"],
		"run-completed": "/runs/" + events.HashID("run", "0"), "run-suspect": "/runs/" + events.HashID("run", "1"),
		"compare": "/compare?run=" + events.HashID("run", "0") + "&run=" + events.HashID("run", "1"), "compare-nothing": "/compare",
		"run-failed": "/runs/" + events.HashID("failed"),
		"past":       "/benches/" + ids["done"] + "/history", "past-young": "/benches/" + events.HashID("young") + "/history",
	} {
		t.Run(name, func(t *testing.T) {
			w := get(h, path)
			if w.Code != http.StatusOK {
				t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
			}
			golden(t, name+".html", body(w.Body.String()))
		})
	}
}

// body is the page without style sheet and script, which are looked at and
// driven, not compared.
func body(page string) string {
	_, rest, _ := strings.Cut(page, "<body>")
	if _, after, live := strings.Cut(page, "<body data-live="); live {
		rest = "<body data-live=" + after
	}
	parts := strings.Split(rest, "<script>")
	for i := range parts[1:] {
		_, parts[i+1], _ = strings.Cut(parts[i+1], "</script>")
	}
	rest = strings.Join(parts, "<script>")
	return strings.TrimSpace(rest) + "\n"
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); -update rewrites it:\n%s", file, diff)
	}
}

// What comes from job files and hosts must never become markup.
func TestNothingHostileIsMarkup(t *testing.T) {
	m, ids := world()
	h := handler(t, source{Model: m}, nil)
	for _, path := range []string{"/", "/benches/" + ids["open"], "/runs/" + events.HashID("failed"), "/benches/" + ids["open"] + "/badge.svg",
		"/?name=" + strings.ReplaceAll("<script>alert(1)</script>", "/", "%2F"), "/badge/%3Cscript%3E.svg"} {
		if text := get(h, path).Body.String(); strings.Contains(text, "<script>alert") {
			t.Errorf("GET %s: a script came through", path)
		}
	}
}

func TestPagesAskForNothingElsewhere(t *testing.T) {
	m, ids := world()
	w := get(handler(t, source{Model: m}, nil), "/benches/"+ids["done"])
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	for _, attribute := range []string{`src="http`, `src="//`, "@import", "url(http"} {
		if strings.Contains(w.Body.String(), attribute) {
			t.Errorf("the page has %s", attribute)
		}
	}
}

func TestETagSparesTheBody(t *testing.T) {
	m, _ := world()
	h := handler(t, source{Model: m}, objects{"plots/x/iops.svg": "<svg/>"})
	for _, path := range []string{"/", "/artifacts/plots/x/iops.svg", "/badge/no-host.svg"} {
		first := get(h, path)
		again := get(h, path, "If-None-Match", `"other", W/`+first.Header().Get("ETag"))
		if first.Code != 200 || again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("GET %s: %d, then %d with %d bytes", path, first.Code, again.Code, again.Body.Len())
		}
	}
}

func TestUnknownAndUnreadable(t *testing.T) {
	m, ids := world()
	h := handler(t, source{Model: m}, objects{})
	for _, path := range []string{"/benches/" + events.HashID("no"), "/runs/" + events.HashID("no"), "/artifacts/plots/x.svg", "/nothing", "/badge/x"} {
		if w := get(h, path); w.Code != http.StatusNotFound {
			t.Errorf("GET %s: %d, want 404", path, w.Code)
		}
	}
	away := handler(t, source{Model: m, err: errors.New("secret endpoint is away")}, nil)
	w := get(away, "/benches/"+ids["done"])
	if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("store away: %d %s", w.Code, w.Body)
	}
}

func TestArtifactsAreInert(t *testing.T) {
	o := objects{}
	for _, k := range []string{"runs/r/1/fio.json", "runs/r/1/x_bw.1.log.zst", "runs/r/1/evil.xhtml", "plots/r/iops.svg", "reports/b/report.html", "placements/b.json", "archive/b/x.json"} {
		o[k] = "content"
	}
	h := handler(t, source{Model: model.New(1)}, o)
	for path, want := range map[string]string{
		"runs/r/1/fio.json":             "200 application/json inline",
		"runs/r/1/x_bw.1.log.zst":       "200 application/zstd attachment",
		"runs/r/1/x_bw.1.log.zst?plain": "200 text/plain; charset=utf-8 inline",
		"runs/r/1/evil.xhtml":           "200 application/octet-stream attachment",
		"plots/r/iops.svg":              "200 image/svg+xml inline",
		"reports/b/report.html":         "200 text/html; charset=utf-8 inline",
		"placements/b.json":             "404 text/plain; charset=utf-8 ",
		"archive/b/x.json":              "404 text/plain; charset=utf-8 ",
		"runs/..%2Fplacements%2Fb.json": "404 text/plain; charset=utf-8 ",
	} {
		w := get(h, "/artifacts/"+path)
		disposition, _, _ := strings.Cut(w.Header().Get("Content-Disposition"), ";")
		if got := fmt.Sprint(w.Code, " ", w.Header().Get("Content-Type"), " ", disposition); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
		if w.Code == 200 && !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "sandbox;") {
			t.Errorf("%s is not sandboxed", path)
		}
	}
}

// A download that turns out corrupt must break, not end as if it were whole.
func TestCorruptDownloadBreaks(t *testing.T) {
	server := httptest.NewServer(handler(t, source{Model: model.New(1)}, objects{"runs/r/1/fio.json": "broken"}))
	defer server.Close()
	resp, err := http.Get(server.URL + "/artifacts/runs/r/1/fio.json")
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("read %q without an error", text)
	}
}

func TestBadges(t *testing.T) {
	m, ids := world()
	h := handler(t, source{Model: m}, nil)
	for path, want := range map[string]string{
		"/badge/randread-nvme.svg?repo=ada/disks&branch=main": "randread-nvme: ▼ regressed",
		"/badge/randread-nvme.svg?branch=other":               "randread-nvme: … unknown",
		"/badge/superseded.svg":                               "superseded: ■ cancelled",
		"/benches/" + ids["open"] + "/badge.svg":              "running",
	} {
		w := get(h, path)
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "%!") {
			t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestFiguresThatAreAskedFor(t *testing.T) {
	m, ids := world()
	h := handler(t, source{Model: m}, nil)
	a, b := events.HashID("run", "0"), events.HashID("run", "1")
	for path, want := range map[string]string{
		"/runs/" + a + "/figures/cdf.svg":                 a + " cdf svg",
		"/runs/" + a + "/figures/cdf.png":                 a + " cdf png",
		"/runs/" + a + "/figures/cdf.pdf":                 "",
		"/runs/" + a + "/figures/secret.svg":              "",
		"/benches/" + ids["done"] + "/figures/load.svg":   ids["done"] + " load svg",
		"/compare/difference.svg?run=" + a + "&run=" + b:  a + "+" + b + " difference svg",
		"/compare/difference.svg?run=" + a + "&run=" + a:  "",
		"/runs/" + a + "/figures/iops.svg?from=1.5&to=20": a + " iops 1.5s-20s svg",
		"/runs/" + a + "/figures/iops.svg?to=2":           a + " iops 0s-2s svg",
		"/runs/" + a + "/figures/iops.svg?from=3&to=2":    "",
		"/runs/" + a + "/figures/iops.svg?from=NaN&to=2":  "",
		"/runs/" + a + "/figures/cdf.svg?to=2":            "",
		"/compare/difference.svg":                         "",
	} {
		w := get(h, path)
		if want == "" {
			if w.Code != http.StatusNotFound {
				t.Errorf("GET %s: %d, want 404", path, w.Code)
			}
			continue
		}
		if w.Code != 200 || !strings.Contains(w.Body.String(), "<title>"+want+"<") || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
		}
	}
}
