package repofile_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func files(tb testing.TB, dir string) map[string][]byte {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no files in testdata/%s: %v", dir, err)
	}
	contents := map[string][]byte{}
	for _, p := range paths {
		raw, err := os.ReadFile(p)
		if err != nil {
			tb.Fatal(err)
		}
		contents[p] = raw
	}
	return contents
}

func TestValidFiles(t *testing.T) {
	for path, src := range files(t, "valid") {
		f, err := repofile.Parse(path, src)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		for _, b := range f.Benches {
			req := b.Request()
			req.Jobs = []events.Job{{Name: "a.fio", Inline: "[a]"}}
			if err := req.Validate(); err != nil {
				t.Errorf("%s: bench %s makes a bad event: %v", path, b.Name, err)
			}
		}
	}
}

func TestFullFileMeansWhatItSays(t *testing.T) {
	path := filepath.Join("testdata", "valid", "full.yaml")
	f, err := repofile.Parse(path, files(t, "valid")[path])
	if err != nil {
		t.Fatal(err)
	}
	b := f.Benches[0]
	want := events.BenchRequested{
		Name:   "randread",
		Matrix: map[string][]events.Scalar{"iodepth": {"1", "8", "32"}, "bs": {"4k", "64k"}, "direct": {"true"}},
		Repeat: 5,
		Targets: events.Targets{Group: "nvme", Count: "all",
			Where: []string{"architecture==x86_64", "system_overload_10min<=25"}},
		Limits: events.Limits{CPUs: 1.5, Memory: 1 << 30, Pids: 100,
			DeviceReadIOPS: map[string]uint64{"/dev/nvme0n1": 50000},
			DeviceWriteBPS: map[string]events.Bytes{"/dev/nvme0n1": 100_000_000}},
		Volume: "data@gold", VolumeDriver: "local", VolumeOptions: map[string]string{"type": "tmpfs"},
		Timeout: 600e9, Deadline: 24 * 3600e9,
		Compare: &events.Compare{Baseline: "main", Metrics: []string{"iops", "p99"}, Threshold: "5%", Confirm: new(true)},
		Measure: &events.Measure{Precondition: true, Warmup: 10e9, SteadyState: "iops_slope:0.3%", Spread: "3%", MaxRepeat: 20},
	}
	if diff := cmp.Diff(want, b.Request()); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if got, want := b.Runs(), 2*3*2*1*20; got != want {
		t.Errorf("runs %d, want %d: files times matrix times the most repeats", got, want)
	}
	if f.On.Schedule[0].Cron != "0 3 * * *" || f.On.Schedule[1].Timezone != "Europe/Berlin" {
		t.Errorf("schedules %+v", f.On.Schedule)
	}
	if got := f.Benches[1].Targets.Count; got != "2" {
		t.Errorf("count %q", got)
	}
}

// TestProblems shows every problem as its author sees it.
func TestProblems(t *testing.T) {
	for _, dir := range []string{"shape", "meaning"} {
		for path, src := range files(t, dir) {
			t.Run(filepath.Base(path), func(t *testing.T) {
				_, err := repofile.Parse("fiord.yaml", src)
				var problems repofile.Problems
				if !errors.As(err, &problems) {
					t.Fatalf("error %v, want Problems", err)
				}
				for _, p := range problems {
					if p.File != "fiord.yaml" || p.Line < 1 || p.Column < 1 || p.Rule == "" {
						t.Errorf("problem without its place: %+v", p)
					}
				}
				golden(t, strings.TrimSuffix(path, ".yaml")+".golden.txt", err.Error()+"\n")
			})
		}
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestLargeFileIsRefused(t *testing.T) {
	if _, err := repofile.Parse("fiord.yaml", make([]byte, repofile.MaxBytes+1)); err == nil || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("error %v", err)
	}
}

// A file made to cost time is read to its end quickly and tells a bounded
// number of problems.
func TestManyProblemsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\nbenches:\n- name: a\n  jobs: [a.fio]\n  matrix:\n")
	for i := range 15_000 {
		fmt.Fprintf(&b, "    no%d: [1]\n", i)
	}
	start := time.Now()
	_, err := repofile.Parse("fiord.yaml", []byte(b.String()))
	var problems repofile.Problems
	if !errors.As(err, &problems) || len(problems) > 100 {
		t.Errorf("%d problems, error %T", len(problems), err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// The number of runs must not wrap around into something small.
func TestRunsOfAnAbsurdMatrix(t *testing.T) {
	b := repofile.Bench{Jobs: []string{"a"}, Repeat: 1000, Matrix: map[string][]events.Scalar{}}
	for i := range 40 {
		b.Matrix[string(rune('a'+i))] = make([]events.Scalar, 1000)
	}
	if got := b.Runs(); got <= repofile.MaxRuns {
		t.Errorf("runs = %d", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, dir := range []string{"valid", "shape", "meaning"} {
		for _, src := range files(f, dir) {
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		file, err := repofile.Parse("fiord.yaml", src)
		var problems repofile.Problems
		if (err == nil) == (file == nil) || err != nil && !errors.As(err, &problems) {
			t.Fatalf("file %v, error %v", file, err)
		}
		if file == nil {
			return
		}
		for _, b := range file.Benches {
			req := b.Request()
			req.Jobs = []events.Job{{Name: "a.fio", Inline: "[a]"}}
			if err := req.Validate(); err != nil {
				t.Fatalf("accepted, and makes a bad event: %v", err)
			}
		}
	})
}
