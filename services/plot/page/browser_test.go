package page_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
)

var screens = flag.String("screens", "", "save screenshots of all pages into this folder")

// TestBrowser opens every page in a real browser, as a phone in the dark and
// as a desktop in the light: the style applies (so the policy's hash is right),
// figures load, nothing is blocked or complained about, nothing overflows.
func TestBrowser(t *testing.T) {
	ctx := browser(t)
	m, ids := world()
	o := objects{}
	for i := range 2 {
		o["plots/"+events.HashID("run", string(rune('0'+i)))+"/iops.svg"] = drawing(t)
	}
	server := httptest.NewServer(drawnBy(t, source{Model: m}, o, drawn{}))
	t.Cleanup(server.Close)
	running, _ := chained(m, "running", 2, 1, 1)
	told, apply := chained(m, "told", 4, 4, 0)
	end := apply(events.New("fiord/plot", "", nil, report(told, "randread-nvme")))
	apply(events.New("fiord/notify", "a", &end, events.NoticeSent{Notice: events.Notice{Target: "storage-chat", Kind: "slack", Told: end.ID, ToldType: string(end.Type)}}))
	apply(events.New("fiord/notify", "b", &end, events.NoticeFailed{Notice: events.Notice{Target: "mail", Kind: "mail", Told: end.ID, ToldType: string(end.Type)}, Reason: "550 no such mailbox"}))
	complaints := listen(ctx, t)
	for name, path := range map[string]string{
		"list": "/", "bench": "/benches/" + ids["done"], "open": "/benches/" + ids["open"], "unplaced": "/benches/" + ids["unplaced"],
		"running": "/benches/" + running, "told": "/benches/" + told,
		"past": "/benches/" + ids["done"] + "/history", "past-young": "/benches/" + events.HashID("young") + "/history",
		"run": "/runs/" + events.HashID("run", "1"), "failed": "/runs/" + events.HashID("failed"),
		"compare": "/compare?run=" + events.HashID("run", "0") + "&run=" + events.HashID("run", "1"),
	} {
		look(ctx, t, name+"-phone", server.URL+path, 390, 844, "dark")
		look(ctx, t, name+"-desktop", server.URL+path, 1280, 900, "light")
	}
	if lines := complaints(); len(lines) > 0 {
		t.Errorf("the browser complains:\n%s", strings.Join(lines, "\n"))
	}
}

// browser starts headless Chromium for the length of the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is missing: apt-get install chromium")
		}
		t.Skip("chromium is missing: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, done := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(done)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	if _, err := chromedp.Call(ctx, cdplog.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// listen gathers what the browser reports: policy violations, script errors.
func listen(ctx context.Context, t *testing.T) func() []string {
	t.Helper()
	var (
		mu    sync.Mutex
		lines []string
	)
	err := chromedp.Listen(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *cdplog.EventEntryAdded:
			lines = append(lines, string(e.Entry.Source)+": "+e.Entry.Text+" "+e.Entry.URL)
		case *runtime.EventExceptionThrown:
			lines = append(lines, e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(lines)
	}
}

// seen is what a page says of itself.
type seen struct {
	Overflow, Broken int
	Dark             bool
}

// look opens one page and checks what every page must hold.
func look(ctx context.Context, t *testing.T, name, url string, width, height int64, scheme string) {
	t.Helper()
	got, shot, err := visit(ctx, url, width, height, scheme)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if got.Overflow > 0 || got.Broken > 0 || got.Dark != (scheme == "dark") {
		t.Errorf("%s: %d pixels too wide, %d pictures broken, dark %v in %s", name, got.Overflow, got.Broken, got.Dark, scheme)
	}
	if *screens != "" {
		if err := os.WriteFile(filepath.Join(*screens, name+".jpg"), shot, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func visit(ctx context.Context, url string, width, height int64, scheme string) (got seen, shot []byte, err error) {
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		return got, nil, err
	}
	err = chromedp.Do(ctx,
		chromedp.EmulateViewport(width, height),
		chromedp.Navigate(url),
		chromedp.Evaluate[chromedp.Void](`[...document.images].forEach(i => i.loading = 'eager')`),
		chromedp.Poll[chromedp.Void](`[...document.images].every(i => i.complete)`),
	)
	if err != nil {
		return got, nil, err
	}
	got, err = chromedp.Run(ctx, chromedp.Evaluate[seen](`({
		Overflow: document.documentElement.scrollWidth - innerWidth,
		Broken: [...document.images].filter(i => i.naturalWidth == 0).length,
		Dark: getComputedStyle(document.body).backgroundColor == 'rgb(20, 23, 28)'
	})`))
	if err != nil {
		return got, nil, err
	}
	shot, err = chromedp.Run(ctx, chromedp.FullScreenshot(90))
	return got, shot, err
}

// drawn draws every figure of a bench as a trend with a change.
type drawn struct{ drawer }

func (drawn) DrawBench(_ context.Context, _, name, _ string) ([]byte, error) {
	f := figure.Trend{Head: figure.Head{Title: name, Subject: "randread-nvme · ada/disks refs/heads/main"}, Quantity: figure.IOPS,
		Changes: []figure.TrendChange{{At: 30, Line: "iodepth=8", Change: -0.2, Worse: true}}}
	line := figure.TrendLine{Name: "iodepth=8"}
	for i := range 40 {
		f.Commits = append(f.Commits, figure.Commit{Label: fmt.Sprintf("%07x", 0xabc1234+i*0x1111)})
		line.Values = append(line.Values, []float64{float64(50_000 - 10_000*(i/30) + 300*(i%3))})
	}
	f.Lines = append(f.Lines, line)
	var b bytes.Buffer
	err := f.Figure().WriteSVG(&b)
	return b.Bytes(), err
}

// drawing is a figure as the service stores it.
func drawing(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	f := figure.Time{
		Head:     figure.Head{Title: "IOPS over time", Subject: "randread-nvme · node-a", Facts: []string{"6 intervals of 1 s"}},
		Quantity: figure.IOPS, Series: []figure.Series{{Name: "read", Step: time.Second, Values: []float64{48e3, 49e3, 0, 47e3, 50e3, 48e3}}},
	}.Figure()
	if err := f.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
