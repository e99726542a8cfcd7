package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A job file of a repository brings in nothing from outside of it.
func TestNothingOutsideTheRepositoryIsRead(t *testing.T) {
	dir := t.TempDir()
	repo := filepath.Join(dir, "repo")
	for _, folder := range []string{filepath.Join(repo, ".git"), filepath.Join(repo, "jobs")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	secret := filepath.Join(dir, "secret")
	for path, text := range map[string]string{
		secret:                                      "bs=8k\n",
		filepath.Join(repo, "whole.fio"):            "[a]\nrw=read\nbs=8k\n",
		filepath.Join(repo, "shared.fio"):           "bs=8k\n",
		filepath.Join(repo, "jobs", "inside.fio"):   "[global]\ninclude ../shared.fio\n[a]\nrw=read\n",
		filepath.Join(repo, "jobs", "absolute.fio"): "[global]\ninclude " + secret + "\n[a]\nrw=read\n",
		filepath.Join(repo, "jobs", "above.fio"):    "[global]\ninclude ../../secret\n[a]\nrw=read\n",
		filepath.Join(repo, "jobs", "linked.fio"):   "[global]\ninclude link.fio\n[a]\nrw=read\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"link.fio": secret, "within.fio": filepath.Join("..", "whole.fio"), "folder": dir} {
		if err := os.Symlink(to, filepath.Join(repo, "jobs", link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"inside.fio", "within.fio"} {
		jobs, err := readJobs(strings.NewReader(""), []string{filepath.Join(repo, "jobs", name)}, nil)
		if err != nil || !strings.Contains(string(jobs[0].text), "bs=8k") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"absolute.fio", "above.fio", "linked.fio", "link.fio", "folder/secret"} {
		jobs, err := readJobs(strings.NewReader(""), []string{filepath.Join(repo, "jobs", name)}, nil)
		if err == nil {
			t.Errorf("%s was read: %q", name, jobs[0].text)
		}
	}
}
