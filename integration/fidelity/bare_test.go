package fidelity

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/host/runner"
)

const image = "fiord-fio:latest"

// needsEngine wants a Docker engine that has the image fiord-fio.
func needsEngine(t *testing.T) {
	t.Helper()
	out, err := exec.Command("docker", "image", "inspect", image, "--format", "{{.Id}}").CombinedOutput()
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatalf("no Docker engine with the image %s: %s", image, out)
	default:
		t.Skipf("no Docker engine with the image %s: run scripts/setup: %s", image, out)
	}
}

// logPrefix finds where fiord has a job write its logs: its attempt's folder.
var logPrefix = regexp.MustCompile(`(?m)^write_bw_log=(.*)/` + runner.LogDir + `/`)

// own makes the job file that fiord ran one of another folder.
func own(t *testing.T, ran []byte, dir string) string {
	t.Helper()
	found := logPrefix.FindSubmatch(ran)
	if found == nil {
		t.Fatalf("fiord ran a job without logs:\n%s", ran)
	}
	return strings.ReplaceAll(string(ran), string(found[1]), dir)
}

// bare runs a job in a plain container of the same image, in a working
// directory, and returns fio's report. job is given the folder for its logs.
func bare(t *testing.T, work string, job func(dir string) string) []byte {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, runner.JobFile)
	if err := os.Mkdir(filepath.Join(dir, runner.LogDir), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(job(dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "docker", "run", "--rm", "--network=none",
		"--user", fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid()), "--workdir", work, "--entrypoint", "fio",
		"--volume", dir+":"+dir, "--volume", work+":"+work, image,
		"--output="+filepath.Join(dir, runner.OutputFile), "--output-format=json+", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("docker run: %v\n%s", err, out)
	}
	report, err := os.ReadFile(filepath.Join(dir, runner.OutputFile))
	if err != nil {
		t.Fatal(err)
	}
	return report
}
