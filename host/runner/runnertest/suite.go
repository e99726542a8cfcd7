package runnertest

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/host/runner"
)

// Freeze stops every process of a running fio with SIGSTOP, as a fio that hangs
// in the kernel would: no signal but SIGKILL reaches it any more.
type Freeze func(t *testing.T, p runner.Process)

// Suite runs the conformance tests. newRunner makes a runner for a host token;
// runners of one host see each other's leftovers. Nothing but fio is needed in
// a runner's image.
func Suite(t *testing.T, newRunner func(t *testing.T, host string) runner.Runner, freeze Freeze) {
	t.Helper()
	for _, tc := range []struct {
		name string
		test func(t *testing.T, r runner.Runner)
	}{
		{"a run leaves its report and exit status", completes},
		{"progress is seen while fio runs", reportsProgress},
		{"a job that fails keeps what fio said", keepsComplaints},
		{"a stop ends fio early and keeps its report", stopsInTime},
		{"a fio that hangs is killed in time", func(t *testing.T, r runner.Runner) { killsInTime(t, r, freeze) }},
		{"a job file's path may hold spaces", takesSpaces},
		{"variables of the job file are expanded", expandsVariables},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRunner(t, Host(t))
			tc.test(t, r)
			nothingLeft(t, r)
		})
	}
}

// Host is a host token of the test's own, and of this process's: what a
// killed test process left in an engine is not in the next one's way.
func Host(t testing.TB) string {
	t.Helper()
	name := strings.ToLower(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, filepath.Base(t.Name())))
	return name + "-" + strconv.Itoa(os.Getpid())
}

// Job writes a job file into a fresh directory and returns its invocation.
func Job(t testing.TB, run, job string) runner.Invocation {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{runner.LogDir, "data"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, runner.JobFile), []byte(job), 0o644); err != nil {
		t.Fatal(err)
	}
	return runner.Invocation{
		Key: runner.Key{Run: run + "-" + Host(t), Attempt: 1},
		Dir: dir, WorkDir: filepath.Join(dir, "data"),
		Mounts: []runner.Mount{{Path: filepath.Join(dir, "data")}},
	}
}

// Start starts or fails the test.
func Start(t *testing.T, r runner.Runner, inv runner.Invocation) runner.Process {
	t.Helper()
	p, err := r.Start(t.Context(), inv)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() { // whatever the test did, nothing stays
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		left, _ := r.Leftovers(context.Background())
		for _, l := range left {
			_, _ = l.Wait(ctx, nil)
		}
	})
	return p
}

// Wait waits or fails the test.
func Wait(ctx context.Context, t *testing.T, p runner.Process) runner.Exit {
	t.Helper()
	exit, err := p.Wait(ctx, nil)
	if err != nil {
		t.Fatalf("wait: %v", err)
	}
	return exit
}

// Read returns a file of the invocation's directory.
func Read(t testing.TB, inv runner.Invocation, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(inv.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Report decodes as much of fio's report as shows that it is whole.
func Report(t *testing.T, inv runner.Invocation) (version string, jobs int) {
	t.Helper()
	var r struct {
		Version string            `json:"fio version"`
		Jobs    []json.RawMessage `json:"jobs"`
	}
	text := Read(t, inv, runner.OutputFile)
	// What fio says at a signal stands in the report's file before the report.
	if at := strings.Index(text, "{"); at > 0 {
		text = text[at:]
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("report is not JSON: %v\n%s", err, text)
	}
	return r.Version, len(r.Jobs)
}

func nothingLeft(t *testing.T, r runner.Runner) {
	t.Helper()
	left, err := r.Leftovers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range left {
		t.Errorf("left behind: %v", l.Key())
	}
}

func completes(t *testing.T, r runner.Runner) {
	inv := Job(t, "completes", "[a]\nioengine=null\nrw=read\nsize=16m\nwrite_bw_log=${LOGS}/x\nlog_avg_msec=10\n")
	inv.Env = []string{"LOGS=" + filepath.Join(inv.Dir, runner.LogDir)}
	before := time.Now()
	exit := Wait(t.Context(), t, Start(t, r, inv))
	if !exit.OK() || exit.Ended.Before(exit.Started) || exit.Ended.Before(before.Add(-time.Second)) {
		t.Fatalf("exit %+v", exit)
	}
	version, jobs := Report(t, inv)
	if !strings.HasPrefix(version, "fio-3.") || jobs != 1 {
		t.Fatalf("version %q, %d jobs", version, jobs)
	}
	Read(t, inv, "logs/x_bw.1.log")
	d, err := r.Describe(t.Context())
	if err != nil || d.FioVersion != version {
		t.Fatalf("describes %+v, %v; report says %s", d, err, version)
	}
}

func reportsProgress(t *testing.T, r runner.Runner) {
	inv := Job(t, "progress", "[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=8\nrate_iops=1000\n")
	var seen []runner.Progress
	exit, err := Start(t, r, inv).Wait(t.Context(), func(p runner.Progress) { seen = append(seen, p) })
	if err != nil || !exit.OK() {
		t.Fatalf("exit %+v, %v", exit, err)
	}
	if len(seen) < 2 {
		t.Fatalf("saw %d reports in 8 s", len(seen))
	}
	last := seen[len(seen)-1]
	if last.Percent <= seen[0].Percent || last.Read.IOPS < 100 || last.Read.IOPS > 5000 {
		t.Fatalf("saw %+v first and %+v last", seen[0], last)
	}
}

func keepsComplaints(t *testing.T, r runner.Runner) {
	inv := Job(t, "complains", "[a]\nrw=read\nno_such_option=1\n")
	exit := Wait(t.Context(), t, Start(t, r, inv))
	if exit.Code == 0 || exit.Stopped {
		t.Fatalf("exit %+v", exit)
	}
	said := Read(t, inv, runner.StderrFile) + Read(t, inv, runner.OutputFile)
	if !strings.Contains(said, "no_such_option") {
		t.Fatalf("fio's complaint is lost: %q", said)
	}
}

func stopsInTime(t *testing.T, r runner.Runner) {
	inv := Job(t, "stops", endless)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := Start(t, r, inv)
	var asked time.Time
	exit, err := p.Wait(ctx, func(runner.Progress) { // which fio that has its signal handlers reports
		if asked.IsZero() {
			asked = time.Now()
			cancel()
		}
	})
	if err != nil {
		t.Fatalf("wait: %v", err)
	}
	if took := time.Since(asked); !exit.Stopped || took > early {
		t.Fatalf("stopped %v after %v", exit.Stopped, took)
	}
	if _, jobs := Report(t, inv); jobs != 2 {
		t.Fatalf("report has %d jobs", jobs)
	}
}

// early is far less than the minute that an endless job takes, and more than a busy
// machine needs to end it.
const early = 30 * time.Second

const endless = "[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=60\nrate_iops=100\n[b]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=60\nrate_iops=100\n"

func killsInTime(t *testing.T, r runner.Runner, freeze Freeze) {
	inv := Job(t, "hangs", endless)
	p := Start(t, r, inv)
	freeze(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	asked := time.Now()
	exit := Wait(ctx, t, p)
	if took := time.Since(asked); !exit.Stopped || took > early {
		t.Fatalf("stopped %v after %v", exit.Stopped, took)
	}
}

func takesSpaces(t *testing.T, r runner.Runner) {
	inv := Job(t, "spaces", "[a]\nrw=write\nsize=64k\nfilename=a file with spaces\n")
	data := filepath.Join(inv.Dir, "a folder with spaces")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	inv.WorkDir, inv.Mounts = data, []runner.Mount{{Path: data}}
	if exit := Wait(t.Context(), t, Start(t, r, inv)); !exit.OK() {
		t.Fatalf("exit %+v: %s", exit, Read(t, inv, runner.StderrFile))
	}
	if st, err := os.Stat(filepath.Join(data, "a file with spaces")); err != nil || st.Size() != 64<<10 {
		t.Fatalf("measured file: %v, %v", st, err)
	}
}

func expandsVariables(t *testing.T, r runner.Runner) {
	inv := Job(t, "variables", "[a]\nrw=write\nsize=64k\nfilename=${NAME}\n")
	inv.Env = []string{"NAME=from-environment"}
	if exit := Wait(t.Context(), t, Start(t, r, inv)); !exit.OK() {
		t.Fatalf("exit %+v: %s", exit, Read(t, inv, runner.StderrFile))
	}
	if _, err := os.Stat(filepath.Join(inv.WorkDir, "from-environment")); err != nil {
		t.Fatal(err)
	}
}
