package process

import (
	"encoding/json"
	"testing"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/host/runner/runnertest"
)

// BenchmarkSandbox reports fio's IOPS with and without the sandbox, the best of
// all iterations, since what else runs on the host can only lower it: where fio does nothing but count
// (null), where each I/O is a system call (psync on the page cache), and with
// io_uring.
func BenchmarkSandbox(b *testing.B) {
	for name, job := range map[string]string{
		"null": "ioengine=null\nrw=randread\nsize=1g", "psync": "ioengine=psync\nrw=randread\nsize=16m\nbs=512", "io_uring": "ioengine=io_uring\niodepth=8\nrw=randread\nsize=16m\nbs=512",
	} {
		b.Run(name, func(b *testing.B) {
			best := map[Sandboxed]float64{}
			for b.Loop() {
				for _, kind := range []Sandboxed{Required, Off} {
					best[kind] = max(best[kind], iops(b, kind, "[a]\ntime_based\nruntime=2\n"+job+"\n"))
				}
			}
			b.ReportMetric(best[Required], "IOPS-sandboxed")
			b.ReportMetric(best[Off], "IOPS-bare")
			b.ReportMetric(best[Required]/best[Off], "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func iops(b *testing.B, kind Sandboxed, job string) float64 {
	b.Helper()
	o := confined()
	o.Sandbox = kind
	r, err := New("fio", "cost", o)
	if err != nil {
		b.Skip(err)
	}
	inv := runnertest.Job(b, "cost", job)
	p, err := r.Start(b.Context(), inv)
	if err != nil {
		b.Fatal(err)
	}
	if exit, err := p.Wait(b.Context(), nil); err != nil || !exit.OK() {
		b.Fatalf("%+v, %v", exit, err)
	}
	var report struct {
		Jobs []struct{ Read struct{ IOPS float64 } }
	}
	if err := json.Unmarshal([]byte(runnertest.Read(b, inv, runner.OutputFile)), &report); err != nil || len(report.Jobs) != 1 {
		b.Fatal(err)
	}
	return report.Jobs[0].Read.IOPS
}
