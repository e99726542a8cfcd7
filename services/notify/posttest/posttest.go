// Package posttest holds every forge's statuses and comments to one conformance
// suite each, with a server in the forge's place.
package posttest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

// What the notices of [Notice] are about.
const (
	SHA = "59b20b8d5c6ff8d09518216e87bd1bfedc3e2b55"
	URL = "https://bench.example.com/benches/b"
)

// Sender is what is tested.
type Sender interface {
	Send(ctx context.Context, n notice.Notice) error
}

// Forge says what one forge must be asked.
type Forge struct {
	New    func(url string) Sender
	Path   string // escaped, for the repository "acme/st orage"
	Header map[string]string
	Body   map[string]string // besides state and description
	States map[notice.State]string
	// MaxDescription in bytes.
	MaxDescription int
}

// Request is what a forge was asked.
type Request struct {
	Method, Path string
	Header       http.Header
	Body         map[string]any
}

// Client is one for tests.
func Client() *post.Client { return post.New(5 * time.Second) }

// Notice has a status in the given state.
func Notice(state notice.State) notice.Notice {
	return notice.Notice{
		ID: "id", Title: "title", URL: URL,
		Commit: &notice.Commit{
			Repo: events.Repo{Name: "acme/st orage", CloneURL: "https://example.com/acme/storage.git"},
			Ref:  "refs/heads/main", SHA: SHA,
		},
		Status: &notice.Status{State: state, Context: "fiord/randread", Description: "said in a line", About: "b"},
	}
}

// Statuses runs the suite.
func Statuses(t *testing.T, f Forge) {
	t.Helper()
	for state, want := range f.States {
		got := Capture(t, f.New, Notice(state))
		if got.Method != http.MethodPost || got.Path != f.Path {
			t.Errorf("%s: asked for %s %s, want POST %s", state, got.Method, got.Path, f.Path)
		}
		for name, value := range f.Header {
			if got.Header.Get(name) != value {
				t.Errorf("%s: header %s is %q, want %q", state, name, got.Header.Get(name), value)
			}
		}
		for name, value := range f.Body {
			if got.Body[name] != value {
				t.Errorf("%s: %s is %v, want %q", state, name, got.Body[name], value)
			}
		}
		if got.Body["state"] != want || got.Body["description"] != "said in a line" {
			t.Errorf("%s: state is %v, want %q; description is %v", state, got.Body["state"], want, got.Body["description"])
		}
	}
	if len(f.States) != 6 {
		t.Errorf("%d states are tested, there are 6", len(f.States))
	}
	longDescription(t, f)
	nothingToSay(t, f)
	badNames(t, f)
	refusals(t, f)
}

func longDescription(t *testing.T, f Forge) {
	t.Helper()
	n := Notice(notice.Failure)
	n.Status.Description = strings.Repeat("é", 400)
	got := Capture(t, f.New, n)
	if d, _ := got.Body["description"].(string); len(d) > f.MaxDescription || !strings.HasSuffix(d, "é…") {
		t.Errorf("a long description has %d bytes and ends in %q", len(d), d[max(0, len(d)-8):])
	}
}

func nothingToSay(t *testing.T, f Forge) {
	t.Helper()
	s := f.New("http://127.0.0.1:1") // nobody is there to ask
	if err := s.Send(t.Context(), notice.Notice{Title: "no commit"}); err != nil {
		t.Errorf("a notice without a status: %v", err)
	}
}

func badNames(t *testing.T, f Forge) {
	t.Helper()
	for _, name := range []string{"", "../x", "acme/..", "acme//x"} {
		n := Notice(notice.Success)
		n.Commit.Repo.Name = name
		wantOutcome(t, "repository "+name, f.New("http://127.0.0.1:1").Send(t.Context(), n), notice.Refused)
	}
}

func refusals(t *testing.T, f Forge) {
	t.Helper()
	for status, want := range map[int]notice.Outcome{
		401: notice.Refused, 404: notice.Refused, 422: notice.Refused, 429: notice.Busy, 500: notice.Failed, 502: notice.Away,
	} {
		wantOutcome(t, http.StatusText(status), Answer(t, f.New, status, `{"message":"no"}`), want)
	}
}

func wantOutcome(t *testing.T, what string, err error, want notice.Outcome) {
	t.Helper()
	failure, ok := errors.AsType[*notice.SendError](err)
	if !ok || failure.Outcome != want {
		t.Errorf("%s: error is %v, want one that is %s", what, err, want)
	}
}

// Capture sends one notice and returns what the forge was asked.
func Capture(t *testing.T, open func(url string) Sender, n notice.Notice) (got Request) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = Request{Method: r.Method, Path: r.URL.EscapedPath(), Header: r.Header}
		if err := json.Unmarshal(body, &got.Body); err != nil {
			t.Errorf("body %s: %v", body, err)
		}
		w.WriteHeader(http.StatusCreated)
	}))
	defer srv.Close()
	if err := open(srv.URL).Send(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return got
}

// Answer sends one notice to a forge that answers with status and body.
func Answer(t *testing.T, open func(url string) Sender, status int, body string) error {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer srv.Close()
	return open(srv.URL).Send(t.Context(), Notice(notice.Success))
}
