package chaos_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// repository is a bare repository, a clone to push from, and a git command
// that can be held up.
type repository struct {
	t                   *testing.T
	bare, work, wrapper string
	hold, held          string // files
	pushes              int
}

func newRepository(t *testing.T, dir string) *repository {
	t.Helper()
	r := &repository{
		t: t, bare: filepath.Join(dir, "jobs.git"), work: filepath.Join(dir, "work"), wrapper: filepath.Join(dir, "git"),
		hold: filepath.Join(dir, "hold"), held: filepath.Join(dir, "held"),
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	r.git(dir, "init", "--quiet", "--bare", "--initial-branch=main", r.bare)
	r.git(dir, "clone", "--quiet", r.bare, r.work)
	script := fmt.Sprintf("#!/bin/sh\nif [ -e %q ]; then touch %q; while [ -e %q ]; do sleep 0.05; done; fi\nexec git \"$@\"\n", r.hold, r.held, r.hold)
	if err := os.WriteFile(r.wrapper, []byte(script), 0o700); err != nil { //nolint:gosec // it must be executable
		t.Fatal(err)
	}
	return r
}

func (r *repository) git(dir string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.org", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.org")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

const fiordYAML = `version: 1
benches:
  - name: "null"
    jobs: [jobs/null.fio]
    matrix: {iodepth: [1, 4]}
`

// push commits a job that is new, on a branch of its own, since a newer push
// to the same branch would supersede it. It returns the body of the webhook.
func (r *repository) push() (commit string, webhook []byte) {
	r.t.Helper()
	r.pushes++
	branch := fmt.Sprintf("topic-%d", r.pushes)
	r.git(r.work, "checkout", "--quiet", "-B", branch)
	for name, text := range map[string]string{
		"fiord.yaml":    fiordYAML,
		"jobs/null.fio": fmt.Sprintf("; push %d\n[null]\nioengine=null\nrw=randread\nbs=4k\nsize=64m\nruntime=600ms\ntime_based=1\nrate_iops=2000\n", r.pushes),
	} {
		path := filepath.Join(r.work, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	r.git(r.work, "add", "--all")
	r.git(r.work, "commit", "--quiet", "--message", "Measure "+branch)
	r.git(r.work, "push", "--quiet", "origin", branch)
	commit = r.git(r.work, "rev-parse", "HEAD")
	body, err := json.Marshal(map[string]any{
		"repo": map[string]any{"name": "lab/jobs", "clone_url": r.bare, "default_branch": "main"},
		"user": "tester", "ref": "refs/heads/" + branch, "before": strings.Repeat("0", 40), "after": commit,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return commit, body
}

// push pushes, and tells ingest as a post-receive hook would, which tries
// until it is answered.
func (w *world) push() (commit string) {
	w.t.Helper()
	commit, body := w.git.push()
	w.eventually("ingest that takes the push", func() bool { return w.tell(commit, body) })
	return commit
}

func (w *world) tell(commit string, body []byte) bool {
	w.t.Helper()
	stamp := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.services["ingest"].url+"/hooks/git", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-Fiord-Event": "push", "X-Fiord-Delivery": commit,
		"X-Fiord-Timestamp": stamp, "X-Fiord-Signature": "sha256=" + hex.EncodeToString(mac.Sum(nil)),
	} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return false
	}
	if response.StatusCode != http.StatusAccepted && response.StatusCode < 500 && response.StatusCode != http.StatusTooManyRequests {
		w.t.Fatalf("ingest answers %d: %s", response.StatusCode, text)
	}
	return response.StatusCode == http.StatusAccepted
}

// benchOf waits for the bench that a push asks for.
func (w *world) benchOf(commit string) string {
	w.t.Helper()
	return events.BenchID(w.await("bench of "+commit, func(e events.Event) bool {
		data, ok := e.Data.(events.BenchRequested)
		return ok && data.Origin != nil && data.Origin.Commit == commit
	}))
}
