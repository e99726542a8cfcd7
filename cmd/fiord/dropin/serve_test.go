package dropin

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// start runs a command that serves, and returns the page's address and what
// ends it with the exit code.
func (v *volume) start(tool string, args ...string) (url string, stop func() int) {
	v.t.Helper()
	ctx, cancel := context.WithCancel(v.t.Context())
	address, code := make(chan string, 1), make(chan int, 1)
	v.OnListen = func(a string) { address <- a }
	go func() { code <- v.Run(ctx, tool, args) }()
	v.t.Cleanup(cancel)
	select {
	case a := <-address:
		url = "http://" + a
	case c := <-code:
		v.t.Fatalf("%s ended with %d: %s", tool, c, v.out.String())
	case <-time.After(2 * time.Minute):
		v.t.Fatalf("%s does not serve: %s", tool, v.out.String())
	}
	return url, func() int {
		cancel()
		select {
		case c := <-code:
			return c
		case <-time.After(2 * time.Minute):
			v.t.Fatalf("%s does not end", tool)
			return -1
		}
	}
}

// ask returns an answer's status, head and text.
func ask(url string) (status int, head http.Header, text string, err error) {
	client := http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get(url)
	if err != nil {
		return 0, nil, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, string(body), err
}

// get is ask for an address that answers.
func get(t *testing.T, url string) (status int, head http.Header, text string) {
	t.Helper()
	status, head, text, err := ask(url)
	if err != nil {
		t.Fatal(err)
	}
	return status, head, text
}

// until asks again until the page says something. A port that is published may
// not be listened on yet.
func until(t *testing.T, url, want string) string {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		_, _, text, err := ask(url)
		if strings.Contains(text, want) {
			return text
		}
		if time.Now().After(end) {
			t.Fatalf("the page never said %q: %s, %v", want, text, err)
		}
	}
}

func TestServedFilesDoNoHarm(t *testing.T) {
	v := newVolume(t, nil, nil)
	outside := t.TempDir()
	plant(t, outside, "secret")
	plant(t, v.Data, "a b?.log", "sub/x.svg", "evil.html", `<script>alert(1)<`, "fio.output", ".hidden")
	if err := os.Symlink(filepath.Join(outside, "secret"), filepath.Join(v.Data, "link")); err != nil {
		t.Fatal(err)
	}
	url, stop := v.start("fio-plotserve", v.Data)
	for _, c := range []struct {
		path, media string
		status      int
	}{
		{"/", "text/html; charset=utf-8", 200},
		{"/a%20b%3F.log", "text/plain; charset=utf-8", 200},
		{"/fio.output", "text/plain; charset=utf-8", 200},
		{"/sub", "", 301},
		{"/sub/", "text/html; charset=utf-8", 200},
		{"/sub/x.svg", "image/svg+xml", 200},
		{"/evil.html", "text/html; charset=utf-8", 200},
		{"/link", "", 403},
		{"/none", "", 404},
		{"/../../../etc/passwd", "", 404},
		{"/sub/..%2f..%2fetc/passwd", "", 404},
	} {
		status, head, _ := get(t, url+c.path)
		if status != c.status || c.media != "" && head.Get("Content-Type") != c.media {
			t.Errorf("%s: %d, %s", c.path, status, head.Get("Content-Type"))
		}
		if status == 200 && c.path != "/" && c.path != "/sub/" && !strings.HasPrefix(head.Get("Content-Security-Policy"), "sandbox;") {
			t.Errorf("%s may run: %q", c.path, head.Get("Content-Security-Policy"))
		}
	}
	_, head, text := get(t, url)
	if strings.Contains(text, "<script>alert") || strings.Contains(text, ".hidden") || !strings.Contains(text, "a%20b%3F.log") {
		t.Errorf("the list is wrong: %s", text)
	}
	if policy := head.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("policy of the list: %q", policy)
	}
	if answer, err := http.Post(url, "text/plain", nil); err != nil || answer.StatusCode != 405 {
		t.Errorf("POST: %v, %v", answer, err)
	} else {
		answer.Body.Close()
	}
	if code := stop(); code != ExitOK {
		t.Errorf("exit code %d", code)
	}
}

func TestThePageShowsTheRunAndItsFigures(t *testing.T) {
	v := newVolume(t, map[string]string{"JOBFILES": "a.fio", "PLOTNAME": "My Test"}, map[string]string{"a.fio": quick + "[one]\nrw=read\n"})
	url, stop := v.start("fiotools-aio")
	until(t, url, "running a.fio")
	text := until(t, url, "a_iops.1-2Draw.svg")
	for _, want := range []string{"report.html", "<h1>My Test</h1>", `src="./a_bw.1-2Draw.svg"`, `src="./figures/a/iops.svg"`, "fio.output", "a_iops.1.log"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if status, head, svg := get(t, url+"/figures/a/iops.svg"); status != 200 || head.Get("Content-Type") != "image/svg+xml" || !strings.Contains(svg, "My Test") {
		t.Errorf("figure: %d, %s", status, head.Get("Content-Type"))
	}
	if code := stop(); code != ExitOK {
		t.Errorf("exit code %d: %s", code, v.out.String())
	}
}

func TestThePageShowsAFailureAndTheExitCodeTells(t *testing.T) {
	v := newVolume(t, map[string]string{"JOBFILES": "bad.fio"}, map[string]string{"bad.fio": "[gone]\nrw=read\nfilename=gone\nsize=1m\nallow_file_create=0\n"})
	url, stop := v.start("fiotools-aio")
	until(t, url, "report.html")
	until(t, url, "bad.fio: fio ended with status 1")
	if code := stop(); code != ExitFailed {
		t.Errorf("exit code %d, want %d", code, ExitFailed)
	}
}

func TestStoppingEndsFioAndKeepsWhatItMeasured(t *testing.T) {
	long := strings.Replace(quick, "runtime=1\n", "runtime=600\n", 1)
	v := newVolume(t, map[string]string{"JOBFILES": "a.fio b.fio"}, map[string]string{"a.fio": long + "[one]\nrw=read\n", "b.fio": long})
	_ = os.WriteFile(filepath.Join(v.Data, "b.fio"), []byte(long+"[two]\nrw=read\n"), 0o644)
	url, stop := v.start("fiotools-aio")
	until(t, url, "IOPS")
	begun := time.Now()
	if code := stop(); code != ExitFailed {
		t.Errorf("exit code %d, want %d", code, ExitFailed)
	}
	if took := time.Since(begun); took > 40*time.Second {
		t.Errorf("took %s", took)
	}
	v.has("a.json", "fio.output")
	for _, want := range []string{"a.fio: fio was stopped", "b.fio: not run"} {
		if !strings.Contains(v.out.String(), want) {
			t.Errorf("nothing said %q", want)
		}
	}
}

func TestServingIsAChoice(t *testing.T) {
	env := func(serve string) map[string]string {
		return map[string]string{"JOBFILES": "a.fio", "FIORD_SERVE": serve}
	}
	good := map[string]string{"a.fio": quick + "[one]\nrw=read\n"}
	bad := map[string]string{"a.fio": "[gone]\nrw=read\nfilename=gone\nsize=1m\nallow_file_create=0\n"}
	newVolume(t, env("never"), good).expect(ExitOK, "fiotools-aio", nil)
	newVolume(t, env("success"), bad).expect(ExitFailed, "fiotools-aio", nil)
	v := newVolume(t, env("success"), good)
	url, stop := v.start("fiotools-aio")
	until(t, url, "report.html")
	if code := stop(); code != ExitOK {
		t.Errorf("exit code %d", code)
	}
}

func TestATakenPortIsToldBeforeFioStarts(t *testing.T) {
	v := newVolume(t, map[string]string{"JOBFILES": "a.fio"}, map[string]string{"a.fio": quick + "[one]\nrw=read\n"})
	url, _ := v.start("fio-plotserve", v.Data)
	w := newVolume(t, v.Env, map[string]string{"a.fio": quick + "[one]\nrw=read\n"})
	w.Listen = strings.TrimPrefix(url, "http://")
	w.expect(ExitInput, "fiotools-aio", nil, fmt.Sprintf("listen tcp %s", w.Listen))
	if strings.Contains(w.out.String(), "running") {
		t.Error("fio was started")
	}
}
