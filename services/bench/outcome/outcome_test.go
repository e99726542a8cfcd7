package outcome

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/services/bench/cancellation"
)

func TestAnExitIsNamedByWhatEndedFio(t *testing.T) {
	cancelled := &cancellation.Error{Reason: "superseded", By: "ada"}
	for name, tc := range map[string]struct {
		exit  runner.Exit
		cause error
		want  string // in the reason; "" for a run that ended well or was cancelled
	}{
		"well":                  {exit: runner.Exit{}},
		"with a status":         {exit: runner.Exit{Code: 3}, want: "exit status 3"},
		"by a signal":           {exit: runner.Exit{Code: -1, Signal: "SIGSEGV"}, want: "ended by SIGSEGV"},
		"for lack of memory":    {exit: runner.Exit{Code: -1, Signal: "SIGKILL", OutOfMem: true}, want: "limits.memory is 1MiB: raise it in the bench"},
		"unseen":                {exit: runner.Exit{}.Lost("its worker was gone"), want: "fio was lost: its worker was gone"},
		"at its timeout":        {exit: runner.Exit{Stopped: true}, cause: ErrTimeout, want: "longer than its timeout of 1m0s"},
		"for its logs":          {exit: runner.Exit{Stopped: true}, cause: ErrTooLarge, want: ErrTooLarge.Error()},
		"on request":            {exit: runner.Exit{Stopped: true}, cause: cancelled},
		"well, then cancelled":  {exit: runner.Exit{}, cause: cancelled},
		"for some other reason": {exit: runner.Exit{Stopped: true}, cause: errors.New("the disk is full"), want: "the disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Of(tc.exit, tc.cause, events.Limits{Memory: 1 << 20}, time.Minute)
			if (tc.want == "") != (got.Reason == "") || !strings.Contains(got.Reason, tc.want) {
				t.Errorf("reason %q, want %q", got.Reason, tc.want)
			}
			if stopped := tc.exit.Stopped && errors.Is(tc.cause, cancelled); stopped != (got.Cancelled != nil) {
				t.Errorf("cancelled: %v", got.Cancelled)
			}
		})
	}
}

func TestALimitOfTheHostsIsNamed(t *testing.T) {
	got := Of(runner.Exit{OutOfMem: true, Memory: 96 << 20}, nil, events.Limits{}, time.Minute)
	if want := "this host gives a container 96MiB: its owner allows more in bench.max_memory"; !strings.Contains(got.Reason, want) {
		t.Errorf("reason %q, want %q", got.Reason, want)
	}
}

func TestAFailureCarriesFiosOwnWords(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, runner.StderrFile, "fio: looks like your file system does not support direct=1/buffered=0\nsecond line\n")
	a := Attempt{Dir: dir, RunRef: events.RunRef{Run: "run", Attempt: 2}}
	data, err := a.Terminal(Of(runner.Exit{Code: 1}, nil, events.Limits{}, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	failed, ok := data.(events.RunFailed)
	if !ok || failed.Run != "run" || failed.Attempt != 2 || failed.ExitCode == nil || *failed.ExitCode != 1 {
		t.Fatalf("%+v", data)
	}
	if want := "fio failed with exit status 1: looks like your file system does not support direct=1/buffered=0"; failed.Reason != want {
		t.Errorf("reason %q, want %q", failed.Reason, want)
	}
	if !strings.HasSuffix(failed.Stderr, "second line") {
		t.Errorf("stderr %q", failed.Stderr)
	}
}

func TestARunWithoutAReportHasFailed(t *testing.T) {
	data, err := Attempt{Dir: t.TempDir()}.Terminal(Of(runner.Exit{}, nil, events.Limits{}, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if failed, ok := data.(events.RunFailed); !ok || !strings.Contains(failed.Reason, "left no report") || *failed.ExitCode != 0 {
		t.Errorf("%+v", data)
	}
}

func TestWhatIsKeptIsWhatHoldsSomething(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, runner.JobFile, "[a]\n")
	write(t, dir, runner.StderrFile, "")
	write(t, dir, "strange", "not ours")
	write(t, dir, runner.LogDir+"/fio_bw.1.log", "1, 2, 0, 4096\n")
	write(t, dir, runner.LogDir+"/fio_iops.1.log", "")
	if err := os.Symlink(filepath.Join(dir, "strange"), filepath.Join(dir, runner.LogDir, "link.log")); err != nil {
		t.Fatal(err)
	}
	files, err := Files(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Name)
	}
	if want := runner.JobFile + " " + runner.LogDir + "/fio_bw.1.log"; strings.Join(got, " ") != want {
		t.Errorf("kept %v, want %s", got, want)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}
