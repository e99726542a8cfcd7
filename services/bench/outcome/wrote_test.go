package outcome

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/host/runner"
)

// What fio itself writes, with its exit status thrown away.
func TestWhatFioWroteSaysHowItEnded(t *testing.T) {
	fio, err := exec.LookPath("fio")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v: apt-get install fio", err)
	}
	const null = "[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nrate_iops=100\nruntime="
	for name, tc := range map[string]struct {
		job    string
		signal syscall.Signal
		want   Wrote
	}{
		"all it was to do":      {job: null + "300ms\n", want: Whole},
		"a section's error":     {job: "[a]\nrw=randtrim\nbs=512\nsize=1m\nfilename=n\n", want: Failed},
		"an option unknown":     {job: null + "1\nno_such_option=1\n", want: Unfinished},
		"ended by SIGTERM":      {job: null + "60\n", signal: syscall.SIGTERM, want: Unfinished},
		"ended by SIGINT":       {job: null + "60\n", signal: syscall.SIGINT, want: Unfinished},
		"killed":                {job: null + "60\n", signal: syscall.SIGKILL, want: Unfinished},
		"nothing, being absent": {want: Unfinished},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tc.job != "" {
				write(t, dir, runner.JobFile, tc.job)
				run(t, fio, dir, tc.signal)
			}
			if got := WroteOf(dir); got != tc.want {
				text, _ := os.ReadFile(filepath.Join(dir, runner.OutputFile))
				t.Errorf("%s, want %s: %s", got, tc.want, text)
			}
		})
	}
}

// run runs fio in a folder, and sends it a signal once it measures.
func run(t *testing.T, fio, dir string, signal syscall.Signal) {
	t.Helper()
	argv := runner.Argv(dir, runner.Invocation{})
	cmd := exec.Command(fio, argv[1:]...)
	cmd.Dir = dir
	var files [2]*os.File
	for i, name := range []string{runner.StdoutFile, runner.StderrFile} {
		var err error
		if files[i], err = os.Create(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = files[i].Close() }()
	}
	cmd.Stdout, cmd.Stderr = files[0], files[1]
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if signal != 0 {
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if text, _ := os.ReadFile(files[0].Name()); len(text) > 0 { // progress: its handlers are there
				break
			}
		}
		_ = cmd.Process.Signal(signal)
	}
	_ = cmd.Wait()
}

func TestAReportThatIsCutOffIsUnfinished(t *testing.T) {
	dir := t.TempDir()
	whole := `{
  "fio version" : "fio-3.33",
  "jobs" : [ { "jobname" : "a", "error" : 0, "read" : { "total_ios" : 1 } } ]
}
`
	write(t, dir, runner.OutputFile, whole)
	if got := WroteOf(dir); got != Whole {
		t.Fatalf("%s", got)
	}
	for n := range strings.LastIndex(whole, "}") {
		write(t, dir, runner.OutputFile, whole[:n])
		if got := WroteOf(dir); got != Unfinished {
			t.Errorf("%d bytes of the report: %s", n, got)
		}
	}
}
