package page_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
)

// stretches draws what is asked for as the service does: with values inside.
type stretches struct{ drawer }

func (stretches) DrawStretch(_ context.Context, _, _, _ string, from, to time.Duration) ([]byte, error) {
	return chartSVG(from, to), nil
}

// chartSVG is a figure of a run of a minute, of which second 40 is slow.
func chartSVG(from, to time.Duration) []byte {
	step := (to - from) / 60
	s := figure.Series{Name: "read", Start: from, Step: step}
	for i := range 60 {
		v := 48_000.0
		if at := from + time.Duration(i)*step; at >= 40*time.Second && at < 41*time.Second {
			v = 12_000
		}
		s.Values = append(s.Values, v)
	}
	var b bytes.Buffer
	_ = figure.Time{Head: figure.Head{Title: "IOPS over time"}, Quantity: figure.IOPS, Series: []figure.Series{s}}.Figure().WriteSVG(&b) // to memory
	return b.Bytes()
}

// zoomable serves the page of a run whose logs are there.
func zoomable(t *testing.T) (url string) {
	t.Helper()
	bench, run := events.HashID("zoom"), events.HashID("zoomed run")
	m, o := model.New(10), objects{}
	ref := events.RunRef{Bench: bench, Run: run, Name: "zoom", Job: "r.fio", Host: "node-a", Attempt: 1}
	f := &events.Figures{IOPS: 47_400, TotalIOs: 2_844_000}
	logs := &events.ClaimCheck{Key: "runs/" + run + "/1/logs.json"}
	e := events.New("fiord/bench", run, nil, events.RunCompleted{RunRef: ref, StartedAt: start, EndedAt: start.Add(time.Minute),
		Summary: events.Summary{FioVersion: "fio-3.33", Read: f}, Integrity: events.Integrity{State: events.IntegrityOK}, Logs: logs})
	rendered := events.PlotsRendered{Bench: bench, Run: run}
	for _, name := range []string{"iops.svg", "bandwidth.svg", "percentiles.svg"} {
		key := "plots/" + run + "/" + name
		o[key] = string(chartSVG(0, time.Minute))
		rendered.Figures = append(rendered.Figures, events.Artifact{Name: name, ClaimCheck: events.ClaimCheck{Key: key}})
	}
	m.Apply(e, start)
	m.Apply(events.New("fiord/plot", "", &e, rendered), start)
	h, err := page.New(source{Model: m}, o, stretches{}, drawer{}, slog.New(slog.DiscardHandler), "fiord test")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL + "/runs/" + run
}

// state is what the script has made of the page.
type state struct {
	Charts  int
	Live    string // what a screen reader is told
	Tip     string
	Sources []string // of the figures, without the origin
	Query   string
	From    string // of the form
}

const readState = `({
	Charts: document.querySelectorAll('.over').length,
	Live: document.querySelector('[role=status]')?.textContent ?? '',
	Tip: [...document.querySelectorAll('.tip')].filter(e => !e.hidden).map(e => e.textContent).join(),
	Sources: [...document.querySelectorAll('figure[data-zoom] img')].map(i => i.getAttribute('src')),
	Query: location.search,
	From: document.querySelector('form.zoom').elements.from.value
})`

// A figure over time can be read off and zoomed into, with the keyboard and
// with a pointer.
func TestFiguresOverTimeCanBeReadAndZoomed(t *testing.T) {
	ctx := browser(t)
	url := zoomable(t)
	complaints := listen(ctx, t)
	do := func(what string, steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	now := func() state {
		t.Helper()
		s, err := chromedp.Run(ctx, chromedp.Evaluate[state](readState))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	settled := chromedp.Poll[chromedp.Void](`[...document.images].every(i => i.complete && i.naturalWidth) && !document.querySelector('.busy')`)
	pause := chromedp.Sleep(300 * time.Millisecond) // the values arrive after the picture
	do("open", chromedp.EmulateViewport(1280, 900), chromedp.Navigate(url),
		chromedp.Evaluate[chromedp.Void](`[...document.images].forEach(i => i.loading = 'eager')`), settled, pause)
	if s := now(); s.Charts != 2 { // and none over percentiles
		t.Fatalf("%d figures can be pointed at", s.Charts)
	}

	do("read a value off", chromedp.Evaluate[chromedp.Void](`document.querySelector('.over').focus()`), chromedp.KeyEvent(kb.Home), chromedp.KeyEvent(kb.ArrowRight))
	if s := now(); !strings.Contains(s.Live, "read: 48 kIOPS") || !strings.HasPrefix(s.Tip, "0.5") {
		t.Errorf("the cursor says %q and shows %q", s.Live, s.Tip)
	}
	do("zoom in by key", chromedp.KeyEvent(kb.End), chromedp.KeyEvent("+"), settled, pause)
	s := now()
	if s.Query != "?from=45&to=60" || s.From != "45" || len(s.Sources) != 2 || !strings.HasSuffix(s.Sources[1], "/figures/bandwidth.svg?from=45&to=60") {
		t.Errorf("zoomed in by key: %+v", s)
	}
	do("the whole", chromedp.KeyEvent(kb.Escape), settled, pause)
	if s := now(); s.Query != "" || s.From != "" || !strings.HasPrefix(s.Sources[0], "/artifacts/plots/") {
		t.Errorf("back to the whole: %+v", s)
	}

	do("zoom into the beginning", chromedp.KeyEvent(kb.Home), chromedp.KeyEvent("+"), settled, pause)
	for range 4 { // from a quarter by halves to either side
		do("zoom out", chromedp.KeyEvent("-"), settled, pause)
	}
	if s := now(); s.Query != "" {
		t.Errorf("zoomed out beyond the whole: %+v", s)
	}

	box, err := chromedp.Run(ctx, chromedp.Evaluate[struct{ X, Y, W float64 }](`(r => ({X: r.left, Y: r.top + r.height / 2, W: r.width}))(document.querySelector('.over').getBoundingClientRect())`))
	if err != nil {
		t.Fatal(err)
	}
	do("point at the slow second", chromedp.MouseEvent(chromedp.MouseMoved, box.X+box.W*0.6655, box.Y))
	if s := now(); !strings.Contains(s.Tip, "read: 12 kIOPS") {
		t.Errorf("pointing shows %q", s.Tip)
	}
	if *screens != "" {
		shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(90))
		if err == nil {
			err = os.WriteFile(filepath.Join(*screens, "zoom.jpg"), shot, 0o644)
		}
		if err != nil {
			t.Error(err)
		}
	}
	do("drag", chromedp.MouseEvent(chromedp.MousePressed, box.X+box.W*0.3, box.Y, chromedp.ButtonLeft),
		chromedp.MouseEvent(chromedp.MouseMoved, box.X+box.W*0.5, box.Y, chromedp.ButtonLeft),
		chromedp.MouseEvent(chromedp.MouseReleased, box.X+box.W*0.5, box.Y, chromedp.ButtonLeft), settled, pause)
	if s := now(); !strings.HasPrefix(s.Query, "?from=1") || !strings.Contains(s.Sources[0], s.Query) {
		t.Errorf("dragged: %+v", s)
	}
	if lines := complaints(); len(lines) > 0 {
		t.Errorf("the browser complains:\n%s", strings.Join(lines, "\n"))
	}
}
