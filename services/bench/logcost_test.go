package bench

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/services/bench/measure"
)

// additions are what fiord adds to a job, each by itself and all together.
var additions = []struct {
	name string
	add  func(*job.File) error
}{
	{"none", func(*job.File) error { return nil }},
	{"lat_percentiles", measure.WholeLatency},
	{"bw-log", withLogs("write_bw_log")},
	{"iops-log", withLogs("write_iops_log")},
	{"lat-logs", withLogs("write_lat_log")},
	{"hist-log", func(f *job.File) error {
		_, err := f.AddLogs(job.Logs{Prefix: "fio", HistMsec: 1000, HistCoarseness: 2})
		return err
	}},
	{"with-lat-logs", func(f *job.File) error {
		l := DefaultConfig().Logs
		l.Latency = true
		_, err := f.AddLogs(l.options("fio"))
		return errors.Join(err, measure.WholeLatency(f))
	}},
	{"default", func(f *job.File) error {
		_, err := f.AddLogs(DefaultConfig().Logs.options("fio"))
		return errors.Join(err, measure.WholeLatency(f))
	}},
}

func withLogs(option string) func(*job.File) error {
	return func(f *job.File) error {
		for name, value := range map[string]string{option: "fio", "log_avg_msec": "500"} {
			if _, err := f.Set(name, value); err != nil {
				return err
			}
		}
		return nil
	}
}

// BenchmarkAdditions tells what each thing that fiord adds to a job costs fio,
// in CPU time for each I/O of the null engine, where nothing hides it. An
// iteration measures all of them once, in a drawn order. The figures are the
// least of all iterations, less that of the job without any: what else runs on
// the machine can only add to them.
//
//	go test ./services/bench -run '^$' -bench Additions -benchtime 40x
func BenchmarkAdditions(b *testing.B) {
	if _, err := exec.LookPath("fio"); err != nil {
		b.Skip(err)
	}
	least := map[string]float64{}
	for b.Loop() {
		for _, i := range rand.Perm(len(additions)) {
			a := additions[i]
			ns := perIO(b, a.add)
			if known, found := least[a.name]; !found || ns < known {
				least[a.name] = ns
			}
		}
	}
	for name, ns := range least {
		if name != "none" {
			ns -= least["none"]
		}
		b.ReportMetric(ns, name+"-ns/io")
	}
}

// perIO is the CPU time that fio takes for an I/O, in ns: less than the time
// that passes where others want the CPUs too.
func perIO(b *testing.B, add func(*job.File) error) float64 {
	b.Helper()
	file, err := job.Parse("job.fio", []byte("[a]\nthread\nioengine=null\nrw=randread\nbs=4k\nsize=1g\ntime_based\nruntime=500ms\n"), job.Config{})
	if err == nil {
		err = add(file)
	}
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "job.fio"), file.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command("fio", "--output-format=json", "job.fio")
	cmd.Dir, cmd.Stdout = dir, &out
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	report, err := result.Parse(out.Bytes())
	if err != nil {
		b.Fatal(err)
	}
	return float64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()) / float64(report.Summary().Read.TotalIOs) / float64(time.Nanosecond)
}
