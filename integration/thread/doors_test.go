package thread_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

// TestBadInputIsAnsweredAndNothingBreaks knocks at every door with something
// wrong. Each gets a clear answer, or a terminal event with the reason; and the
// same fiord measures a good job afterwards.
func TestBadInputIsAnsweredAndNothingBreaks(t *testing.T) {
	needs(t, map[string]string{"git": "apt-get install git", "curl": "apt-get install curl", "openssl": "apt-get install openssl", "fio": "apt-get install fio"})
	f := start(t, t.TempDir(), "--bench.runner=process", "--ingest.checkout.allow_local")

	t.Run("webhook without a signature", func(t *testing.T) {
		answer(t, f.at.Ingest+"/hooks/git", "application/json", `{}`, http.StatusUnauthorized, "signed")
	})
	t.Run("event without a token", func(t *testing.T) {
		answer(t, f.at.Ingest+"/events", "application/cloudevents+json", `{"specversion":"1.0"}`, http.StatusUnauthorized, "token")
	})
	t.Run("nothing there", func(t *testing.T) {
		answer(t, f.at.Ingest+"/nowhere", "application/json", `{}`, http.StatusNotFound, "")
	})

	repo := newRepository(t, f)
	rejected := func(commit string) event[events.PushRejected] {
		return await(f, "push.rejected", func(e event[events.PushRejected]) bool { return e.Data.After == commit })
	}
	t.Run("fiord.yaml with a misspelling", func(t *testing.T) {
		commit, _ := repo.push(map[string]string{"fiord.yaml": strings.Replace(fiordYAML, "matrix:", "matrx:", 1), "jobs/randread.fio": jobFile})
		expectProblem(t, rejected(commit).Data.Problems, "fiord.yaml", 7, "matrx")
	})
	t.Run("job file that is not there", func(t *testing.T) {
		commit, _ := repo.push(map[string]string{"fiord.yaml": strings.Replace(fiordYAML, "randread.fio", "gone.fio", 1)})
		expectProblem(t, rejected(commit).Data.Problems, "fiord.yaml", 6, "jobs/gone.fio: no such file")
	})
	t.Run("job file that fio does not read", func(t *testing.T) {
		commit, _ := repo.push(map[string]string{"fiord.yaml": fiordYAML, "jobs/randread.fio": jobFile + "no_such_option=1\n"})
		expectProblem(t, rejected(commit).Data.Problems, "jobs/randread.fio", 10, "no_such_option")
	})
	t.Run("event of an unknown type", func(t *testing.T) {
		if out, err := f.run("publish", "bench.wished", "--data", os.DevNull); err == nil {
			t.Errorf("published: %s", out)
		}
	})

	good := filepath.Join(t.TempDir(), "good.fio")
	if err := os.WriteFile(good, []byte("[good]\nioengine=null\nsize=1m\nruntime=2\ntime_based=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := f.run("run", good); err != nil {
		t.Errorf("a good job afterwards: %v\n%s", err, out)
	}
	if out, err := f.run("dead", "ls", "--json"); err != nil || strings.TrimSpace(out) != "[]" {
		t.Errorf("dead letters: %v %s", err, out)
	}
}

// answer posts a body and checks the status and the problem that comes back.
func answer(t *testing.T, url, contentType, body string, status int, want string) {
	t.Helper()
	response, err := http.Post(url, contentType, strings.NewReader(body)) //nolint:gosec // our own server
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != status || !strings.Contains(string(text), want) || response.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d, %s: %s; want %d with %q as a problem", response.StatusCode, response.Header.Get("Content-Type"), text, status, want)
	}
}

func expectProblem(t *testing.T, problems []events.Problem, file string, line int, word string) {
	t.Helper()
	var all []string
	for _, p := range problems {
		if p.File == file && p.Line == line && strings.Contains(p.Message, word) {
			return
		}
		all = append(all, fmt.Sprintf("%+v", p))
	}
	t.Errorf("no problem at %s:%d that names %s:\n%s", file, line, word, strings.Join(all, "\n"))
}
