package hook

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/host/runner"
)

const createPath = "/v1.41/containers/create"

// adapter is a server that answers with what answer makes of each message, and
// keeps the messages.
func adapter(t *testing.T, seen *[]Message, answer func(Message) any) Adapter {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		*seen = append(*seen, m)
		_ = json.NewEncoder(w).Encode(answer(m))
	}))
	t.Cleanup(s.Close)
	return Adapter{URL: s.URL}
}

// appending adds its name to the bodies that pass.
func appending(name string) func(Message) any {
	return func(m Message) any {
		if m.Type == "pre-hook" {
			r := m.Request
			if r.Body != nil {
				changed := *r.Body + name
				r.Body = &changed
			}
			return Answer{Version: 1, Request: &r}
		}
		changed := *m.Response.Body + name
		return Answer{Version: 1, Response: &Response{ContentType: "application/json", Body: &changed, Code: m.Response.Code}}
	}
}

func TestAdaptersAreChainedThereAndBack(t *testing.T) {
	var first, second []Message
	c := Chain{adapter(t, &first, appending("-1")), adapter(t, &second, appending("-2"))}
	body, err := c.Before(t.Context(), createPath, []byte("body"))
	if err != nil || string(body) != "body-1-2" {
		t.Fatalf("%s, %v", body, err)
	}
	got, err := c.After(t.Context(), createPath, body, 201, []byte("answer"))
	if err != nil || string(got) != "answer-2-1" {
		t.Fatalf("%s, %v", got, err)
	}
	m := second[0]
	if m.Version != 1 || m.Type != "pre-hook" || m.Request.Method != "POST" || m.Request.Request != createPath || *m.Request.Body != "body-1" || m.Response != nil {
		t.Errorf("second adapter got %+v", m)
	}
	if p := first[1]; p.Type != "post-hook" || p.Response.Code != 201 || *p.Response.Body != "answer-2" || *p.Request.Body != "body-1-2" {
		t.Errorf("first adapter got %+v", p)
	}
}

func TestAStartHasNoBody(t *testing.T) {
	var seen []Message
	c := Chain{adapter(t, &seen, appending("x"))}
	body, err := c.Before(t.Context(), "/v1.41/containers/abc/start", nil)
	if err != nil || body != nil || seen[0].Request.Body != nil {
		t.Fatalf("%q, %v, sent %+v", body, err, seen[0].Request)
	}
}

func TestAnAdapterThatMisbehavesEndsTheStart(t *testing.T) {
	text := "changed"
	for name, tc := range map[string]struct {
		answer any
		want   string
	}{
		"wrong version":   {Answer{Version: 2, Request: &Request{Method: "POST", Request: createPath, Body: &text}}, "version 2"},
		"no request":      {Answer{Version: 1}, "without ModifiedClientRequest"},
		"another request": {Answer{Version: 1, Request: &Request{Method: "POST", Request: "/v1.41/containers/prune", Body: &text}}, "turned POST"},
		"another method":  {Answer{Version: 1, Request: &Request{Method: "DELETE", Request: createPath, Body: &text}}, "turned POST"},
		"dropped body":    {Answer{Version: 1, Request: &Request{Method: "POST", Request: createPath}}, "dropped the body"},
		"no JSON object":  {[]string{"x"}, "no JSON"},
		"too much":        {Answer{Version: 1, Request: &Request{Method: strings.Repeat("x", maxAnswer)}}, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			var seen []Message
			_, err := Chain{adapter(t, &seen, func(Message) any { return tc.answer })}.Before(t.Context(), createPath, []byte("body"))
			if !errors.Is(err, runner.ErrHook) || !strings.Contains(err.Error(), tc.want) {
				t.Fatal(err)
			}
		})
	}
}

func TestAnAdapterMayRefuseWhatTheEngineDid(t *testing.T) {
	var seen []Message
	c := Chain{adapter(t, &seen, func(Message) any {
		return Answer{Version: 1, Response: &Response{Code: 403}}
	})}
	if _, err := c.After(t.Context(), createPath, nil, 201, []byte("{}")); !errors.Is(err, runner.ErrHook) || !strings.Contains(err.Error(), "201 into 403") {
		t.Fatal(err)
	}
}

func TestASlowOrAbsentAdapterIsNotWaitedFor(t *testing.T) {
	stop := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stop }))
	defer s.Close()
	defer close(stop)
	began := time.Now()
	_, err := Chain{{URL: s.URL, Timeout: 50 * time.Millisecond}}.Before(t.Context(), createPath, []byte("x"))
	if !errors.Is(err, runner.ErrHook) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 30*time.Second {
		t.Fatalf("%v after %s", err, time.Since(began))
	}
	if _, err := (Chain{{URL: "http://127.0.0.1:1"}}).Before(t.Context(), createPath, []byte("x")); !errors.Is(err, runner.ErrHook) {
		t.Fatal(err)
	}
}
