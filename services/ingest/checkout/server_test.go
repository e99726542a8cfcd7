package checkout_test

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/services/ingest/checkout"
)

// origin is a real repository that tests commit to.
type origin struct {
	tb  testing.TB
	dir string
}

func newOrigin(tb testing.TB, initArgs ...string) *origin {
	tb.Helper()
	o := &origin{tb: tb, dir: filepath.Join(tb.TempDir(), "jobs")}
	if err := os.Mkdir(o.dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	o.git(append([]string{"init", "--quiet", "--initial-branch=main"}, initArgs...)...)
	o.git("config", "uploadpack.allowFilter", "true")
	return o
}

func (o *origin) git(args ...string) string {
	o.tb.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = o.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=bench-bot", "GIT_AUTHOR_EMAIL=bench-bot@storage-lab.example",
		"GIT_COMMITTER_NAME=bench-bot", "GIT_COMMITTER_EMAIL=bench-bot@storage-lab.example")
	out, err := cmd.CombinedOutput()
	if err != nil {
		o.tb.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (o *origin) write(name, content string) {
	o.tb.Helper()
	path := filepath.Join(o.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		o.tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		o.tb.Fatal(err)
	}
}

// commit adds everything and returns the new commit's id.
func (o *origin) commit(message string) string {
	o.tb.Helper()
	o.git("add", "--all")
	o.git("commit", "--quiet", "--allow-empty", "-m", message)
	return o.git("rev-parse", "HEAD")
}

// serve publishes the repository over smart HTTP with git's own CGI, for those
// who send the token; an empty token opens it to everybody.
func (o *origin) serve(token string) (url string) {
	o.tb.Helper()
	execPath := o.git("--exec-path")
	backend := &cgi.Handler{
		Path: filepath.Join(execPath, "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(o.dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null"},
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		switch {
		case strings.HasPrefix(r.URL.Path, "/moved/"):
			http.Redirect(w, r, "/jobs/"+strings.TrimPrefix(r.URL.Path, "/moved/")+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
		case token != "" && password != token:
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you", http.StatusUnauthorized)
		default:
			backend.ServeHTTP(w, r)
		}
	}))
	o.tb.Cleanup(srv.Close)
	return srv.URL
}

func newClient(tb testing.TB, change func(*checkout.Config)) *checkout.Client {
	tb.Helper()
	cfg := checkout.Defaults()
	cfg.Dir = tb.TempDir()
	cfg.AllowLocal, cfg.AllowHTTP = true, true
	if change != nil {
		change(&cfg)
	}
	c, err := checkout.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		left, err := os.ReadDir(cfg.Dir)
		if err != nil || len(left) > 0 {
			tb.Errorf("scratch folder: %v, left behind: %v", err, left)
		}
	})
	return c
}

func open(tb testing.TB, c *checkout.Client, url, commit string) *checkout.Tree {
	tb.Helper()
	tree, err := c.Open(tb.Context(), checkout.Request{URL: url, Commit: commit})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := tree.Close(); err != nil {
			tb.Error(err)
		}
	})
	return tree
}
