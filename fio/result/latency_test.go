package result

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// reads is fio's JSON of reads with the given latencies.
func reads(latencies ...string) string {
	return `{"jobname": "j", "read": {"total_ios": 4, "runtime": 1000, ` + strings.Join(latencies, ", ") + `}}`
}

const (
	clat     = `"clat_ns": {"N": 4, "mean": 10, "max": 10, "bins": {"10": 4}}`
	lat      = `"lat_ns": {"N": 4, "mean": 100, "max": 100, "bins": {"100": 4}}`
	latMean  = `"lat_ns": {"N": 4, "mean": 100, "max": 100}`
	clatMean = `"clat_ns": {"N": 4, "mean": 10, "max": 10}`
	clatOne  = `"clat_ns": {"N": 4, "mean": 10, "max": 10, "percentile": {"50.000000": 10, "99.000000": 10}}`
)

// known is 0 for what is not known.
func known(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

func TestTheLatencyShownSaysWhichItIs(t *testing.T) {
	for name, c := range map[string]struct {
		jobs []string
		of   LatencyKind
		p99  float64
		n    uint64 // in the histogram
	}{
		"bins of both: the total":                        {[]string{reads(clat, lat)}, TotalLatency, 100, 4},
		"bins of completion only":                        {[]string{reads(clat, latMean)}, CompletionLatency, 10, 4},
		"printed percentiles of one job":                 {[]string{reads(clatOne, latMean)}, CompletionLatency, 10, 0},
		"no percentiles at all: the total's mean":        {[]string{reads(clatMean, latMean)}, TotalLatency, 0, 0},
		"completion not measured":                        {[]string{reads(latMean)}, TotalLatency, 0, 0},
		"both jobs with both":                            {[]string{reads(clat, lat), reads(clat, lat)}, TotalLatency, 100, 8},
		"one job without the total's bins":               {[]string{reads(clat, lat), reads(clat, latMean)}, CompletionLatency, 10, 8},
		"one job that has disabled the total":            {[]string{reads(clat, lat), reads(clat)}, CompletionLatency, 10, 8},
		"one job of each kind: no latency of them all":   {[]string{reads(clat), reads(lat)}, "", 0, 0},
		"one job without I/O beside one with everything": {[]string{`{"jobname": "idle"}`, reads(clat, lat)}, TotalLatency, 100, 4},
	} {
		o, err := Parse([]byte("{\n\"jobs\": [" + strings.Join(c.jobs, ",") + "]\n}\n"))
		if err != nil {
			t.Fatal(err)
		}
		got := o.Summary().Read.Latency
		h, of := o.Histogram("read")
		if got == nil {
			got = &LatencyFigures{}
		}
		if got.Of != c.of || known(got.P99) != c.p99 || of != c.of {
			t.Errorf("%s: %+v, histogram of %q; want %s, p99 %v", name, got, of, c.of, c.p99)
		}
		if (h == nil) != (c.n == 0) || h != nil && h.N() != c.n {
			t.Errorf("%s: histogram %+v, want %d in it", name, h, c.n)
		}
	}
}

func TestDocumentsFromBeforeTheKindsAreUnderstood(t *testing.T) {
	d, err := ReadDocument(strings.NewReader(`{"version": 1, "summary": {"read": {"iops": 4, "total_ios": 4, "clat_ns": {"mean": 10, "p99": 10, "max": 10}}},
		"jobs": [{"name": "j", "read": {"ios": 4, "runtime_ms": 1000, "clat_ns": {"n": 4, "mean": 10, "max": 10, "histogram": {"n": 4, "bins": [[10, 4]]}}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if l := d.Summary.Read.Latency; l == nil || l.Of != CompletionLatency || known(l.P99) != 10 {
		t.Errorf("%+v", l)
	}
}

// TestBufferedReadsWaitInSubmission runs fio: with buffered I/O, libaio waits
// for the disk while it submits, and completion looks instant.
func TestBufferedReadsWaitInSubmission(t *testing.T) {
	if _, err := exec.LookPath("fio"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v: apt-get install fio", err)
	}
	dir := t.TempDir()
	job := filepath.Join(dir, "job.fio")
	text := fmt.Sprintf("[buffered]\nioengine=libaio\nrw=randwrite\nbs=64k\niodepth=1\nsize=16m\ndirectory=%s\nlat_percentiles=1\n", dir)
	if err := os.WriteFile(job, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := exec.Command("fio", "--output-format=json+", job).Output()
	if err != nil {
		t.Fatal(err)
	}
	o, err := Parse(report)
	if err != nil {
		t.Fatal(err)
	}
	w := o.Summary().Write
	if w.Latency == nil || w.Latency.Of != TotalLatency || w.Clat == nil {
		t.Fatalf("%+v", w)
	}
	if *w.Latency.P50 < 3**w.Clat.P50 {
		t.Errorf("the median is %v ns in all, of which completion is %v: submission should be most of it", *w.Latency.P50, *w.Clat.P50)
	}
}
