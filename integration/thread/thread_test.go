package thread_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/events"
)

// fiordYAML asks for one bench of two points. The job is real I/O on a file.
const fiordYAML = `version: 1
on:
  push: {branches: [main]}
benches:
  - name: randread
    jobs: [jobs/randread.fio]
    matrix: {iodepth: [1, 8]}
`

const jobFile = `[global]
ioengine=libaio
rw=randread
bs=4k
size=16m
runtime=2
time_based=1

[randread]
`

// TestAGitPushBecomesPlots is the whole thread: git push, hook, webhook,
// checkout, placement, a container with fio, artifacts in S3, plots on a page
// in a browser, and a notice.
func TestAGitPushBecomesPlots(t *testing.T) {
	needs(t, map[string]string{
		"git": "apt-get install git", "curl": "apt-get install curl", "openssl": "apt-get install openssl",
		"docker": "apt-get install docker.io", "chromium": "apt-get install chromium",
	})
	needsEngine(t)
	notices := newReceiver(t)
	began := time.Now()
	f := start(t, t.TempDir(), "--bench.runner=docker", "--ingest.checkout.allow_local", "--config", notices.config(t))
	repo := newRepository(t, f)

	commit, says := repo.push(map[string]string{"fiord.yaml": fiordYAML, "jobs/randread.fio": jobFile})
	if !strings.Contains(says, "received") {
		t.Fatalf("the hook says\n%s", says)
	}
	push := await(f, "push.received", func(e event[events.PushReceived]) bool { return e.Data.After == commit })
	report := await(f, "bench.reported", func(e event[events.BenchReported]) bool { return e.CorrelationID == push.ID })
	bench := report.Data.Bench
	if want := (events.Counts{Planned: 2, Completed: 2}); report.Data.Counts != want || report.Data.Verdict != events.VerdictBaseline {
		t.Errorf("verdict %s with %+v, want %s with %+v", report.Data.Verdict, report.Data.Counts, events.VerdictBaseline, want)
	}
	if o := report.Data.Origin; o == nil || o.Commit != commit || o.Repo.Name != "lab/jobs" {
		t.Errorf("origin %+v, want commit %s of lab/jobs", o, commit)
	}
	run := await(f, "run.completed", func(e event[events.RunCompleted]) bool { return e.Data.Bench == bench }).Data

	t.Run("fio ran in a container, which is gone", func(t *testing.T) { checkContainers(t, began, run) })
	t.Run("artifacts are in S3 and whole", func(t *testing.T) { checkArtifacts(t, f, run, report.Data) })
	t.Run("plots are on the page", func(t *testing.T) { checkPages(t, f, report.Data, run) })
	t.Run("somebody was told", func(t *testing.T) { notices.expect(t, bench) })
	t.Run("the chain can be asked for", func(t *testing.T) {
		out, err := f.run("show", bench)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"bench.requested", "bench.placed", "run.completed", "plots.rendered", "bench.reported", "iodepth=8"} {
			if !strings.Contains(out, want) {
				t.Errorf("fiord show has no %q:\n%s", want, out)
			}
		}
	})
}

// checkContainers asks the engine, not fiord.
func checkContainers(t *testing.T, since time.Time, run events.RunCompleted) {
	label := "label=dev.fiord.run=" + run.Run
	out, err := exec.Command("docker", "events", "--since", fmt.Sprint(since.Unix()), "--until", fmt.Sprint(time.Now().Unix()+1),
		"--filter", label, "--filter", "event=start", "--format", "{{.Actor.Attributes.image}}").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) == "" {
		t.Errorf("the engine started no container for run %s: %v %s", run.Run, err, out)
	}
	out, err = exec.Command("docker", "ps", "--all", "--quiet", "--filter", label).CombinedOutput()
	if err != nil || len(out) != 0 {
		t.Errorf("containers are left: %v %s", err, out)
	}
}

// checkArtifacts reads everything the events point at, verified by hash, with
// the rights of the command.
func checkArtifacts(t *testing.T, f *fiord, run events.RunCompleted, report events.BenchReported) {
	c, err := connection.Find("", f.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	store, err := artifacts.Open(t.Context(), c.S3.Artifacts())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	read := func(claim events.ClaimCheck) []byte {
		text, err := store.ReadAll(t.Context(), claim, 16<<20)
		if err != nil {
			t.Errorf("%s: %v", claim.Key, err)
		}
		return text
	}
	names := map[string][]byte{}
	for _, a := range run.Artifacts {
		names[a.Name] = read(a.ClaimCheck)
	}
	for _, want := range []string{"job.fio", "fio.json", "environment.json", "result.json"} {
		if len(names[want]) == 0 {
			t.Errorf("no %s among the artifacts of the run", want)
		}
	}
	if !json.Valid(names["result.json"]) || !strings.Contains(string(names["job.fio"]), "iodepth") {
		t.Errorf("result.json or job.fio is not what was run:\n%s", names["job.fio"])
	}
	if run.Logs == nil {
		t.Fatal("the run has no logs")
	}
	var logs events.LogSet
	if err := json.Unmarshal(read(*run.Logs), &logs); err != nil || len(logs.Logs) == 0 {
		t.Errorf("logs: %+v, %v", logs, err)
	}
	for _, a := range append(logs.Logs, report.Reports...) {
		read(a.ClaimCheck)
	}
}

// receiver is a webhook that is told of benches.
type receiver struct {
	*httptest.Server
	told chan string // bodies
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{told: make(chan string, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		r.told <- string(body)
	}))
	t.Cleanup(r.Close)
	return r
}

// config is a file that makes notify tell the receiver.
func (r *receiver) config(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fiord.yaml")
	text := "notify:\n  targets:\n  - {name: hook, kind: webhook, url: " + r.URL + ", on: [bench.reported]}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// expect waits for the one notice of a bench.
func (r *receiver) expect(t *testing.T, bench string) {
	t.Helper()
	select {
	case body := <-r.told:
		if !strings.Contains(body, bench) {
			t.Errorf("told of something else:\n%s", body)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("nobody was told")
	}
	select {
	case body := <-r.told:
		t.Errorf("told a second time:\n%s", body)
	case <-time.After(time.Second):
	}
}
