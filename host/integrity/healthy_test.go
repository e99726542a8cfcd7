package integrity

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/result"
)

// Jobs of several sections, with a prefill or with fio's own search for a depth
// were held for broken. Nothing is wrong with them.
func TestHealthyJobsAreNotMarked(t *testing.T) {
	if _, err := exec.LookPath("fio"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v: apt-get install fio", err)
	}
	paths, err := filepath.Glob("testdata/healthy/*.fio")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%v, %v", paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			got := judgedRun(t, path)
			for _, f := range got.Findings {
				// A small sync job may end within a second; that is told of any.
				if f.Check != "short_run" {
					t.Errorf("%s: %s: %s (section %q)", f.State, f.Check, f.Evidence, f.Section)
				}
			}
			if t.Failed() || got.State != events.IntegrityOK && len(got.Findings) == 0 {
				t.Errorf("state %s", got.State)
			}
		})
	}
}

// judgedRun runs a job as a worker does, with its logs, and judges it.
func judgedRun(t *testing.T, path string) events.Integrity {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := job.Parse(filepath.Base(path), text, job.Config{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	if err := os.Mkdir(logs, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := file.AddLogs(job.Logs{Prefix: filepath.Join(logs, "fio"), AvgMsec: 500, NoLatency: true, HistMsec: 1000, HistCoarseness: 2}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "job.fio"), file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("fio", "--output-format=json+", "job.fio")
	cmd.Dir = dir
	report, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	out, err := result.Parse(report)
	if err != nil {
		t.Fatal(err)
	}
	return Judge(Evidence{Job: file, Output: out, Logs: logs})
}

func TestWritesOfPartsOfPagesAreRead(t *testing.T) {
	for text, want := range map[string]bool{
		"bs=2300": false, "bs=4k": true, "bs=4k,2300": false, "bsrange=4k-8k": false, "rw=write": true, "bs=64k": true,
	} {
		file, err := job.Parse("j", []byte("[a]\nrw=write\n"+text+"\n"), job.Config{})
		if err != nil {
			t.Fatal(err)
		}
		j := judge{Evidence: Evidence{Job: file}}
		if got := j.wholePages(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
