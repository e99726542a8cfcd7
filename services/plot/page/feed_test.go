package page_test

import (
	"bufio"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
)

// followed is a site with a feed.
func followed(t *testing.T, m *model.Model) (*httptest.Server, *page.Feed) {
	t.Helper()
	h, err := page.New(source{Model: m}, objects{}, drawer{}, drawer{}, slog.New(slog.DiscardHandler), "fiord test")
	if err != nil {
		t.Fatal(err)
	}
	feed := page.NewFeed()
	h.Follow(feed)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	t.Cleanup(feed.Close) // before the server, which waits for its connections
	return server, feed
}

func TestNewsComeToWhomTheyConcern(t *testing.T) {
	server, feed := followed(t, model.New(1))
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/live?bench=mine", nil)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if got := answer.Header.Get("Content-Type"); got != "text/event-stream" || answer.Header.Get("X-Accel-Buffering") != "no" {
		t.Errorf("headers %v", answer.Header)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Scan() // retry: the connection is there
	feed.Changed("another")
	feed.Changed("mine")
	feed.Progress(events.Progress{Bench: "mine", Run: "r", Phase: "running", Percent: 40, IOPS: map[string]float64{"read": 1000}, At: time.Now()})
	feed.Progress(events.Progress{Bench: "mine", Run: "old", Phase: "running", At: time.Now().Add(-time.Minute)})
	feed.Changed("mine")
	var got []string
	for ends := 0; ends < 3 && lines.Scan(); { // news come in their order
		if text := lines.Text(); text != "" {
			got = append(got, text)
		} else if len(got) > 0 {
			ends++
		}
	}
	feed.Close()
	text := strings.Join(got, "\n")
	if !strings.HasPrefix(text, "event: changed\ndata: {\"bench\":\"mine\"}\nevent: progress\ndata: {") ||
		!strings.HasSuffix(text, "\nevent: changed\ndata: {\"bench\":\"mine\"}") || strings.Count(text, "event:") != 3 {
		t.Errorf("came through:\n%s", text)
	}
	if running := feed.Running("mine"); len(running) != 1 || running[0].Percent != 40 {
		t.Errorf("running: %+v", running)
	}
	feed.Progress(events.Progress{Bench: "mine", Run: "r", Phase: "ended", At: time.Now()})
	if running := feed.Running(""); len(running) != 0 {
		t.Errorf("after its end it is running: %+v", running)
	}
}

// An open page shows what happens, within a second, without being loaded again.
func TestOpenPagesFollow(t *testing.T) {
	ctx := browser(t)
	m := model.New(1000)
	id, apply := chained(m, "live", 1, 1, 1)
	server, feed := followed(t, m)
	complaints := listen(ctx, t)
	for _, path := range []string{"/", "/benches/" + id} {
		open(ctx, t, server.URL+path)
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](`window.loads = 1`)); err != nil {
			t.Fatal(err)
		}
		for percent := 30.0; percent <= 50; percent += 10 {
			feed.Progress(events.Progress{Bench: id, Run: "going", Host: "node-a", Name: "live", Phase: "running", Percent: percent, ETA: events.Duration(12 * time.Second),
				IOPS: map[string]float64{"read": 123_000}, LatencyNS: map[string]float64{"read": 81_000}, At: time.Now()})
			time.Sleep(100 * time.Millisecond)
		}
		await(ctx, t, path+": progress", `(document.querySelector('[data-run=going] [data-is=rates]') || {}).textContent`, "read 123 kIOPS, 81 µs")
		feed.Progress(events.Progress{Bench: id, Run: "going", Host: "node-a", Name: "live", Phase: "running", Percent: 75, IOPS: map[string]float64{"read": 99_000}, At: time.Now()})
		await(ctx, t, path+": bar", `String(document.querySelector('[data-run=going] progress').value)`, "75")
		await(ctx, t, path+": loaded once", `String(window.loads)`, "1")
		feed.Progress(events.Progress{Bench: id, Run: "going", Phase: "ended", At: time.Now()})
	}
	open(ctx, t, server.URL)
	apply(events.New("fiord/plot", "", nil, report(id, "live")))
	feed.Changed(id)
	await(ctx, t, "the end", `String(document.querySelector('[data-bench="`+id+`"] .chip').textContent.includes('regressed'))`, "true")
	if lines := complaints(); len(lines) > 0 {
		t.Errorf("the browser complains:\n%s", strings.Join(lines, "\n"))
	}
}

// await waits until an expression is what it must become.
func await(ctx context.Context, t *testing.T, what, expression, want string) {
	t.Helper()
	got, err := "", error(nil)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if got, err = chromedp.Run(ctx, chromedp.Evaluate[string](`(`+expression+`) || ''`)); err == nil && got == want {
			return
		}
	}
	t.Fatalf("%s is %q (%v), want %q", what, got, err, want)
}

// open opens a page and waits until it hears of news.
func open(ctx context.Context, t *testing.T, url string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	await(ctx, t, url+": connection", `document.documentElement.dataset.live`, "on")
}
