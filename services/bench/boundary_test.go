package bench

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/services/bench/attempt"
)

const halfSecond = "[k]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=500ms\nrate_iops=100\n"

// boundaries are where a worker dies: at the beginning of each phase, and when
// fio has just written its report, which is when its exit status gets lost.
var boundaries = []attempt.Phase{attempt.Planned, attempt.Admitted, attempt.Begun, attempt.Started, attempt.Exited, attempt.Committed}

func TestAWorkerKilledAtEachBoundaryOfARunLeavesItsResult(t *testing.T) {
	for _, kind := range []string{"process", "docker"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, m := newMortalWorld(t, kind)
			r := w.runnerOf(m.Config)
			var worker *exec.Cmd
			for _, phase := range boundaries {
				m.Dies, m.Marks = phase, t.TempDir()
				worker = w.spawn(m)
				list := w.request(bench{host: m.Config.Host, jobs: []string{halfSecond}})
				_ = worker.Wait()
				if _, err := os.Stat(filepath.Join(m.Marks, "died")); err != nil {
					t.Fatalf("the worker did not die at %s: %v", phase, err)
				}
				worker = w.spawn(m)
				w.completed(list, phase.String())
				_ = worker.Process.Kill()
				_ = worker.Wait()
			}
			worker = w.spawn(m)
			w.emptied(m.Config)
			_ = worker.Process.Kill()
			_ = worker.Wait()
			nothingElse(t, w, m.Config, r)
		})
	}
}

// completed fails the test if the only run of a list ended otherwise.
func (w *world) completed(list events.RunList, killed string) events.RunCompleted {
	w.t.Helper()
	end := w.end(list.Runs[0])
	done, ok := end.Data.(events.RunCompleted)
	if !ok {
		w.t.Errorf("killed at %s, the run ended with %s: %+v", killed, end.Type, end.Data)
		return done
	}
	if done.StartedAt.IsZero() || done.EndedAt.Before(done.StartedAt) || done.Summary.Read == nil {
		w.t.Errorf("killed at %s, the run lasted from %s to %s: %+v", killed, done.StartedAt, done.EndedAt, done.Summary)
	}
	return done
}

// A fio that had ended well was taken as failed, with "exit status -1", by the
// next worker, which had seen it run and not how it ended.
func TestAWorkerKilledWhenFioHasWrittenItsReportLosesNothing(t *testing.T) {
	for _, kind := range []string{"process", "docker"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w, m := newMortalWorld(t, kind)
			w.runnerOf(m.Config)
			worker := w.spawn(m)
			for range kills(t) {
				list := w.request(bench{host: m.Config.Host, jobs: []string{halfSecond}})
				w.reported(m.Config, list)
				time.Sleep(time.Duration(rand.Int64N(int64(10 * time.Millisecond))))
				_ = worker.Process.Kill()
				_ = worker.Wait()
				worker = w.spawn(m)
				done := w.completed(list, "its report")
				t.Logf("attempt %d, %v", done.Attempt, done.Integrity.Findings)
			}
		})
	}
}

// reported waits until the first fio of a run has begun to write its report, or
// its folder has gone again.
func (w *world) reported(cfg Config, list events.RunList) {
	w.t.Helper()
	dir := filepath.Join(cfg.StateDir, "spool", list.Runs[0].Run+".1")
	for begun, end := false, time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatal("fio writes no report")
		}
		_, err := os.Stat(dir)
		if begun && err != nil {
			return
		}
		begun = begun || err == nil
		if info, err := os.Stat(filepath.Join(dir, runner.OutputFile)); err == nil && info.Size() > 0 {
			return
		}
	}
}
