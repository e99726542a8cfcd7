package hoststat

import (
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/internal/hostseries"
)

// host is a tree whose counters can be moved on, as the kernel does: in place.
func host(t testing.TB) (root string, move func(state string)) {
	t.Helper()
	root = t.TempDir()
	move = func(state string) {
		t.Helper()
		from := filepath.Join("testdata", state)
		err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			to := filepath.Join(root, strings.TrimPrefix(path, from))
			if d.IsDir() {
				return os.MkdirAll(to, 0o755)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(to, text, 0o644)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	move("before")
	return root, move
}

func TestASampleIsWhatChanged(t *testing.T) {
	root, move := host(t)
	p, err := Open(root, []string{"nvme0n1", "sda", "absent"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	start := time.Now()
	if _, ok, err := p.Sample(start); ok || err != nil {
		t.Fatalf("the first call sampled %v, %v", ok, err)
	}
	move("after")
	if _, ok, err := p.Sample(start); ok || err != nil {
		t.Fatalf("no time has passed: %v, %v", ok, err)
	}
	got, ok, err := p.Sample(start.Add(2 * time.Second))
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	// 200 ticks: 40+10 of work, 20+5+5 in the kernel, 80 idle, 40 stolen. Iowait
	// went down, as the kernel allows itself.
	var text strings.Builder
	if err := hostseries.Write(&text, hostseries.Series{Devices: []string{"nvme0n1", "sda", "absent"}, Samples: []hostseries.Sample{got}}); err != nil {
		t.Fatal(err)
	}
	_, row, _ := strings.Cut(text.String(), "\n")
	// sda counts less than before: it is another disk by the same name.
	if want := "0,2000,25,15,0,20,40,3072000000,1600,2400,4,1000,250,4096000,1024000,4,75.05,,,,,,,,,,,,\n"; row != want {
		t.Errorf("sampled %swant    %s", row, want)
	}
}

func TestWhatAHostDoesNotTellIsUnknown(t *testing.T) {
	root, move := host(t)
	if err := os.RemoveAll(filepath.Join(root, "sys")); err != nil {
		t.Fatal(err)
	}
	p, err := Open(root, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	now := time.Now()
	if _, _, err := p.Sample(now); err != nil {
		t.Fatal(err)
	}
	move("after")
	s, ok, err := p.Sample(now.Add(time.Second))
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if !math.IsNaN(s.FreqMin) || !math.IsNaN(s.FreqMean) || !math.IsNaN(s.Throttles) || s.CPU.Idle != 40 {
		t.Errorf("%+v", s)
	}
}

func TestAHostWithoutProcIsAnError(t *testing.T) {
	if _, err := Record(t.TempDir(), nil, ""); err == nil || !strings.Contains(err.Error(), "proc/stat") {
		t.Errorf("recorded: %v", err)
	}
	root, _ := host(t)
	if err := os.WriteFile(filepath.Join(root, "proc/stat"), []byte("intr 5\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Record(root, nil, ""); err == nil || !strings.Contains(err.Error(), "does not begin with the CPUs") {
		t.Errorf("recorded: %v", err)
	}
}

// Large hosts have megabytes of interrupts in /proc/stat.
func TestFilesMayBeLargerThanTheBuffer(t *testing.T) {
	root, _ := host(t)
	name := filepath.Join(root, "proc/diskstats")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	many := strings.Repeat("   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0\n", 5000)
	if err := os.WriteFile(name, append([]byte(many), text...), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := Open(root, []string{"nvme0n1"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if c, err := p.count(time.Now()); err != nil || c.disks[0].reads != 1000 {
		t.Errorf("%+v, %v", c, err)
	}
}

// This host: a busy loop shows, and intervals follow each other from fio's
// start to its end.
func TestARecorderWatchesThisHost(t *testing.T) {
	r, err := record("", nil, "", 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	for time.Since(begun) < 400*time.Millisecond { //nolint:revive // busy on purpose
	}
	from := r.began.Add(-time.Second)
	got, err := r.Stop(from, begun.Add(300*time.Millisecond))
	if err != nil || len(got.Samples) < 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	work := 0.0
	for i, s := range got.Samples {
		if i > 0 && s.Start != got.Samples[i-1].End() {
			t.Errorf("interval %d begins at %s, the one before ends at %s", i, s.Start, got.Samples[i-1].End())
		}
		if total := s.CPU.User + s.CPU.System + s.CPU.IOWait + s.CPU.Steal + s.CPU.Idle; math.Abs(total-100) > 1e-6 && !math.IsNaN(total) {
			t.Errorf("CPU adds up to %g %%", total)
		}
		work = max(work, s.CPU.User+s.CPU.System)
		if !(s.Memory > 0) {
			t.Errorf("memory %g", s.Memory)
		}
	}
	if got.Samples[0].Start != time.Second || got.Samples[len(got.Samples)-1].Start >= 1300*time.Millisecond {
		t.Errorf("from %s to %s", got.Samples[0].Start, got.Samples[len(got.Samples)-1].Start)
	}
	if work < 1 {
		t.Errorf("a busy loop took %g %% of the CPUs", work)
	}
}

// An interval that began before fio is cut; one after its end is left out.
func TestOnlyFiosTimeIsKept(t *testing.T) {
	began := time.Now()
	r := &Recorder{began: began, stop: make(chan struct{})}
	for i := range 4 {
		r.series.Add(hostseries.Sample{Start: time.Duration(i) * time.Second, Span: time.Second})
	}
	got, _ := r.Stop(began.Add(1500*time.Millisecond), began.Add(3*time.Second))
	want := []hostseries.Sample{{Span: 500 * time.Millisecond}, {Start: 500 * time.Millisecond, Span: time.Second}}
	if !reflect.DeepEqual(got.Samples, want) {
		t.Errorf("kept %+v", got.Samples)
	}
}

// BenchmarkSample is what watching costs, once a second.
func BenchmarkSample(b *testing.B) {
	devices, _ := filepath.Glob("/sys/block/*")
	for i := range devices {
		devices[i] = filepath.Base(devices[i])
	}
	p, err := Open("", devices[:min(2, len(devices))])
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := p.Sample(time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
