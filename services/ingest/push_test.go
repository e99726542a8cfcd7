package ingest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/ingest"
)

// outcome is what a push leads to.
var outcome = []events.Type{events.TypeBenchRequested, events.TypePushRejected, events.TypePushIgnored}

func TestPushesThatAskForNothing(t *testing.T) {
	s := newSite(t)
	c := s.repository("jobs", s.replica(nil))
	ignored := func(says string) {
		t.Helper()
		got := data[events.PushIgnored](t, s.await(outcome...))
		if !strings.Contains(got.Reason, says) {
			t.Errorf("reason %q, want one saying %q", got.Reason, says)
		}
	}
	c.write("README", "nothing here")
	c.push("refs/heads/main", "No configuration")
	ignored("has no fiord.yaml")

	c.write("fiord.yaml", "version: 1\non: {push: {branches: [main], paths: [\"jobs/**\"]}}\nbenches: [{name: a, jobs: [jobs/randread.fio]}]\n")
	c.write("jobs/randread.fio", jobFile)
	c.push("refs/heads/main", "Skip this [skip fiord]")
	ignored("[skip fiord]")

	c.push("refs/heads/other", "Another branch")
	ignored("other matches none of main")

	c.write("README", "changed")
	c.push("refs/heads/main", "Another path")
	ignored("none of the 1 changed paths matches jobs/**")

	c.push("refs/tags/v1", "A tag")
	ignored("on.push.tags is not set")

	run(t, c.dir, "git", "push", "--quiet", "origin", ":refs/heads/other")
	ignored("refs/heads/other was deleted")

	c.write("jobs/randread.fio", jobFile+"bs=8k\n")
	c.push("refs/heads/main", "The path")
	data[events.BenchRequested](t, s.await(outcome...))
}

func TestPushesThatAreRejected(t *testing.T) {
	s := newSite(t)
	c := s.repository("jobs", s.replica(nil))
	tests := []struct {
		name  string
		files map[string]string
		want  []string // file:line:column: message, one per problem
	}{
		{"broken configuration", map[string]string{"fiord.yaml": "version: 1\nbenches:\n  - name: a\n    job: [a.fio]\n"},
			[]string{`fiord.yaml:3:5: benches[0].jobs is empty`, `fiord.yaml:4:5: there is no "job" here: did you mean "jobs"?`}},
		{"missing job file", map[string]string{"fiord.yaml": fiordYML}, []string{"fiord.yaml:4:12: jobs/randread.fio: no such file"}},
		{"broken job file", map[string]string{"fiord.yaml": fiordYML, "jobs/randread.fio": "[a]\nrw=randread\nnosuchoption=1\n"},
			[]string{"jobs/randread.fio:3:"}},
		{"everything at once", map[string]string{"fiord.yaml": "version: 1\nbenches:\n  - {name: a, jobs: [none.fio, jobs/randread.fio]}\n", "jobs/randread.fio": "rw=randread\n"},
			[]string{"fiord.yaml:3:22: none.fio: no such file", "jobs/randread.fio:1"}},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, c.dir, "sh", "-c", "rm -rf fiord.yaml jobs")
			for name, content := range tt.files {
				c.write(name, content)
			}
			c.push(fmt.Sprintf("refs/heads/b%d", i), tt.name)
			got := data[events.PushRejected](t, s.await(outcome...))
			if len(got.Problems) != len(tt.want) {
				t.Fatalf("problems %v, want %d", got.Problems, len(tt.want))
			}
			for i, p := range got.Problems {
				if !strings.HasPrefix(p.String(), tt.want[i]) {
					t.Errorf("problem %q, want %q…", p, tt.want[i])
				}
			}
		})
	}
}

func TestSymbolicLinkToASecretIsRejected(t *testing.T) {
	s := newSite(t)
	c := s.repository("jobs", s.replica(nil))
	c.write("fiord.yaml", "version: 1\nbenches: [{name: a, jobs: [a.fio]}]\n")
	if err := os.Symlink("/etc/passwd", filepath.Join(c.dir, "a.fio")); err != nil {
		t.Fatal(err)
	}
	c.push("refs/heads/main", "Steal")
	got := data[events.PushRejected](t, s.await(outcome...))
	if !strings.Contains(got.Problems[0].Message, "symbolic link") {
		t.Errorf("problems %v", got.Problems)
	}
}

func TestIncludesAreStoredWithTheJob(t *testing.T) {
	s := newSite(t)
	c := s.repository("jobs", s.replica(nil))
	c.write("fiord.yaml", "version: 1\nbenches: [{name: a, jobs: [jobs/a.fio]}]\n")
	c.write("jobs/a.fio", "[global]\ninclude common.fio\n[a]\nrw=read\n")
	c.write("jobs/common.fio", "size=1m\n")
	c.push("refs/heads/main", "Include")
	bench := data[events.BenchRequested](t, s.await(outcome...))
	if got, want := artifactstest.Read(t, s.store, *bench.Jobs[0].Claim), "[global]\n; include common.fio\nsize=1m\n[a]\nrw=read\n"; got != want {
		t.Errorf("stored %q, want %q", got, want)
	}
}

// A job file may leave values to the bench, and the run shows which they were.
func TestVariablesOfABenchAreWrittenIntoItsJobs(t *testing.T) {
	s := newSite(t)
	c := s.repository("jobs", s.replica(nil))
	c.write("fiord.yaml", "version: 1\nbenches:\n  - {name: a, jobs: [a.fio], vars: {SIZE: 1m}}\n  - {name: b, jobs: [a.fio], vars: {SIZE: 2m}}\n")
	c.write("a.fio", "[a]\nrw=read\nsize=${SIZE}\n")
	c.push("refs/heads/main", "Variables")
	got := map[string]string{}
	for range 2 {
		bench := data[events.BenchRequested](t, s.await(outcome...))
		got[bench.Name] = artifactstest.Read(t, s.store, *bench.Jobs[0].Claim)
	}
	for name, size := range map[string]string{"a": "1m", "b": "2m"} {
		if want := "[a]\nrw=read\nsize=" + size + "\n; variables: SIZE=" + size + "\n"; got[name] != want {
			t.Errorf("bench %s: %q, want %q", name, got[name], want)
		}
	}
	c.write("a.fio", "[a]\nrw=read\nsize=1m\nfilename=${HOME}x\n") // the service has one, which is nothing to a job
	c.write("fiord.yaml", "version: 1\nbenches: [{name: a, jobs: [a.fio], vars: {OTHER: 1m}}]\n")
	c.push("refs/heads/main", "Without a value")
	rejected := data[events.PushRejected](t, s.await(outcome...))
	if p := rejected.Problems[0]; p.File != "a.fio" || p.Line != 4 || !strings.Contains(p.Message, "vars in fiord.yaml") {
		t.Errorf("%+v", rejected.Problems)
	}
}

func TestJobsByURL(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/seq.fio" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("[seq]\nrw=read\nsize=1m\n"))
	}))
	defer srv.Close()
	s := newSite(t)
	c := s.repository("jobs", s.replica(nil))
	c.write("fiord.yaml", "version: 1\nbenches: [{name: a, jobs: [\""+srv.URL+"/seq.fio\"]}]\n")
	c.push("refs/heads/main", "By URL")
	bench := data[events.BenchRequested](t, s.await(outcome...))
	if got := artifactstest.Read(t, s.store, *bench.Jobs[0].Claim); got != "[seq]\nrw=read\nsize=1m\n" || bench.Jobs[0].Name != srv.URL+"/seq.fio" {
		t.Errorf("job %+v: %q", bench.Jobs[0], got)
	}
	c.write("fiord.yaml", "version: 1\nbenches: [{name: a, jobs: [\""+srv.URL+"/none.fio\"]}]\n")
	c.push("refs/heads/main", "By a wrong URL")
	if got := data[events.PushRejected](t, s.await(outcome...)); !strings.Contains(got.Problems[0].Message, "404") {
		t.Errorf("problems %v", got.Problems)
	}
}

func TestPolicyBoundsWhatAPushAsksFor(t *testing.T) {
	s := newSite(t)
	policy := filepath.Join(s.dir, "repos.yaml")
	writeFile(t, policy, "version: 1\nrules:\n- {repositories: [lab/jobs], pools: [slow], max_timeout: 5m}\n", 0o600)
	url := s.replica(func(cfg *ingest.Config) { cfg.ReposFile = policy })
	c := s.repository("jobs", url)
	c.write("jobs/randread.fio", jobFile)
	c.write("fiord.yaml", "version: 1\nbenches:\n- {name: a, jobs: [jobs/randread.fio], targets: {pool: fast}, timeout: 1h}\n")
	c.push("refs/heads/main", "Too much")
	got := data[events.PushRejected](t, s.await(outcome...))
	if len(got.Problems) != 2 || got.Problems[0].File != "fiord.yaml" || got.Problems[0].Rule != "policy" || !strings.Contains(got.Problems[0].Message, `pool "fast"`) {
		t.Errorf("problems %v", got.Problems)
	}
	c.write("fiord.yaml", "version: 1\nbenches:\n- {name: a, jobs: [jobs/randread.fio], targets: {pool: slow}}\n")
	c.push("refs/heads/main", "Within")
	if bench := data[events.BenchRequested](t, s.await(outcome...)); bench.Timeout.Std().Minutes() != 5 {
		t.Errorf("timeout %v, want the policy's", bench.Timeout)
	}
	if _, output := s.repository("other", url).push("refs/heads/main", "Not listed"); !strings.Contains(output, "status 403") {
		t.Errorf("the pusher saw\n%s", output)
	}
}

// A file that cannot be used must not lock everybody out, and one that can is
// used without a restart.
func TestKeysAreReadAgain(t *testing.T) {
	s := newSite(t)
	file := filepath.Join(s.dir, "keys.yaml")
	rotate := func(content string) { writeFile(t, file, content, 0o600) }
	rotate("version: 1\nwebhooks: []\n")
	url := s.replica(func(cfg *ingest.Config) { cfg.KeysFile = file })
	c := s.repository("jobs", url)
	status := func() int {
		code, _ := post(t, url+"/events", "{}", map[string]string{"Authorization": "Bearer token-of-a-new-script", "Content-Type": "application/cloudevents+json"})
		return code
	}
	if got := status(); got != http.StatusUnauthorized {
		t.Fatalf("status %d before the token is there", got)
	}
	eventually(t, func() bool {
		rotate("version: 1\nevents: [{id: new, token: token-of-a-new-script}]\n")
		return status() == http.StatusUnprocessableEntity // let in, and understood as nonsense
	})
	rotate("version: 1\nnonsense: true\n")
	if _, output := c.push("refs/heads/main", "Still known"); !strings.Contains(output, "received") {
		t.Errorf("a broken file locked the hook out:\n%s", output)
	}
}

// A forge that was away once kept the pushes of all other forges waiting.
func TestForgeThatIsAwayHoldsUpNobodyElse(t *testing.T) {
	s := newSite(t)
	away := atomic.Bool{}
	away.Store(true)
	forge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		http.NotFound(w, r)
	}))
	defer forge.Close()
	url := s.replica(func(c *ingest.Config) { c.Checkouts = 1 })
	for i := range 3 {
		status, answer := gitHubPush(t, url, &clone{dir: "elsewhere", bare: forge.URL}, "refs/heads/main", commitID(int64(i)), commitID(int64(i+1)))
		if status != 202 {
			t.Fatalf("status %d: %s", status, answer)
		}
	}
	c := s.repository("jobs", url)
	c.write("fiord.yaml", fiordYML)
	c.write("jobs/randread.fio", jobFile)
	c.push("refs/heads/main", "Of another forge")
	data[events.BenchRequested](t, s.await(outcome...))
	away.Store(false)
	if got := data[events.PushRejected](t, s.await(outcome...)); !strings.Contains(got.Problems[0].Message, "access denied") {
		t.Errorf("problem %v once the forge answers", got.Problems)
	}
}
