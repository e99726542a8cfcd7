package web_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/keys"
	"github.com/fiord-bench/fiord/services/ingest/web"
)

const (
	secret = "webhook-secret-of-the-tests"
	scoped = "secret-for-one-repository-only"
	token  = "event-token-of-the-tests"
	narrow = "token-for-cancelling-only"
)

// door is a server over a real bus.
type door struct {
	t   *testing.T
	bus *bus.Bus
	url string
}

func open(t *testing.T, change func(*web.Options)) *door {
	t.Helper()
	return openOn(t, bustest.New(t), change)
}

func openOn(t *testing.T, b *bus.Bus, change func(*web.Options)) *door {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "keys.yaml")
	err := os.WriteFile(file, []byte(`
version: 1
webhooks:
  - {id: all, secret: `+secret+`}
  - {id: one, secret: `+scoped+`, repositories: [lab/one]}
events:
  - {id: script, token: `+token+`}
  - {id: canceller, token: `+narrow+`, types: [cancel.requested]}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	o := web.Options{
		Publisher: b, Keys: func() *keys.Ring { return ring }, Policy: repos.Open,
		Limits: web.DefaultLimits(), Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	s, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return &door{t, b, "http://" + l.Addr().String()}
}

// stored counts the events in the stream.
func (d *door) stored() uint64 {
	d.t.Helper()
	stream, err := d.bus.JetStream().Stream(d.t.Context(), bus.StreamEvents)
	if err != nil {
		d.t.Fatal(err)
	}
	info, err := stream.Info(d.t.Context(), jetstream.WithSubjectFilter(">"))
	if err != nil {
		d.t.Fatal(err)
	}
	return info.State.Msgs
}

func (d *door) send(method, path, body string, header map[string]string) *http.Response {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	return resp
}

// refusal checks an answer that refuses: its status, and that its body is a
// problem which says what to do.
func refusal(t *testing.T, resp *http.Response, status int, says string) {
	t.Helper()
	raw, _ := io.ReadAll(resp.Body)
	var p web.Problem
	if err := json.Unmarshal(raw, &p); err != nil || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("status %d, %s is no problem document: %s", resp.StatusCode, resp.Header.Get("Content-Type"), raw)
	}
	if resp.StatusCode != status || p.Status != status || p.Title == "" || !strings.HasPrefix(p.Type, "https://") || !strings.Contains(p.Detail, says) {
		t.Errorf("status %d, want %d saying %q: %s", resp.StatusCode, status, says, raw)
	}
}

type answer struct {
	Events  []web.Stored `json:"events"`
	Message string       `json:"message"`
}

func accepted(t *testing.T, resp *http.Response, status int) answer {
	t.Helper()
	raw, _ := io.ReadAll(resp.Body)
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil || resp.StatusCode != status {
		t.Fatalf("status %d, want %d: %s", resp.StatusCode, status, raw)
	}
	return a
}

func mac(key string, parts ...string) string {
	h := hmac.New(sha256.New, []byte(key))
	for _, p := range parts {
		h.Write([]byte(p))
	}
	return "sha256=" + hex.EncodeToString(h.Sum(nil))
}

// hub is a signed webhook of GitHub.
func hub(event, body, key string) map[string]string {
	return map[string]string{
		"Content-Type": "application/json", "X-GitHub-Event": event, "X-GitHub-Delivery": "d-1", "X-Hub-Signature-256": mac(key, body),
	}
}

const pushBody = `{"ref":"refs/heads/main","before":"6dcb09b5b57875f334f61aebed695e2e4193db5e","after":"a10867b14bb761a232cd80139fbd4c0d33264240",
"repository":{"full_name":"lab/jobs","clone_url":"https://git.storage-lab.example/lab/jobs.git"},"sender":{"login":"bench-bot"}}`

// A delivery that is repeated is the one it was. The same movement of the same ref
// under another delivery may be another push: the ref was moved back meanwhile.
func TestDeliveryTellsPushesApart(t *testing.T) {
	d := open(t, nil)
	first := accepted(t, d.send("POST", "/hooks", pushBody, hub("push", pushBody, secret)), 202)
	again := accepted(t, d.send("POST", "/hooks/github", pushBody, hub("push", pushBody, secret)), 202)
	if len(first.Events) != 1 || first.Events[0].Duplicate || !again.Events[0].Duplicate || again.Events[0].ID != first.Events[0].ID {
		t.Errorf("first %+v, again %+v", first, again)
	}
	header := hub("push", pushBody, secret)
	header["X-GitHub-Delivery"] = "d-2"
	other := accepted(t, d.send("POST", "/hooks/github", pushBody, header), 202)
	delete(header, "X-GitHub-Delivery")
	nameless := accepted(t, d.send("POST", "/hooks/github", pushBody, header), 202)
	for _, e := range []web.Stored{other.Events[0], nameless.Events[0]} {
		if e.Duplicate || e.ID == first.Events[0].ID {
			t.Errorf("%+v passes for %+v", e, first.Events[0])
		}
	}
	if n := d.stored(); n != 3 {
		t.Errorf("%d events are stored, want 3", n)
	}
}

func TestEveryForgeOfTheCorpusGetsItsAnswer(t *testing.T) {
	paths, err := filepath.Glob("../forge/testdata/github/*.http")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	d := open(t, nil)
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(raw), "\n\n")
		header := map[string]string{"X-Hub-Signature-256": mac(secret, body)}
		for line := range strings.Lines(head) {
			k, v, _ := strings.Cut(strings.TrimSpace(line), ": ")
			header[k] = v
		}
		resp := d.send("POST", "/hooks", body, header)
		want := 200
		if header["X-GitHub-Event"] == "push" {
			want = 202
		}
		if a := accepted(t, resp, want); (want == 200) != (a.Message != "") {
			t.Errorf("%s: answer %+v", path, a)
		}
	}
}

func TestWebhooksThatAreRefused(t *testing.T) {
	d := open(t, func(o *web.Options) { o.Limits.Body = 2000; o.Limits.Refusals = 1000 })
	with := func(h map[string]string, k, v string) map[string]string {
		if h[k] = v; v == "" {
			delete(h, k)
		}
		return h
	}
	push := func() map[string]string { return hub("push", pushBody, secret) }
	tests := map[string]struct {
		path, body string
		header     map[string]string
		status     int
		says       string
	}{
		"unsigned":                 {"/hooks", pushBody, with(push(), "X-Hub-Signature-256", ""), 401, "set a secret"},
		"empty digest":             {"/hooks", pushBody, with(push(), "X-Hub-Signature-256", "sha256="), 401, "missing or empty"},
		"signed by a stranger":     {"/hooks", pushBody, hub("push", pushBody, "guess"), 403, "none of the 2 keys"},
		"SHA-1":                    {"/hooks", pushBody, with(push(), "X-Hub-Signature-256", "sha1=aa"), 403, "sha256="},
		"body changed":             {"/hooks", pushBody + " ", push(), 403, "does not match"},
		"key of another repo":      {"/hooks", pushBody, hub("push", pushBody, scoped), 403, `the key "one" is not meant for lab/jobs`},
		"too large":                {"/hooks", strings.Repeat(" ", 3000), push(), 413, "at most 2000 bytes"},
		"text":                     {"/hooks", pushBody, with(push(), "Content-Type", "text/plain"), 415, "send application/json"},
		"no type":                  {"/hooks", pushBody, with(push(), "Content-Type", ""), 415, "Content-Type"},
		"no forge":                 {"/hooks", pushBody, map[string]string{"Content-Type": "application/json"}, 422, "X-GitHub-Event"},
		"unknown forge":            {"/hooks/sourcehut", pushBody, push(), 422, "sourcehut"},
		"signed nonsense":          {"/hooks", "{", hub("push", "{", secret), 422, "malformed payload"},
		"signed, wrong commit":     {"/hooks", `{"ref":"refs/heads/x","after":"1","repository":{"full_name":"a/b"}}`, hub("push", `{"ref":"refs/heads/x","after":"1","repository":{"full_name":"a/b"}}`, secret), 422, "object id"},
		"empty":                    {"/hooks", "", hub("push", "", secret), 422, "empty"},
		"another forge's endpoint": {"/hooks/gitea", pushBody, push(), 401, "X-Gitea-Signature"},
		"nothing here":             {"/hook", pushBody, push(), 404, "/hooks"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			refusal(t, d.send("POST", tt.path, tt.body, tt.header), tt.status, tt.says)
		})
	}
	resp := d.send("GET", "/hooks", "", nil)
	refusal(t, resp, 405, "use POST")
	if resp.Header.Get("Allow") != "POST" {
		t.Errorf("Allow: %q", resp.Header.Get("Allow"))
	}
	if n := d.stored(); n != 0 {
		t.Errorf("%d events are stored of refused requests", n)
	}
}

func TestPolicyRefusesPushes(t *testing.T) {
	policy, err := repos.Parse("repos.yaml", []byte("version: 1\nrules:\n- {repositories: [lab/one], signed_by: [one]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, func(o *web.Options) { o.Policy = func() *repos.Policy { return policy } })
	refusal(t, d.send("POST", "/hooks", pushBody, hub("push", pushBody, secret)), 403, "no rule of the operator")
	body := strings.Replace(pushBody, "lab/jobs", "lab/one", 1)
	refusal(t, d.send("POST", "/hooks", body, hub("push", body, secret)), 403, "no rule of the operator")
	accepted(t, d.send("POST", "/hooks", body, hub("push", body, scoped)), 202)
}

// The promise: without JetStream's acknowledgement there is no 202.
func TestNoAcknowledgementNo202(t *testing.T) {
	nats := bustest.NewServer(t)
	nc := nats.Connect()
	b, err := bus.New(bus.Options{Conn: nc, Source: "fiord/ingest"})
	if err != nil {
		t.Fatal(err)
	}
	d := openOn(t, b, func(o *web.Options) { o.Limits.Publish = 500 * time.Millisecond })
	if err := b.JetStream().DeleteStream(t.Context(), bus.StreamEvents); err != nil {
		t.Fatal(err)
	}
	resp := d.send("POST", "/hooks", pushBody, hub("push", pushBody, secret))
	refusal(t, resp, 503, "repeat the request")
	if after, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || after < 1 {
		t.Errorf("Retry-After: %q", resp.Header.Get("Retry-After"))
	}
	if err := b.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	accepted(t, d.send("POST", "/hooks", pushBody, hub("push", pushBody, secret)), 202)
}
