package ingest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/services/ingest"
)

const (
	// patience is how long a test waits for what must happen: longer than the server
	// takes to give an event to another replica when one ended with it in hand.
	patience = 2 * time.Minute
	secret   = "webhook-secret-of-the-tests"
	token    = "event-token-of-the-tests"
	jobFile  = "[randread]\nrw=randread\nsize=1m\n"
	fiordYML = "version: 1\nbenches:\n  - name: randread\n    jobs: [jobs/randread.fio]\n"
)

// site is a NATS server, a store, a git server's folder, and what a test sees
// of the events.
type site struct {
	t *testing.T
	// bus connects as a service, or as somebody else.
	bus   func(user string) *bus.Bus
	store *artifacts.Store
	seen  chan events.Event
	dir   string
}

// newSite starts what a test needs; such tests mostly wait, and do so together.
func newSite(t *testing.T) *site {
	t.Helper()
	t.Parallel()
	nats := bustest.NewServer(t)
	return newSiteOn(t, func(user string) *bus.Bus { return nats.Bus("fiord/" + user) })
}

func newSiteOn(t *testing.T, connect func(user string) *bus.Bus) *site {
	t.Helper()
	s := &site{t: t, bus: connect, store: artifactstest.New(t), seen: make(chan events.Event, 10_000), dir: t.TempDir()}
	sub, err := s.bus("test").Watch(t.Context(), bus.View{See: func(_ context.Context, seen bus.Seen) { s.seen <- seen.Event }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sub.Stop)
	return s
}

// replica runs one ingest until the test ends and returns its address.
func (s *site) replica(change func(*ingest.Config)) (url string) {
	s.t.Helper()
	return s.start(change).url
}

// replica is one ingest that can be ended.
type replica struct {
	url  string
	stop func()
}

// start runs one ingest until it is stopped or the test ends.
func (s *site) start(change func(*ingest.Config)) *replica {
	s.t.Helper()
	cfg := ingest.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	cfg.WebhookSecret, cfg.EventToken = config.NewSecret(secret), config.NewSecret(token)
	cfg.Checkout.Dir = s.t.TempDir()
	cfg.Checkout.AllowLocal, cfg.Checkout.AllowHTTP = true, true
	cfg.Fetch.AllowHTTP, cfg.Fetch.AllowPrivate = true, true
	if change != nil {
		change(&cfg)
	}
	svc, err := ingest.New(cfg, service.Deps{
		Bus: s.bus("ingest"), Store: s.store, Metrics: prometheus.NewRegistry(),
		Log: slog.New(slog.NewTextHandler(s.t.Output(), nil)),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- svc.Run(ctx) }()
	r := &replica{url: "http://" + svc.Addr(), stop: sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			s.t.Errorf("Run: %v", err)
		}
	})}
	s.t.Cleanup(r.stop)
	return r
}

// await returns the next event of one of the types; others are passed over.
func (s *site) await(types ...events.Type) events.Event {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case e := <-s.seen:
			for _, t := range types {
				if e.Type == t {
					return e
				}
			}
		case <-deadline:
			s.t.Fatalf("none of %v within %v", types, patience)
		}
	}
}

// quiet fails if an event of one of the types comes within a moment.
func (s *site) quiet(types ...events.Type) {
	s.t.Helper()
	deadline := time.After(300 * time.Millisecond)
	for {
		select {
		case e := <-s.seen:
			for _, t := range types {
				if e.Type == t {
					s.t.Errorf("unexpected %s: %+v", e.Type, e.Data)
				}
			}
		case <-deadline:
			return
		}
	}
}

func data[T events.Data](t *testing.T, e events.Event) T {
	t.Helper()
	d, ok := e.Data.(T)
	if !ok {
		t.Fatalf("event is %s: %+v", e.Type, e.Data)
	}
	return d
}

// clone is a work tree whose pushes go to a bare repository with our hook.
type clone struct {
	t         *testing.T
	dir, bare string
}

func (s *site) repository(name, url string) *clone {
	s.t.Helper()
	c := &clone{t: s.t, dir: filepath.Join(s.dir, name), bare: filepath.Join(s.dir, name+".git")}
	run(s.t, s.dir, "git", "init", "--quiet", "--bare", "--initial-branch=main", c.bare)
	run(s.t, s.dir, "git", "init", "--quiet", "--initial-branch=main", c.dir)
	run(s.t, c.dir, "git", "remote", "add", "origin", c.bare)
	hook, err := os.ReadFile(filepath.Join("..", "..", "deploy", "git", "post-receive"))
	if err != nil {
		s.t.Fatal(err)
	}
	writeFile(s.t, filepath.Join(c.bare, "hooks", "post-receive"), string(hook), 0o755)
	secretFile := filepath.Join(s.dir, name+".secret")
	writeFile(s.t, secretFile, secret+"\n", 0o600)
	run(s.t, c.bare, "git", "config", "fiord.url", url)
	run(s.t, c.bare, "git", "config", "fiord.secretFile", secretFile)
	run(s.t, c.bare, "git", "config", "fiord.repository", "lab/"+name)
	return c
}

func (c *clone) write(name, content string) {
	writeFile(c.t, filepath.Join(c.dir, name), content, 0o644)
}

// url is where the repository is fetched from.
func (c *clone) url() string {
	if strings.Contains(c.bare, "://") {
		return c.bare
	}
	return "file://" + c.bare
}

// push commits everything and pushes a ref; it returns the commit and what the
// pusher saw.
func (c *clone) push(ref, message string) (commit, output string) {
	c.t.Helper()
	run(c.t, c.dir, "git", "add", "--all")
	run(c.t, c.dir, "git", "commit", "--quiet", "--allow-empty", "-m", message)
	output = run(c.t, c.dir, "git", "push", "--quiet", "--force", "origin", "HEAD:"+ref)
	return strings.TrimSpace(run(c.t, c.dir, "git", "rev-parse", "HEAD")), output
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=bench-bot", "GIT_AUTHOR_EMAIL=bench-bot@storage-lab.example",
		"GIT_COMMITTER_NAME=bench-bot", "GIT_COMMITTER_EMAIL=bench-bot@storage-lab.example")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func writeFile(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// gitHubPush posts a push webhook as GitHub signs it.
func gitHubPush(t *testing.T, url string, c *clone, ref, before, after string) (status int, answer string) {
	t.Helper()
	return gitHubDelivery(t, url, c, ref, before, after, "72d3162e")
}

func gitHubDelivery(t *testing.T, url string, c *clone, ref, before, after, delivery string) (status int, answer string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"ref": ref, "before": before, "after": after,
		"repository": map[string]any{"full_name": "lab/" + filepath.Base(c.dir), "clone_url": c.url(), "default_branch": "main"},
		"sender":     map[string]any{"login": "bench-bot"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return post(t, url+"/hooks", string(body), map[string]string{
		"Content-Type": "application/json", "X-GitHub-Event": "push", "X-GitHub-Delivery": delivery,
		"X-Hub-Signature-256": hubSignature(body),
	})
}

func hubSignature(body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func post(t *testing.T, url, body string, header map[string]string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// Where a delivery's address cannot be read for certain it may hold a password: it is
// refused, and neither the answer nor an event repeats it.
func TestAnAddressThatMayHoldAPasswordIsRefused(t *testing.T) {
	s := newSite(t)
	replica := s.start(func(*ingest.Config) {})
	for _, address := range []string{"https://ada:hunter2/x@git.example/jobs.git", "https:ada:hunter2@git.example/jobs", "ada:hunter2@git.example:jobs.git"} {
		id := strings.Repeat("a", 40)
		body, err := json.Marshal(map[string]any{
			"ref": "refs/heads/main", "before": zero, "after": id,
			"repository": map[string]any{"full_name": "lab/jobs", "clone_url": address, "default_branch": "main"},
			"sender":     map[string]any{"login": "bench-bot"},
		})
		if err != nil {
			t.Fatal(err)
		}
		status, answer := post(t, replica.url+"/hooks", string(body), map[string]string{
			"Content-Type": "application/json", "X-GitHub-Event": "push", "X-GitHub-Delivery": "d", "X-Hub-Signature-256": hubSignature(body),
		})
		if status != http.StatusUnprocessableEntity || !strings.Contains(answer, "clone_url") || strings.Contains(answer, "hunter2") {
			t.Errorf("status %d: %s", status, answer)
		}
	}
}
