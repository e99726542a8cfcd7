package thread_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/fiord-bench/fiord/events"
)

// checkPages opens the pages as a person would: the list, the bench from it,
// the run with its plots.
func checkPages(t *testing.T, f *fiord, report events.BenchReported, run events.RunCompleted) {
	ctx := browser(t)
	list := visit(ctx, t, f.at.Web)
	for _, want := range []string{report.Name, string(report.Verdict), "lab/jobs", "iodepth=8", "IOPS", "iB/s"} {
		if !strings.Contains(list.Text, want) {
			t.Errorf("the home page has no %q:\n%s", want, list.Text)
		}
	}
	bench := visit(ctx, t, report.URL)
	for _, want := range []string{report.Name, string(report.Verdict), "lab/jobs", "iodepth=8"} {
		if !strings.Contains(bench.Text, want) {
			t.Errorf("%s has no %q:\n%s", report.URL, want, bench.Text)
		}
	}
	page := visit(ctx, t, f.at.Web+"/runs/"+run.Run)
	if page.Figures < 3 {
		t.Errorf("the run's page shows %d figures, want IOPS, bandwidth and latency at least", page.Figures)
	}
	if !strings.Contains(page.Text, "IOPS") || !strings.Contains(page.Text, "fio-3.") {
		t.Errorf("the run's page has no summary:\n%s", page.Text)
	}
}

// seen is what a page shows.
type seen struct {
	Text    string
	Figures int
	Broken  int
}

// visit opens a page, waits for its pictures, and fails for a broken one.
func visit(ctx context.Context, t *testing.T, url string) seen {
	t.Helper()
	err := chromedp.Do(ctx,
		chromedp.Navigate(url),
		chromedp.Evaluate[chromedp.Void](`[...document.images].forEach(i => i.loading = 'eager')`),
		chromedp.Poll[chromedp.Void](`[...document.images].every(i => i.complete)`),
	)
	if err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
	got, err := chromedp.Run(ctx, chromedp.Evaluate[seen](`({
		Text: document.body.innerText,
		Figures: document.querySelectorAll('figure img').length,
		Broken: [...document.images].filter(i => i.naturalWidth == 0).length
	})`))
	if err != nil {
		t.Fatalf("read %s: %v", url, err)
	}
	if got.Broken > 0 {
		t.Errorf("%s: %d pictures are broken", url, got.Broken)
	}
	return got
}

// browser starts headless Chromium for the length of the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		missing(t, "chromium is missing: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, done := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(done)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	return ctx
}
