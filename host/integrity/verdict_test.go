package integrity

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/result"
)

// measured runs real fio on a job, with the logs that a worker adds, lets
// meddle have its way with the logs, and judges.
func measured(t *testing.T, text string, during func(main *os.Process), meddle func(logs string)) events.Integrity {
	t.Helper()
	if _, err := exec.LookPath("fio"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v: apt-get install fio", err)
	}
	dir := t.TempDir()
	file, err := job.Parse("job.fio", []byte(text), job.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.AddLogs(job.Logs{Prefix: filepath.Join(dir, "fio"), AvgMsec: 100}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "job.fio"), file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd := exec.Command("fio", "--output=report.json", "--output-format=json+", "job.fio")
	cmd.Dir, cmd.Stderr = dir, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if during != nil {
		during(cmd.Process)
	}
	_ = cmd.Wait() // failing jobs are judged too
	if meddle != nil {
		meddle(dir)
	}
	report, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	output, err := result.Parse(report)
	if err != nil {
		t.Fatal(err)
	}
	return Judge(Evidence{Job: file, Output: output, Logs: dir, Stderr: stderr.String()})
}

func want(t *testing.T, got events.Integrity, state events.IntegrityState, check, evidence string) {
	t.Helper()
	if got.State != state {
		t.Errorf("state %s, want %s: %+v", got.State, state, got.Findings)
	}
	for _, f := range got.Findings {
		if f.Check == check && strings.Contains(f.Evidence, evidence) {
			return
		}
	}
	t.Errorf("no finding %s with %q: %+v", check, evidence, got.Findings)
}

const steady = "ioengine=null\nrw=randrw\nbs=4k\nsize=1g\ntime_based\nruntime=2\n"

func TestAnHonestRunIsOK(t *testing.T) {
	got := measured(t, "[global]\n"+steady+"thread\n[a]\n[b]\nnumjobs=2\n", nil, nil)
	if got.State != events.IntegrityOK {
		t.Fatalf("%+v", got)
	}
}

func TestAKilledJobIsInvalidThoughFioSaysZero(t *testing.T) {
	got := measured(t, "[a]\n"+steady+"rate_iops=1000,1000\n[b]\n"+steady+"rate_iops=1000,1000\n", func(main *os.Process) {
		for range 200 {
			time.Sleep(50 * time.Millisecond)
			if jobs := childrenOf(t, main.Pid); len(jobs) >= 2 {
				time.Sleep(300 * time.Millisecond)
				_ = syscall.Kill(jobs[0], syscall.SIGKILL)
				return
			}
		}
	}, nil)
	want(t, got, events.IntegrityInvalid, "fio_errors", "got signal=9")
}

func TestAShortTimedJobIsTold(t *testing.T) {
	got := measured(t, "[a]\n"+strings.Replace(steady, "runtime=2", "runtime=20", 1), func(main *os.Process) {
		time.Sleep(2500 * time.Millisecond)
		_ = main.Signal(syscall.SIGINT)
	}, nil)
	want(t, got, events.IntegritySuspect, "short_run", "of its 20s")
}

func TestARunOfAMomentSaysLittle(t *testing.T) {
	want(t, measured(t, "[a]\nioengine=null\nrw=read\nsize=1m\n", nil, nil), events.IntegritySuspect, "short_run", "too short")
}

func TestLogsThatDisagreeAreTold(t *testing.T) {
	got := measured(t, "[a]\n"+steady, nil, func(logs string) {
		path := filepath.Join(logs, "fio_iops.1.log")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(string(text), "\n")
		if err := os.WriteFile(path, []byte(strings.Join(lines[:len(lines)/2], "")), 0o644); err != nil {
			t.Fatal(err)
		}
	})
	want(t, got, events.IntegritySuspect, "log_mismatch", "the summary says")
}

func TestAStallIsFoundThoughFiosAveragesHideIt(t *testing.T) {
	got := measured(t, "[a]\n"+strings.Replace(steady, "runtime=2", "runtime=5", 1)+"thread\n", func(main *os.Process) {
		time.Sleep(2 * time.Second)
		_ = main.Signal(syscall.SIGSTOP) // as a device that does not answer
		time.Sleep(2 * time.Second)
		_ = main.Signal(syscall.SIGCONT)
	}, nil)
	want(t, got, events.IntegritySuspect, "stall", "nothing completed for")
}

func TestASilenceIsOnPurposeIfTheJobSaysSo(t *testing.T) {
	for options, want := range map[string]bool{
		"":                                    false,
		"rate_iops=100":                       false, // ten milliseconds between two
		"rate_iops=5":                         true,
		"rate_iops=5000,5":                    true, // the writes are slow
		"rate_iops=5000,0":                    false,
		"rate_iops=0":                         true, // who knows
		"rate_iops=1k":                        true,
		"rate_iops=100\nthinktime=1000":       true,
		"rate=1m":                             true,
		"startdelay=1":                        true,
		"rate_iops=100\nrate_process=poisson": false,
	} {
		file, err := job.Parse("j", []byte("[a]\nrw=read\n"+options+"\n"), job.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if got := paused(file.Jobs()[0], 2*time.Second); got != want {
			t.Errorf("%q: %v", options, got)
		}
	}
}

func TestErrorsAndNoiseComeWithTheirEvidence(t *testing.T) {
	output := &result.Output{
		Version: "fio-3.33", Cut: true,
		Noise: []result.Noise{{Text: "note: both iodepth >= 1 and synchronous I/O engine are selected"}, {Text: "fio: io_u error on file x: Input/output error"}},
		Jobs: []result.Job{
			{Name: "broken", Error: 5, Read: result.Direction{IOs: 10, RuntimeMS: 2000}},
			{Name: "patched", Errors: 3, Write: result.Direction{IOs: 10, ShortIOs: 2, RuntimeMS: 2000}},
			{Name: "restless", Steady: &result.SteadyState{Criterion: "iops_slope:0.3%"}},
		},
	}
	file, err := job.Parse("j", []byte("[broken]\nsize=1\n"), job.Config{})
	if err != nil {
		t.Fatal(err)
	}
	got := Judge(Evidence{Job: file, Output: output, Logs: t.TempDir()})
	for check, evidence := range map[string]string{
		"cut": "middle of a document", "noise": "Input/output error", "not_steady": "iops_slope:0.3%",
	} {
		want(t, got, events.IntegrityInvalid, check, evidence)
	}
	want(t, got, events.IntegrityInvalid, "fio_errors", "broken ended with error 5")
	want(t, got, events.IntegrityInvalid, "fio_errors", "patched went on after 3 errors")
	for _, f := range got.Findings {
		if strings.Contains(f.Evidence, "note:") {
			t.Errorf("advice counts as noise: %+v", f)
		}
	}
}
