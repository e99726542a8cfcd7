package web_test

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/services/ingest/web"
)

func TestRatesAreLimited(t *testing.T) {
	d := open(t, func(o *web.Options) { o.Limits.Rate, o.Limits.Burst, o.Limits.Refusals = 0.001, 3, 1000 })
	for range 3 {
		accepted(t, d.send("POST", "/hooks", pushBody, hub("push", pushBody, secret)), 202)
	}
	resp := d.send("POST", "/hooks", pushBody, hub("push", pushBody, secret))
	refusal(t, resp, 429, "send less")
	if resp.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestGuessesAreLimited(t *testing.T) {
	d := open(t, func(o *web.Options) { o.Limits.Refusals = 0.001 })
	for i := range 20 {
		refusal(t, d.send("POST", "/hooks", pushBody, hub("push", pushBody, strconv.Itoa(i))), 403, "")
	}
	refusal(t, d.send("POST", "/hooks", pushBody, hub("push", pushBody, secret)), 429, "check the secret")
}

func TestConcurrencyIsLimited(t *testing.T) {
	d := open(t, func(o *web.Options) { o.Limits.Concurrent = 1 })
	pw, first := slow(t, d)
	deadline := time.Now().Add(20 * time.Second)
	for refused := false; !refused; {
		select {
		case resp := <-first: // another one was still under way: the slow one was refused
			if resp == nil || resp.StatusCode != 503 {
				t.Fatalf("the slow request got %v before it ended", resp)
			}
			_ = pw.Close()
			pw, first = slow(t, d)
		default:
		}
		resp := d.send("POST", "/hooks", pushBody, hub("push", pushBody, secret))
		if refused = resp.StatusCode == 503; refused {
			refusal(t, resp, 503, "at once")
		}
		if time.Now().After(deadline) {
			t.Fatal("the second request at once is never refused")
		}
	}
	_, _ = io.WriteString(pw, pushBody[10:])
	_ = pw.Close()
	if resp := <-first; resp == nil || resp.StatusCode != 202 {
		t.Errorf("the slow request got %v", resp)
	} else {
		_ = resp.Body.Close()
	}
}

// slow begins a request whose body is written by the caller.
func slow(t *testing.T, d *door) (*io.PipeWriter, chan *http.Response) {
	t.Helper()
	pr, pw := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), "POST", d.url+"/hooks", pr)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range hub("push", pushBody, secret) {
		req.Header.Set(k, v)
	}
	first := make(chan *http.Response, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("slow request: %v", err)
		}
		first <- resp
	}()
	_, _ = io.WriteString(pw, pushBody[:10]) // fails if the request was refused by then
	return pw, first
}

func TestSlowBodiesAreCutOff(t *testing.T) {
	d := open(t, func(o *web.Options) { o.Limits.Read = 200 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "POST /hooks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\nContent-Length: 100\r\n\r\n{")
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	raw, _ := io.ReadAll(conn)
	if !strings.Contains(string(raw), "408 Request Timeout") {
		t.Errorf("answer %q", raw)
	}
}

func TestHeadersAreLimited(t *testing.T) {
	d := open(t, func(o *web.Options) { o.Limits.Header = 4 << 10 })
	header := hub("push", pushBody, secret)
	header["X-Padding"] = strings.Repeat("x", 64<<10)
	if resp := d.send("POST", "/hooks", pushBody, header); resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestLimitsAreValidated(t *testing.T) {
	for _, change := range []func(*web.Limits){
		func(l *web.Limits) { l.Body = 0 },
		func(l *web.Limits) { l.Rate = 0 },
		func(l *web.Limits) { l.Publish = l.Write },
	} {
		l := web.DefaultLimits()
		change(&l)
		if l.Validate() == nil {
			t.Errorf("accepted: %+v", l)
		}
	}
}
