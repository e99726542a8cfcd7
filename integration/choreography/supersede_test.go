package choreography_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/services/ingest"
)

// The order of pushes is that of the stream. A checkout so slow that a newer
// push overtakes it supersedes nothing: its own bench is the one that comes too
// late.
func TestASlowCheckoutOfAnOldPushSupersedesNothingNewer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	repo := newRepository(t)
	w.ingest(repo.wrapper)
	w.ingest(repo.wrapper)
	old, newer := repo.commit("old"), repo.commit("newer")
	repo.hold()
	w.pushed(repo, strings.Repeat("0", 40), old)
	w.eventually("the slow checkout", repo.held)
	w.pushed(repo, old, newer)
	wanted := w.benchOf(newer)
	repo.release()
	late := w.benchOf(old)
	w.eventually("cancellation of the late bench", func() bool { return len(of[events.CancelRequested](w, late)) == 1 })
	w.inventory(nil)
	w.plot()
	w.minimalWorker(completes)
	ended[events.BenchCancelled](w, late)
	ended[events.BenchReported](w, wanted)
	w.settled()
	if n := len(of[events.CancelRequested](w, wanted)); n != 0 {
		t.Errorf("the newer push's bench was cancelled %d times", n)
	}
}

func (w *world) ingest(git string) {
	w.t.Helper()
	cfg := ingest.DefaultConfig()
	cfg.Listen, cfg.WebhookSecret = "127.0.0.1:0", config.NewSecret("secret-of-the-tests")
	cfg.Checkout.Git, cfg.Checkout.Dir, cfg.Checkout.AllowLocal = git, w.t.TempDir(), true
	w.run("ingest", func(d service.Deps) (service.Runner, error) { return ingest.New(cfg, d) })
}

// pushed tells of a push as ingest does once it has verified the webhook.
func (w *world) pushed(r *repository, before, after string) {
	w.t.Helper()
	const ref = "refs/heads/topic"
	p := events.Push{
		Push: events.PushID("git", "lab/jobs", ref, before, after, ""), Ref: ref, Before: before, After: after,
		Repo: events.Repo{Forge: "git", Name: "lab/jobs", CloneURL: r.dir, DefaultBranch: "main"},
	}
	if _, err := w.nats.Bus("fiord/ingest").Emit(w.t.Context(), p.Push, nil, events.PushReceived{Push: p}); err != nil {
		w.t.Fatal(err)
	}
}

// benchOf waits for the bench that a commit asks for.
func (w *world) benchOf(commit string) (id string) {
	w.t.Helper()
	w.eventually("bench of "+commit, func() bool {
		for _, e := range w.all(func(e events.Event) bool { return e.Type == events.TypeBenchRequested }) {
			if o := e.Data.(events.BenchRequested).Origin; o != nil && o.Commit == commit {
				id = events.BenchID(e)
			}
		}
		return id != ""
	})
	return id
}

// repository is a git repository, and a git command whose first call can be
// held up while others pass.
type repository struct {
	t                 *testing.T
	dir, wrapper      string
	holding, heldFile string
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	needs(t, "git")
	dir := t.TempDir()
	r := &repository{t: t, dir: filepath.Join(dir, "repo"), wrapper: filepath.Join(dir, "git"), holding: filepath.Join(dir, "hold"), heldFile: filepath.Join(dir, "held")}
	script := fmt.Sprintf("#!/bin/sh\nif [ -e %q ] && mkdir %q 2>/dev/null; then while [ -e %q ]; do sleep 0.05; done; fi\nexec git \"$@\"\n", r.holding, r.heldFile, r.holding)
	if err := os.WriteFile(r.wrapper, []byte(script), 0o700); err != nil { //nolint:gosec // it must be executable
		t.Fatal(err)
	}
	r.git(dir, "init", "--quiet", "--initial-branch=topic", r.dir)
	for name, text := range map[string]string{"fiord.yaml": "version: 1\nbenches: [{name: a, jobs: [a.fio]}]\n", "a.fio": quickJob} {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.git(r.dir, "add", "--all")
	return r
}

func (r *repository) commit(message string) string {
	r.t.Helper()
	r.git(r.dir, "commit", "--quiet", "--allow-empty", "--message", message)
	return r.git(r.dir, "rev-parse", "HEAD")
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

func (r *repository) hold() {
	r.t.Helper()
	if err := os.WriteFile(r.holding, nil, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *repository) held() bool { _, err := os.Stat(r.heldFile); return err == nil }

func (r *repository) release() {
	r.t.Helper()
	if err := os.Remove(r.holding); err != nil {
		r.t.Fatal(err)
	}
}
