package page_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/environment"
	"github.com/fiord-bench/fiord/services/plot/model"
	plotpage "github.com/fiord-bench/fiord/services/plot/page"
	"github.com/fiord-bench/fiord/verdict"
)

// long is a name that somebody generated.
var long = strings.Repeat("a-very-long-name-that-somebody-generated-", 5)

// crowded is a bench of many runs with long and hostile names, on many hosts.
func crowded(m *model.Model, runs int) string {
	request := events.New("fiord/ingest", "crowded", nil, events.BenchRequested{Name: long, Jobs: []events.Job{{Name: "jobs/" + long + ".fio"}}})
	id := events.BenchID(request)
	m.Apply(request, start)
	for i := range runs {
		ref := events.RunRef{Bench: id, Run: events.HashID("crowded", fmt.Sprint(i)), Name: long, Job: "jobs/" + long + ".fio", Index: i, Repeat: i / 10, Attempt: 1,
			Point: events.Point{"bs": "4k", "iodepth": fmt.Sprint(1 << (i % 10)), "numjobs": "16", "rwmixread": "70"}, Host: fmt.Sprintf("%s%d.storage.example.org", hostile, i%40)}
		m.Apply(events.New("fiord/bench", ref.Run, nil, events.RunCompleted{RunRef: ref, StartedAt: start, EndedAt: start, Integrity: events.Integrity{State: events.IntegrityOK},
			Summary: events.Summary{FioVersion: "fio-3.33", Read: &events.Figures{IOPS: 48211.4, BandwidthBytes: 197473894, TotalIOs: 2892684, Latency: &events.Latency{Of: "lat", Mean: 97e3, P50: new(float64(82e3)), P95: new(float64(190e3)), P99: new(float64(410e3)), P999: new(float64(2.4e6)), Max: 9e6}}}}), start)
	}
	r := report(id, long)
	r.Counts = events.Counts{Planned: runs, Completed: runs}
	for i := range 20 {
		c := r.Comparisons[i%2]
		c.Point, c.Host = fmt.Sprintf("bs=4k,iodepth=%d,numjobs=16,rwmixread=70", 1<<i), fmt.Sprintf("%s%d.storage.example.org", hostile, i)
		r.Comparisons = append(r.Comparisons, c)
	}
	m.Apply(events.New("fiord/plot", "crowded", nil, r), start)
	return id
}

// TestBrowserReport opens reports as documents of their own, on a phone, on a
// desktop and on paper: nothing overflows, nothing is fetched.
func TestBrowserReport(t *testing.T) {
	ctx := browser(t)
	m, ids := world()
	reports := map[string]plotpage.Report{}
	for name, id := range map[string]string{"sides": ids["done"], "sides-crowded": crowded(m, 60)} {
		b, _ := m.Bench(id)
		r := plotpage.Report{Bench: b, Comparisons: b.Report.Comparisons, URL: "https://fiord.example.org", Threshold: 0.05,
			Figures: []plotpage.Drawing{{Name: "a", SVG: []byte(drawing(t))}, {Name: "b", SVG: []byte(drawing(t))}, {Name: "c", SVG: []byte(drawing(t))}},
			Differences: []plotpage.Difference{{Hosts: []string{"node-a"}, Changes: []environment.Change{
				{Name: "kernel.release", Before: "6.1.0-18-amd64", After: "6.1.0-21-amd64"}, {Name: "target.queue.scheduler", Before: "none", After: long},
			}}}}
		for i := range 4 {
			r.Tails = append(r.Tails, plotpage.Tail{Job: b.Runs[0].Job, Point: b.Runs[0].Point.Key(), Host: b.Runs[0].Host, Direction: "read", P99: verdict.Tail{Value: 4e5, Low: 3.9e5, High: 4.2e5, Runs: 5 + i, IOs: 1e7}, P999: verdict.Tail{Value: 9e5, Low: 7e5, High: 2e6, Runs: 5, IOs: 1e7}})
		}
		reports["/"+name] = r
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		if err := reports[r.URL.Path].WriteHTML(&body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(body.Bytes())
	}))
	t.Cleanup(server.Close)
	complaints := listen(ctx, t)
	for name := range reports {
		look(ctx, t, name[1:]+"-phone", server.URL+name, 390, 844, "dark")
		look(ctx, t, name[1:]+"-desktop", server.URL+name, 1280, 900, "light")
		paper(ctx, t, name[1:])
	}
	crowd := httptest.NewServer(handler(t, source{Model: m}, nil))
	t.Cleanup(crowd.Close)
	id := crowded(m, 500)
	for _, path := range []string{"/", "/benches/" + id} {
		look(ctx, t, "crowded"+strings.NewReplacer("/benches/"+id, "-bench", "/", "-list").Replace(path)+"-phone", crowd.URL+path, 390, 844, "light")
		look(ctx, t, "crowded"+strings.NewReplacer("/benches/"+id, "-bench", "/", "-list").Replace(path)+"-desktop", crowd.URL+path, 1280, 900, "dark")
	}
	if lines := complaints(); len(lines) > 0 {
		t.Errorf("the browser complains:\n%s", strings.Join(lines, "\n"))
	}
}

// paper prints what the browser shows.
func paper(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	got, err := chromedp.Call(ctx, page.PrintToPDF, page.PrintToPDFParams{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Data) < 10_000 {
		t.Errorf("%s: a PDF of %d bytes", name, len(got.Data))
	}
	if *screens != "" {
		if err := os.WriteFile(filepath.Join(*screens, name+".pdf"), got.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
