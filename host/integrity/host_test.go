package integrity

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/hoststat"
	"github.com/fiord-bench/fiord/internal/hostseries"
)

// quiet is a host of two CPUs on which fio alone used one, for ten seconds,
// and read 100 MB/s.
func quiet() *Meanwhile {
	m := &Meanwhile{CPUs: 2, Others: 0.2, Series: hostseries.Series{Devices: []string{"vda"}}}
	for at := time.Duration(0); at < 10*time.Second; at += time.Second {
		m.Series.Samples = append(m.Series.Samples, hostseries.Sample{
			Start: at, Span: time.Second, CPU: hostseries.CPU{User: 30, System: 22, Idle: 48},
			FreqMin: 2900, FreqMean: 3000, Throttles: 0,
			Devices: []hostseries.Device{{ReadBytes: 100e6, WriteBytes: 10e3}},
		})
	}
	return m
}

// judged holds a run that read 100 MB/s for ten seconds, on one CPU, against
// what the host did meanwhile.
func judged(t *testing.T, options string, m *Meanwhile) events.Integrity {
	t.Helper()
	file, err := job.Parse("j", []byte("[a]\nrw=read\nsize=1g\n"+options), job.Config{})
	if err != nil {
		t.Fatal(err)
	}
	output := &result.Output{Version: "fio-3.33", Jobs: []result.Job{{
		Name: "a", RuntimeMS: 10_000, CPU: result.CPU{User: 60, System: 40},
		Read: result.Direction{IOs: 1000, Bytes: 1e9, RuntimeMS: 10_000},
	}}}
	return Judge(Evidence{Job: file, Output: output, Logs: t.TempDir(), Meanwhile: m})
}

func TestAQuietHostIsOK(t *testing.T) {
	for _, m := range []*Meanwhile{nil, {}, quiet()} {
		if got := judged(t, "direct=1\n", m); got.State != events.IntegrityOK || len(got.Findings) > 0 {
			t.Errorf("%+v: %+v", m, got)
		}
	}
}

func TestWhatTheHostDidIsHeldAgainstTheRun(t *testing.T) {
	each := func(change func(i int, s *hostseries.Sample)) func(*Meanwhile) {
		return func(m *Meanwhile) {
			for i := range m.Series.Samples {
				change(i, &m.Series.Samples[i])
			}
		}
	}
	for name, c := range map[string]struct {
		change   func(*Meanwhile)
		options  string
		check    string
		evidence string
		state    events.IntegrityState
	}{
		"heat": {each(func(i int, s *hostseries.Sample) { s.Throttles = float64(i % 2) }), "direct=1\n",
			"throttled", "for their heat 5 times", events.IntegritySuspect},
		"a falling clock": {each(func(i int, s *hostseries.Sample) { s.FreqMean -= float64(i) * 150 }), "direct=1\n",
			"throttled", "at 1650 MHz at the slowest", events.IntegritySuspect},
		"a limit from elsewhere": {func(m *Meanwhile) { m.Held, m.Periods, m.Enforced = 4*time.Second, 80, 100 }, "direct=1\n",
			"throttled", "a limit of CPU time held fio up for 4s of its 10s, in 80 of 100 periods", events.IntegritySuspect},
		"a limit that was asked for": {func(m *Meanwhile) { m.Held, m.Periods, m.Enforced, m.Limited = 4*time.Second, 80, 100, true }, "direct=1\n",
			"throttled", "the bench's own limits.cpus", events.IntegrityOK},
		"a hypervisor that gives time away": {each(func(_ int, s *hostseries.Sample) { s.CPU.Steal = 8 }), "direct=1\n",
			"busy_neighbour", "8.0% of the CPUs' time", events.IntegritySuspect},
		"others on the CPUs": {each(func(_ int, s *hostseries.Sample) { s.CPU = hostseries.CPU{User: 70, System: 30} }), "direct=1\n",
			"busy_neighbour", "other processes took 1.0 of 2 CPUs, and 0.0%", events.IntegritySuspect},
		"others reading": {each(func(_ int, s *hostseries.Sample) { s.Devices[0].ReadBytes = 150e6 }), "direct=1\n",
			"busy_neighbour", "150.0 MB/s were read on vda, and fio's part was 100.0", events.IntegritySuspect},
		"others writing, beside reads through the cache": {each(func(_ int, s *hostseries.Sample) { s.Devices[0].WriteBytes = 50e6 }), "",
			"busy_neighbour", "50.0 MB/s were written", events.IntegritySuspect},
	} {
		m := quiet()
		c.change(m)
		t.Run(name, func(t *testing.T) { want(t, judged(t, c.options, m), c.state, c.check, c.evidence) })
	}
}

// A finding that is not one costs a good run.
func TestWhatProvesNothingIsNotHeldAgainstTheRun(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*Meanwhile)
		options string
	}{
		"busy CPUs with others allowed":     {func(m *Meanwhile) { m.Others = 0; busy(m, 0) }, "direct=1\n"},
		"others where CPUs are idle":        {func(m *Meanwhile) { busy(m, 15) }, "direct=1\n"},
		"a slow clock on idle CPUs":         {func(m *Meanwhile) { m.Series.Samples[5].FreqMean = 800; idle(m) }, "direct=1\n"},
		"read-ahead of buffered reads":      {func(m *Meanwhile) { m.Series.Samples[3].Devices[0].ReadBytes = 900e6 }, ""},
		"reads of what verify checks":       {func(m *Meanwhile) { m.Series.Samples[3].Devices[0].ReadBytes = 900e6 }, "direct=1\nverify=crc32c\n"},
		"a few writes of the file system's": {func(m *Meanwhile) { m.Series.Samples[3].Devices[0].WriteBytes = 9e6 }, "direct=1\n"},
		"counters that are not known":       {unknown, "direct=1\n"},
		"a limit that held up hardly":       {func(m *Meanwhile) { m.Held, m.Periods, m.Enforced = 50*time.Millisecond, 1, 100 }, "direct=1\n"},
	} {
		m := quiet()
		c.change(m)
		if got := judged(t, c.options, m); got.State != events.IntegrityOK {
			t.Errorf("%s: %+v", name, got.Findings)
		}
	}
}

func busy(m *Meanwhile, idle float64) {
	for i := range m.Series.Samples {
		m.Series.Samples[i].CPU = hostseries.CPU{User: 100 - idle, Idle: idle}
	}
}

func idle(m *Meanwhile) {
	for i := range m.Series.Samples {
		m.Series.Samples[i].CPU = hostseries.CPU{User: 10, Idle: 90}
	}
}

func unknown(m *Meanwhile) {
	nan := math.NaN()
	for i := range m.Series.Samples {
		m.Series.Samples[i] = hostseries.Sample{Start: time.Duration(i) * time.Second, Span: time.Second,
			CPU: hostseries.CPU{User: nan, System: nan, IOWait: nan, Steal: nan, Idle: nan}, FreqMin: nan, FreqMean: nan, Throttles: nan,
			Devices: []hostseries.Device{{ReadBytes: nan, WriteBytes: nan}}}
	}
}

// beside runs real fio on this host, watched as a worker watches it, with its
// files in dir and wrap before its command line; meanwhile does its worst as
// soon as fio runs.
func beside(t *testing.T, dir, text string, wrap []string, meanwhile func()) events.Integrity {
	t.Helper()
	path := filepath.Join(dir, "job.fio")
	file, err := job.Parse(path, []byte(text), job.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, disk, err := block.System{}.Under(dir)
	if err != nil {
		t.Fatal(err)
	}
	line := append(append([]string{}, wrap...), "fio", "--output="+filepath.Join(dir, "report.json"), "--output-format=json+", path)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = dir
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Skipf("%v: apt-get install fio", err)
	}
	time.Sleep(100 * time.Millisecond) // until the shell has become fio
	rec, err := hoststat.Record("", []string{disk.Name}, path)
	if err != nil {
		t.Fatal(err)
	}
	if meanwhile != nil {
		meanwhile()
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	seen, err := rec.Stop(began, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	report, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	output, err := result.Parse(report)
	if err != nil {
		t.Fatal(err)
	}
	h := rec.Held()
	return Judge(Evidence{Job: file, Output: output, Logs: t.TempDir(), Meanwhile: &Meanwhile{
		Series: seen, CPUs: runtime.NumCPU(), Others: 0.2, Held: h.Time, Periods: h.Throttled, Enforced: h.Periods,
	}})
}

// pester starts a shell's endless work and ends it with the test.
func pester(t *testing.T, script string, args ...string) {
	cmd := exec.Command("sh", append([]string{"-c", script}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

func TestARealNeighbourOnTheCPUsIsSeen(t *testing.T) {
	got := beside(t, t.TempDir(), "[a]\n"+strings.Replace(steady, "runtime=2", "runtime=3", 1), nil, func() {
		for range runtime.NumCPU() {
			pester(t, "while :; do :; done")
		}
	})
	want(t, got, events.IntegritySuspect, "busy_neighbour", "other processes took")
}

func TestARealNeighbourOnTheDiskIsSeen(t *testing.T) {
	dir := t.TempDir()
	probe := filepath.Join(dir, "neighbour")
	if out, err := exec.Command("dd", "if=/dev/zero", "of="+probe, "bs=1M", "count=64", "oflag=direct").CombinedOutput(); err != nil {
		t.Skipf("no direct I/O in %s: %s", dir, out)
	}
	if _, disk, err := (block.System{}).Under(dir); err != nil || disk.Name == "" {
		t.Skipf("%s lies on no disk of this host: %v", dir, err)
	}
	got := beside(t, dir, "[a]\nrw=read\nbs=64k\nsize=16m\ndirect=1\ntime_based\nruntime=4\nrate=2m\n", nil, func() {
		pester(t, "while :; do dd if=$0 of=/dev/null bs=1M iflag=direct 2>/dev/null; done", probe)
	})
	want(t, got, events.IntegritySuspect, "busy_neighbour", "were read on")
}

func TestARealLimitIsSeen(t *testing.T) {
	group := filepath.Join("/sys/fs/cgroup/cpu", fmt.Sprintf("fiord-verdict-%d", os.Getpid()))
	if err := os.Mkdir(group, 0o750); err != nil {
		t.Skipf("no control group (version 1) can be made here: %v", err)
	}
	t.Cleanup(func() { _ = os.Remove(group) })
	// Before all others, so that nothing but the limit holds fio up.
	for file, value := range map[string]string{"cpu.shares": "262144", "cpu.cfs_quota_us": "20000"} {
		if err := os.WriteFile(filepath.Join(group, file), []byte(value), 0o600); err != nil {
			t.Skip(err)
		}
	}
	got := beside(t, t.TempDir(), "[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=3\n",
		[]string{"sh", "-c", `echo $$ >"$0"; exec "$@"`, filepath.Join(group, "cgroup.procs")}, nil)
	want(t, got, events.IntegritySuspect, "throttled", "a limit of CPU time held fio up")
}
