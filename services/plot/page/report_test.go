package page_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/page"
	"github.com/fiord-bench/fiord/verdict"
)

// aReport is of a bench with a regression, a doubtful run and known machines.
func aReport(t *testing.T) page.Report {
	t.Helper()
	m, ids := world()
	b, _ := m.Bench(ids["done"])
	facts := map[string]string{"os": "debian", "kernel": "6.1.0-13-amd64", "architecture": "x86_64", "cpus": "4", "memory_total": "16384000000",
		"memory_free": "123", "system_overload_10min": "07", "rack": "<r1>", "device.0.model": "x"}
	for _, r := range b.Runs {
		r.Started = &events.RunStarted{RunRef: r.RunRef, Facts: facts, Device: &events.Device{Path: "/dev/nvme0n1", Model: "ACME 960", Firmware: "1.2", Size: 960197124096, Scheduler: "none"}}
	}
	svg := page.Drawing{Name: "iops", SVG: []byte(drawing(t))}
	return page.Report{
		Bench: b, Comparisons: b.Report.Comparisons, URL: "https://fiord.example.org", Threshold: 0.05,
		Tails: []page.Tail{{Job: "r.fio", Point: "bs=4k,iodepth=8", Host: "node-a", Direction: "read", Of: "clat",
			P99: verdict.Tail{Value: 411e3, Low: 402e3, High: 425e3, Runs: 5, IOs: 14_463_420}, P999: verdict.Tail{Value: 2.4e6, Low: 2.1e6, High: 2.9e6, Runs: 5, IOs: 14_463_420}}},
		Request: events.BenchRequested{Name: b.Name, Repeat: 5, Jobs: []events.Job{{Name: "r.fio", Inline: "[r]\nrw=randread\n"}}, Compare: &events.Compare{Baseline: "main"}},
		Figures: []page.Drawing{svg}, Runs: []page.RunDrawings{{Run: b.Runs[0], Figures: []page.Drawing{svg, svg}}},
	}
}

// What a reader must find in a report, in either form.
func TestReportSaysWhatWhereAndHowSure(t *testing.T) {
	r := aReport(t)
	for name, write := range map[string]func(*bytes.Buffer) error{
		"html":     func(b *bytes.Buffer) error { return r.WriteHTML(b) },
		"markdown": func(b *bytes.Buffer) error { return r.WriteMarkdown(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		for what, text := range map[string]string{
			"headline": "Regressed:", "interval": "-15.0% to -10.0%", "n": "5 / 5", "method": "Mann and Whitney", "threshold": "at least 5%",
			"integrity": "no I/O completed for 14 s", "host": "node-a", "device": "ACME 960 firmware 1.2 894 GiB scheduler none", "kernel": "6.1.0-13-amd64",
			"memory": "15 GiB", "fio": "fio-3.33", "rate": "48.2 kIOPS", "latency": "410 µs", "tail": "2.4 ms", "kind": "completion latencies", "tail interval": "411 µs (402 µs to 425 µs)", "its n": "14,463,420", "custom fact": "&lt;r1&gt;",
		} {
			if !strings.Contains(b.String(), text) {
				t.Errorf("%s: no %s %q", name, what, text)
			}
		}
		for _, text := range []string{"memory_free", "system_overload", "<r1>", "device.0.model"} {
			if strings.Contains(b.String(), text) {
				t.Errorf("%s says %q", name, text)
			}
		}
		if name == "markdown" {
			golden(t, "report.md", b.String())
		}
	}
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"<svg", "rw=randread", "the first repeat of its point"} {
		if !strings.Contains(b.String(), text) {
			t.Errorf("the page has no %q", text)
		}
	}
}

// The page needs nothing else: no request leaves it. It fits a phone and can
// be printed.
func TestReportStandsAloneInABrowser(t *testing.T) {
	ctx := browser(t)
	var b bytes.Buffer
	if err := aReport(t).WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; r.URL.Path == "/report.html" {
			_, _ = w.Write(b.Bytes())
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	complaints := listen(ctx, t)
	look(ctx, t, "report-phone", server.URL+"/report.html", 390, 844, "dark")
	look(ctx, t, "report-desktop", server.URL+"/report.html", 1280, 900, "light")
	for _, line := range complaints() {
		if !strings.Contains(line, "favicon") {
			t.Errorf("the browser complains: %s", line)
		}
	}
	if asked > 4 { // twice the page, and what browsers ask for by themselves
		t.Errorf("%d requests", asked)
	}
	pdf, err := chromedp.Run(ctx, chromedp.PrintToPDF())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(pdf, []byte("%PDF")) {
		t.Errorf("printed as %q", base64.StdEncoding.EncodeToString(pdf[:min(len(pdf), 20)]))
	}
	if *screens != "" {
		if err := os.WriteFile(filepath.Join(*screens, "report.pdf"), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
