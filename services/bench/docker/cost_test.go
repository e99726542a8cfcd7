package docker

import (
	"encoding/json"
	"testing"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/host/runner/runnertest"
)

// BenchmarkMemoryLimit reports fio's IOPS with and without a limit of the
// container's memory, the best of all iterations: what else runs on the host can
// only lower it.
func BenchmarkMemoryLimit(b *testing.B) {
	for name, job := range map[string]string{
		"null": "ioengine=null\nrw=randread\nsize=1g", "cached": "ioengine=psync\nrw=randread\nsize=64m\nbs=4k",
		"written": "ioengine=psync\nrw=randwrite\nsize=64m\nbs=4k", "direct": "ioengine=libaio\ndirect=1\niodepth=8\nrw=randread\nsize=64m\nbs=4k",
	} {
		b.Run(name, func(b *testing.B) {
			best := map[int64]float64{}
			const limit = 512 << 20
			for b.Loop() {
				for _, memory := range []int64{limit, 0} {
					best[memory] = max(best[memory], iops(b, memory, "[a]\ntime_based\nruntime=2\n"+job+"\n"))
				}
			}
			b.ReportMetric(best[limit], "IOPS-limited")
			b.ReportMetric(best[0], "IOPS-without")
			b.ReportMetric(best[limit]/best[0], "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func iops(b *testing.B, memory int64, job string) float64 {
	b.Helper()
	e := newEngine(b, Config{Memory: memory})
	inv := runnertest.Job(b, "cost", job)
	p, err := e.Start(b.Context(), inv)
	if err != nil {
		b.Fatal(err)
	}
	if exit, err := p.Wait(b.Context(), nil); err != nil || !exit.OK() {
		b.Fatalf("%+v, %v", exit, err)
	}
	var report struct {
		Jobs []struct{ Read, Write struct{ IOPS float64 } }
	}
	if err := json.Unmarshal([]byte(runnertest.Read(b, inv, runner.OutputFile)), &report); err != nil || len(report.Jobs) != 1 {
		b.Fatal(err)
	}
	return report.Jobs[0].Read.IOPS + report.Jobs[0].Write.IOPS
}
