package bench

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/internal/service"
)

func TestAContainerMeasuresWhatItIsGranted(t *testing.T) {
	w := newWorld(t)
	cfg := w.config("docker-host")
	cfg.Runner, cfg.Docker.Image = "docker", testImage()
	cfg.Volumes.Drivers = map[string]VolumeDriver{"local": {Options: map[string][]string{"type": {"tmpfs"}, "device": {"tmpfs"}, "o": {"size=*"}}}}
	r := w.runnerOf(cfg) // skips without an engine
	w.start(cfg)
	list := w.request(bench{host: "docker-host", jobs: []string{
		quickJob,
		"[mapped]\nrw=write\nsize=64k\ndirectory=/measured\n",
		"[limited]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=1\n",
	}, change: func(l *events.RunList) {
		l.Limits = events.Limits{CPUs: 1, Memory: 256 << 20, Pids: 64}
	}})
	first := ended[events.RunCompleted](t, w.end(list.Runs[0]))
	if files, err := filepath.Glob(filepath.Join(w.data, "quick.*")); err != nil || len(files) != 1 {
		t.Errorf("measured files %v, %v", files, err)
	}
	var env facts.Environment
	if err := json.Unmarshal([]byte(w.read(first.Artifacts, "environment.json")), &env); err != nil {
		t.Fatal(err)
	}
	if env.Runs.Kind != "docker" || env.Runs.Image != cfg.Docker.Image || !strings.HasPrefix(env.Runs.FioVersion, "fio-3.") {
		t.Errorf("runner %+v", env.Runs)
	}
	// Without a volume, /measured is a folder of the host that nobody allowed.
	ended[events.RunRejected](t, w.end(list.Runs[1]))
	ended[events.RunCompleted](t, w.end(list.Runs[2]))

	t.Cleanup(func() { _ = exec.Command("docker", "volume", "rm", "--force", "fiord-test-bench").Run() })
	volume := w.request(bench{host: "docker-host", jobs: []string{"[mapped]\nrw=write\nsize=64k\ndirectory=/measured\n"}, change: func(l *events.RunList) {
		l.Volume, l.Driver, l.Options = "fiord-test-bench", "local", map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "size=8m"}
	}})
	done := ended[events.RunCompleted](t, w.end(volume.Runs[0]))
	if done.Summary.Write == nil || done.Summary.Write.TotalBytes != 64<<10 {
		t.Errorf("%+v", done.Summary)
	}
	if left, err := r.Leftovers(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("leftovers %v, %v", left, err)
	}
}

func TestAMissingImageFailsTheRunWithWhatToDo(t *testing.T) {
	w := newWorld(t)
	cfg := w.config("docker-host")
	cfg.Runner, cfg.Docker.Image = "docker", testImage()
	w.runnerOf(cfg) // skips without an engine
	cfg.Docker.Image = "fiord-no-such-image:1"
	w.start(cfg)
	list := w.request(bench{host: "docker-host", jobs: []string{quickJob}})
	failed := ended[events.RunFailed](t, w.end(list.Runs[0]))
	if !strings.Contains(failed.Reason, `no "fiord-no-such-image:1"`) {
		t.Errorf("%+v", failed)
	}
}

// BenchmarkOverhead reports what a run takes beyond fio and the engine's own
// create, start and remove.
func BenchmarkOverhead(b *testing.B) {
	for _, kind := range []string{"process", "docker"} {
		b.Run(kind, func(b *testing.B) { overhead(b, kind) })
	}
}

func overhead(b *testing.B, kind string) {
	reg := prometheus.NewRegistry()
	w := newWorld(b)
	cfg := w.config("overhead-" + kind)
	cfg.Runner, cfg.Docker.Image = kind, testImage()
	w.runnerOf(cfg)
	w.startWith(cfg, service.Deps{Metrics: reg})
	for b.Loop() {
		list := w.request(bench{host: cfg.Host, jobs: []string{"[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=1\nrate_iops=1000\n"}})
		ended[events.RunCompleted](b, w.end(list.Runs[0]))
	}
	waitFor(b, "a metric", func() bool { return histogram(b, reg, "fiord_bench_overhead_seconds").GetSampleCount() > 0 })
	h := histogram(b, reg, "fiord_bench_overhead_seconds")
	b.ReportMetric(h.GetSampleSum()/float64(h.GetSampleCount())*1000, "overhead-ms/run")
	b.ReportMetric(0, "ns/op")
}

func histogram(t testing.TB, reg *prometheus.Registry, name string) *dto.Histogram {
	t.Helper()
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == name {
			return f.GetMetric()[0].GetHistogram()
		}
	}
	t.Fatalf("no metric %s", name)
	return nil
}
