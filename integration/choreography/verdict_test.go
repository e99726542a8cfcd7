package choreography_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// rateJob does so many I/Os per second.
func rateJob(rate int, runtime string) string {
	return "[r]\nioengine=null\nrw=randread\nsize=1g\ntime_based\nruntime=" + runtime + "\nrate_iops=" + strconv.Itoa(rate) + "\n"
}

// judged asks for a bench of a job in a commit's name that says nothing of
// confirmation.
func (w *world) judged(job, commit string) events.BenchReported {
	w.t.Helper()
	return ended[events.BenchReported](w, w.requestJudged(job, commit))
}

func (w *world) requestJudged(job, commit string) (bench string) {
	w.t.Helper()
	return w.request(job, func(r *events.BenchRequested) {
		r.Repeat = 5
		r.Compare = &events.Compare{Baseline: "main", Metrics: []string{"iops"}, Threshold: "5%"}
		r.Origin = &events.Origin{
			Repo: events.Repo{Forge: "git", Name: "lab/jobs", CloneURL: "https://forge.example/lab/jobs"},
			Ref:  "refs/heads/main", Commit: strings.Repeat(commit, 40),
		}
	})
}

// A job that is rate-limited to do 10% less is found, and confirmed with both job
// files in turn without anyone asking for that.
func TestAJobThatIsTenPercentSlowerIsFoundAndConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inventory(nil)
	w.plot()
	w.worker(w.workerConfig("limited"))
	if first := w.judged(rateJob(2000, "1100ms"), "a"); first.Verdict != events.VerdictBaseline {
		t.Fatalf("the first was reported %s: %s", first.Verdict, first.Headline)
	}
	w.settled()
	slower := w.judged(rateJob(1800, "1100ms"), "b")
	if c := slower.Confirmation; slower.Verdict != events.VerdictRegressed || c == nil || c.Outcome != events.OutcomeConfirmed {
		t.Fatalf("reported %s %+v: %s", slower.Verdict, c, slower.Headline)
	}
	if c := slower.Comparisons[0]; c.Change > -0.08 || c.Change < -0.12 {
		t.Errorf("the change is %+.1f%%, want about -10%%", 100*c.Change)
	}
}

// Every repeat of a bench hangs for two of its five seconds: that is no unchanged
// bench, although the rest of each second may make up for it.
func TestAStoppedJobIsNotCalledUnchanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inventory(nil)
	w.plot()
	cfg := w.workerConfig("stopped")
	w.worker(cfg)
	job := rateJob(2000, "5s")
	if first := w.judged(job, "a"); first.Verdict != events.VerdictBaseline {
		t.Fatalf("the first was reported %s: %s", first.Verdict, first.Headline)
	}
	w.settled()
	bench := w.requestJudged(job, "b")
	stopped := 0
	for stopped < 5 {
		started := await[events.RunStarted](w, bench, stopped+1)[stopped]
		time.Sleep(1500 * time.Millisecond) // into its runtime
		pids := fioOf(t, started.Run, filepath.Dir(cfg.StateDir))
		if len(pids) == 0 {
			t.Fatalf("no fio of run %s is there to be stopped", started.Run)
		}
		signalAll(t, pids, syscall.SIGSTOP)
		time.Sleep(2 * time.Second)
		signalAll(t, pids, syscall.SIGCONT)
		stopped++
	}
	report := ended[events.BenchReported](w, bench)
	t.Logf("%s: %s", report.Verdict, report.Headline)
	if report.Verdict != events.VerdictRegressed || !strings.Contains(report.Headline, "stall") {
		t.Errorf("reported %s: %s", report.Verdict, report.Headline)
	}
}

// fioOf are the processes of a run's fio: those called fio whose command line or
// working folder lies in the worker's own.
func fioOf(t *testing.T, run, dir string) []int {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, name := range found {
		comm, err := os.ReadFile(name)
		if err != nil || strings.TrimSpace(string(comm)) != "fio" {
			continue
		}
		proc := filepath.Dir(name)
		line, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		folder, _ := os.Readlink(filepath.Join(proc, "cwd"))
		if !strings.Contains(string(line)+folder, dir) && !strings.Contains(string(line)+folder, run) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(proc))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

func signalAll(t *testing.T, pids []int, signal syscall.Signal) {
	t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, signal); err != nil && err != syscall.ESRCH { //nolint:errorlint // of the system call itself
			t.Error(err)
		}
	}
}
