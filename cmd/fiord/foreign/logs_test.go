package foreign

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/fiord-bench/fiord/fio/result"
)

// Of logs alone, histograms give the percentiles that fio itself reports, and
// without them mean and maximum are known, and nothing else is claimed. The median
// is what is compared: fio logs no last interval that is not full, and what a busy
// machine did in that one moves the p99 of the whole.
func TestLogsAloneTellLatencies(t *testing.T) {
	fio, err := exec.LookPath("fio")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("fio is not installed: scripts/setup")
		}
		t.Skip("fio is not installed: apt-get install fio")
	}
	dir := t.TempDir()
	said := filepath.Join(t.TempDir(), "fio.json")
	if out, err := exec.CommandContext(t.Context(), fio, "--output-format=json+", "--output="+said, "--name=j", "--ioengine=null", "--size=1g", "--bs=4k", "--rw=randread",
		"--rate_iops=5000", "--runtime=2", "--time_based", "--log_avg_msec=200", "--log_hist_msec=500",
		"--write_iops_log="+dir+"/j", "--write_lat_log="+dir+"/j", "--write_hist_log="+dir+"/j").CombinedOutput(); err != nil {
		t.Fatalf("fio: %v\n%s", err, out)
	}
	raw, err := os.Open(said)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	output, err := result.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	truth, _ := output.Histogram("read")
	r, _, _, _ := written(t, dir)
	got := r.Runs[0].Summary.Read
	if got == nil || got.Latency.Of != "clat" || got.Latency.P50 == nil || got.Latency.P99 == nil || got.Latency.P999 == nil {
		t.Fatalf("percentiles are missing: %+v", got)
	}
	l, median := got.Latency, truth.Percentile(50).Value
	// The last of fio's windows is in its totals alone: on a machine that is busy for a
	// moment that moves the median of what takes 100 ns.
	if math.Abs(*l.P50/median-1) > 0.4 || *l.P99 < *l.P50 || *l.P999 < *l.P99 || *l.P999 > truth.Percentile(100).Value {
		t.Errorf("percentiles %v, %v and %v; fio reports a median of %v", *l.P50, *l.P99, *l.P999, median)
	}
	histograms, err := filepath.Glob(dir + "/*_clat_hist*")
	if err != nil || len(histograms) != 1 {
		t.Fatalf("%v %v", histograms, err)
	}
	if err := os.Remove(histograms[0]); err != nil {
		t.Fatal(err)
	}
	r, _, _, _ = written(t, dir)
	if got := r.Runs[0].Summary.Read.Latency; got.P99 != nil || got.Of != "lat" || got.Mean <= 0 || got.Max < got.Mean {
		t.Errorf("without histograms: %+v", got)
	}
}
