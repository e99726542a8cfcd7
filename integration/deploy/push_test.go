package deploy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/events"
)

// pushed is a bare repository with fiord's hook, and a clone to push from.
type pushed struct {
	t          *testing.T
	bare, work string
}

func newRepository(t *testing.T, root, cloneURL string, s *stack) *pushed {
	t.Helper()
	r := &pushed{t, filepath.Join(root, "jobs.git"), filepath.Join(t.TempDir(), "work")}
	r.git(root, "init", "--quiet", "--bare", "--initial-branch=main", r.bare)
	r.git(root, "init", "--quiet", "--initial-branch=main", r.work)
	hook := filepath.Join(r.bare, "hooks", "post-receive")
	write(t, hook, string(read(t, filepath.Join(folder, "git", "post-receive"))))
	if err := os.Chmod(hook, 0o700); err != nil { //nolint:gosec // it must be executable
		t.Fatal(err)
	}
	for key, value := range map[string]string{
		"fiord.url": s.ingest, "fiord.cloneUrl": cloneURL + "/jobs.git",
		"fiord.secretFile": filepath.Join(s.dir, "export", creds.ExportUsers, "ingest", "webhook"),
	} {
		r.git(r.bare, "config", key, value)
	}
	return r
}

func (r *pushed) git(dir string, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.org", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.org")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// push pushes one bench, and returns what the pusher was told.
func (r *pushed) push(bench string) string {
	r.t.Helper()
	write(r.t, filepath.Join(r.work, "fiord.yaml"), fmt.Sprintf("version: 1\nbenches:\n  - {name: %s, jobs: [jobs/read.fio]}\n", bench))
	write(r.t, filepath.Join(r.work, "jobs", "read.fio"), "[read]\nrw=randread\nbs=4k\nsize=4m\ntime_based\nruntime=1\n")
	r.git(r.work, "add", ".")
	r.git(r.work, "commit", "--quiet", "--message", "Measure "+bench)
	return r.git(r.work, "push", r.bare, "main")
}

// notices are the ends of benches that a webhook was told of.
type notices chan events.BenchReported

func (n notices) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if e, err := events.Unmarshal(body); err == nil {
		if end, ok := e.Data.(events.BenchReported); ok {
			n <- end
		}
	}
}

// of waits for the notice about a bench.
func (n notices) of(t *testing.T, name string) events.BenchReported {
	t.Helper()
	for late := time.After(2 * patience); ; {
		select {
		case end := <-n:
			if end.Name == name {
				return end
			}
		case <-late:
			t.Fatalf("nobody told how %s ended", name)
		}
	}
}

// The compose project as its README starts it: a push leads to figures on the
// page and a notice; what was accepted outlives servers that are killed and
// containers that are made anew.
func TestAComposeProjectMeasuresPushesAndKeepsThem(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds images")
	}
	told, root := make(notices, 16), t.TempDir()
	s := newStack(t, fmt.Sprintf(`
nats: {url: "nats://nats:4222"}
s3: {endpoint: "http://s3:9000"}
ingest: {checkout: {allow_http: true}}
notify: {targets: [{name: hook, kind: webhook, url: %q, on: [bench.reported]}]}
`, serve(t, told)))
	r := newRepository(t, root, forge(t, root), s)
	s.do("up", "--detach")
	s.ready()

	r.mustPush("first")
	first := told.of(t, "first")
	s.shows(first)

	// Without NATS nothing can be accepted, and the pusher hears so; with it all
	// services go on by themselves.
	s.run(nil, patience, "docker", "kill", s.container("nats"))
	if said := r.push("lost"); !strings.Contains(said, "not told") {
		t.Errorf("the pusher was told %q while there was no NATS", said)
	}
	// A server that comes back has all that it held: nothing is provisioned again.
	s.run(nil, patience, "docker", "start", s.container("nats"))
	s.goesOn("a restart of NATS alone")
	s.run(nil, patience, "docker", "restart", s.container("s3"))
	s.ready()
	r.mustPush("second")
	second := told.of(t, "second")

	// Containers go, data stays.
	s.do("down", "--timeout", "20")
	s.do("up", "--detach")
	s.ready()
	r.mustPush("third")
	told.of(t, "third")
	for _, end := range []events.BenchReported{first, second} {
		s.shows(end)
	}
	s.command(first)
	s.run(nil, 3*time.Minute, "docker", "restart", s.container("nats"), s.container("s3"), s.container("ingest"),
		s.container("inventory"), s.container("bench"), s.container("plot"), s.container("notify"))
	s.goesOn("a restart of everything")
	s.rights()
}

func (r *pushed) mustPush(name string) {
	r.t.Helper()
	if said := r.push(name); line(said, "received") == "" {
		r.t.Fatalf("the pusher was told %q", said)
	}
}

// ready waits until ingest and the page answer.
func (s *stack) ready() {
	s.t.Helper()
	for _, url := range []string{s.page + "/", s.ingest + "/"} {
		eventually(s.t, "answer from "+url, func() bool {
			r, err := http.Get(url) //nolint:gosec // an address of ours
			if err != nil {
				return false
			}
			return r.Body.Close() == nil && r.StatusCode < http.StatusInternalServerError
		})
	}
}

// goesOn waits until a bench that a person asks for has ended, and this host is in
// the registry.
func (s *stack) goesOn(after string) {
	s.t.Helper()
	s.ready()
	eventually(s.t, "host after "+after, func() bool { return strings.Contains(s.try("run", "--rm", "fiord", "hosts", "--json"), `"here"`) })
	out := s.do("run", "--rm", "fiord", "run", "--json", "--detach", "jobs/randread.fio", "--host", "here")
	var said struct{ Bench string }
	if at := strings.IndexByte(out, '{'); at < 0 || json.NewDecoder(strings.NewReader(out[at:])).Decode(&said) != nil || said.Bench == "" {
		s.t.Fatalf("fiord run says %s", out)
	}
	eventually(s.t, "end of the bench after "+after, func() bool {
		return strings.Contains(s.try("run", "--rm", "fiord", "show", "--json", said.Bench), "bench.reported")
	})
}

// ofRun and ofFigure are links on pages.
var (
	ofRun    = regexp.MustCompile(`/runs/[a-z0-9]{26}`)
	ofFigure = regexp.MustCompile(`/runs/[a-z0-9]{26}/figures/[a-z0-9-]+\.svg`)
)

// shows wants the pages of a bench and its run, and a figure, which is drawn of
// what lies in S3.
func (s *stack) shows(end events.BenchReported) {
	s.t.Helper()
	var run, figure string
	eventually(s.t, "page of "+end.Name, func() bool { run = ofRun.FindString(s.get("/benches/" + end.Bench)); return run != "" })
	eventually(s.t, "figure of "+end.Name, func() bool {
		figure = ofFigure.FindString(s.get(run))
		return strings.Contains(s.get(figure), "<svg")
	})
}

func (s *stack) get(path string) string {
	s.t.Helper()
	r, err := http.Get(s.page + path)
	if err != nil {
		return ""
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}

// command wants the person's command to know the bench as well.
func (s *stack) command(end events.BenchReported) {
	s.t.Helper()
	out := s.do("run", "--rm", "fiord", "show", "--json", end.Bench)
	if start := strings.IndexByte(out, '{'); start < 0 || !json.Valid([]byte(strings.TrimSpace(out[start:]))) || !strings.Contains(out, end.Bench) {
		s.t.Errorf("fiord show says %s", out)
	}
}
