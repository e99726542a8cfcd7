package lint_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/fetch"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/lint"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "fiord.yaml")
}

// says compares problems with the beginnings of their texts.
func says(t *testing.T, what string, got []events.Problem, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %v, want %d", what, got, len(want))
	}
	for i, p := range got {
		if !strings.Contains(p.String(), want[i]) {
			t.Errorf("%s: %q, want one with %q", what, p, want[i])
		}
	}
}

const good = "[a]\nrw=randread\nsize=1m\n"

func TestFolderWithoutProblems(t *testing.T) {
	path := folder(t, map[string]string{
		"fiord.yaml":      "version: 1\nbenches: [{name: a, jobs: [jobs/a.fio, jobs/b.fio], matrix: {bs: [4k, 8k]}}]\n",
		"jobs/a.fio":      good,
		"jobs/b.fio":      "[global]\ninclude common.inc\n[b]\nrw=read\n",
		"jobs/common.inc": "size=1m\n",
	})
	r, err := lint.Folder(t.Context(), path, lint.Options{})
	if err != nil || len(r.Problems) > 0 || len(r.Unchecked) > 0 {
		t.Errorf("result %+v, error %v", r, err)
	}
}

func TestFolderTellsWhatAPushWouldBeTold(t *testing.T) {
	path := folder(t, map[string]string{
		"fiord.yaml": `version: 1
benches:
  - {name: a, jobs: [none.fio, bad.fio, link.fio], targets: {pool: fast, where: ["system_overload_10min==/[0-2][0-5]/"]}}
  - {name: b, jobs: [bad.fio, good.fio], matrix: {bs: ["4k;rm", "8k"]}}
`,
		"bad.fio": "[a]\nrw=randread\nnosuch=1\n", "good.fio": good,
	})
	if err := os.Symlink("good.fio", filepath.Join(filepath.Dir(path), "link.fio")); err != nil {
		t.Fatal(err)
	}
	policy, err := repos.Parse("repos.yaml", []byte("version: 1\nrules: [{repositories: [lab/jobs]}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	rule, _ := policy.For("git", "lab/jobs")
	r, err := lint.Folder(t.Context(), path, lint.Options{Rule: &rule})
	if err != nil {
		t.Fatal(err)
	}
	says(t, "problems", r.Problems, "fiord.yaml:3:22: none.fio: no such file", "bad.fio:3:",
		"fiord.yaml:3:41: link.fio: not a plain file: link.fio is a symbolic link", `fiord.yaml:3:68: bench "a": pool "fast"`,
		`fiord.yaml:4:56: bench "b", good.fio: set bs=4k;rm`)
	says(t, "advice", r.Advice, `fiord.yaml:3:82: condition`)
}

func TestBrokenConfigurationIsAllThatIsTold(t *testing.T) {
	r, err := lint.Folder(t.Context(), folder(t, map[string]string{"fiord.yaml": "version: 1\n"}), lint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	says(t, "problems", r.Problems, "fiord.yaml:1:1: benches are missing")
	if _, err := lint.Folder(t.Context(), filepath.Join(t.TempDir(), "fiord.yaml"), lint.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestJobsByURL(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/bad.fio" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("rw=read\n"))
	}))
	defer srv.Close()
	path := folder(t, map[string]string{"fiord.yaml": "version: 1\nbenches: [{name: a, jobs: [\"" + srv.URL + "/bad.fio\", \"" + srv.URL + "/none.fio\"]}]\n"})
	r, err := lint.Folder(t.Context(), path, lint.Options{})
	if err != nil || len(r.Problems) > 0 || len(r.Unchecked) != 2 {
		t.Errorf("without fetching: %+v, %v", r, err)
	}
	r, err = lint.Folder(t.Context(), path, lint.Options{Fetch: fetch.New(fetch.Config{AllowHTTP: true, AllowPrivate: true})})
	if err != nil {
		t.Fatal(err)
	}
	says(t, "fetched", r.Problems, "bad.fio:1", "404")
}

func TestFioItselfIsAsked(t *testing.T) {
	fio, err := exec.LookPath("fio")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("fio is not installed: apt-get install fio")
		}
		t.Skip("fio is not installed: apt-get install fio")
	}
	for name, tt := range map[string]struct {
		content string
		want    []string
	}{
		"good":            {good, nil},
		"fio alone minds": {"[a]\nrw=randread\nsize=1m\nioengine=nosuchengine\n", []string{"a.fio"}},
		"value fio minds": {"[a]\nrw=sideways\nsize=1m\n", []string{"a.fio"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.fio")
			if err := os.WriteFile(path, []byte(tt.content), 0o644); err != nil {
				t.Fatal(err)
			}
			r, err := lint.JobFile(t.Context(), path, lint.Options{Fio: fio})
			if err != nil {
				t.Fatal(err)
			}
			says(t, "problems", r.Problems, tt.want...)
		})
	}
	for _, engine := range []string{"external:/tmp/evil.so", "/tmp/evil.so", "${ENGINE}/x"} {
		path := filepath.Join(t.TempDir(), "a.fio")
		if err := os.WriteFile(path, []byte(good+"ioengine="+engine+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if r, err := lint.JobFile(t.Context(), path, lint.Options{Fio: "/nowhere/fio"}); err != nil || strings.Contains(fmt.Sprint(r.Problems), "could not be asked") {
			t.Errorf("%s: fio was asked: %+v, %v", engine, r, err)
		}
	}
	path := folder(t, map[string]string{"a.fio": good})
	r, err := lint.JobFile(t.Context(), filepath.Join(filepath.Dir(path), "a.fio"), lint.Options{Fio: "/nowhere/fio"})
	if err != nil {
		t.Fatal(err)
	}
	says(t, "no fio", r.Problems, "could not be asked")
}

func TestFilesThatGitDoesNotKnowAreAdvised(t *testing.T) {
	path := folder(t, map[string]string{
		"fiord.yaml": "version: 1\nbenches: [{name: a, jobs: [known.fio, new.fio]}]\n",
		"known.fio":  good, "new.fio": "[global]\ninclude common.inc\n" + good, "common.inc": "bs=4k\n",
	})
	r, err := lint.Folder(t.Context(), path, lint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	says(t, "no repository", r.Advice)
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "fiord.yaml", "known.fio"}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = filepath.Dir(path)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	if r, err = lint.Folder(t.Context(), path, lint.Options{}); err != nil || len(r.Problems) > 0 {
		t.Fatalf("problems %v, error %v", r.Problems, err)
	}
	says(t, "advice", r.Advice, "common.inc: git does not know the file", "new.fio: git does not know the file")
}
