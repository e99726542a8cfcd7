package foreign_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/cmd/fiord/foreign"
)

var benchRuns = flag.Int("import.runs", 50, "results that BenchmarkImport imports, each of ten jobs with five logs")

// BenchmarkImport imports a folder of results with their logs, and says how much
// it leaves of each: results of ten jobs with five logs each, as a sweep leaves them.
func BenchmarkImport(b *testing.B) {
	in := b.TempDir()
	logs := 0
	for n := range *benchRuns {
		logs += leave(b, in, n)
	}
	var size, files int64
	for b.Loop() {
		out := filepath.Join(b.TempDir(), "report")
		found, err := foreign.Find(b.Context(), os.DirFS(in))
		if err != nil {
			b.Fatal(err)
		}
		if err := foreign.Prepare(out); err != nil {
			b.Fatal(err)
		}
		report, err := foreign.Write(b.Context(), os.DirFS(in), found, out, foreign.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if len(report.Runs) != *benchRuns || report.Unread() > 0 {
			b.Fatalf("%d runs, %d unread", len(report.Runs), report.Unread())
		}
		size, files = 0, 0
		_ = filepath.WalkDir(out, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if info, err := d.Info(); err == nil {
					size, files = size+info.Size(), files+1
				}
			}
			return nil
		})
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N**benchRuns), "ms/result")
	b.ReportMetric(float64(size)/float64(*benchRuns)/1024, "KiB/result")
	b.ReportMetric(float64(logs)/float64(*benchRuns), "logs/result")
}

// leave writes a result of ten jobs and their logs of a minute, and returns how
// many logs there are.
func leave(b *testing.B, dir string, n int) int {
	b.Helper()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	var jobs []string
	logs := 0
	for j := range 10 {
		jobs = append(jobs, fmt.Sprintf(`{"jobname": "j%d", "groupid": 0, "error": 0, "job options": {"rw": "randrw", "iodepth": "%d", "log_avg_msec": "500", "write_bw_log": "r%d"},
"read": {"io_bytes": 245760000, "total_ios": 60000, "iops": 1000.0, "bw_bytes": 4096000, "runtime": 60000, "clat_ns": {"min": 9000, "max": 990000, "mean": 100000.0, "stddev": 10.0, "N": 60000, "percentile": {"50.000000": 90000, "99.000000": 300000}}},
"write": {"io_bytes": 245760000, "total_ios": 60000, "iops": 1000.0, "bw_bytes": 4096000, "runtime": 60000, "clat_ns": {"min": 9000, "max": 990000, "mean": 100000.0, "stddev": 10.0, "N": 60000, "percentile": {"50.000000": 90000, "99.000000": 300000}}}}`, j, 1<<(n%8), n))
		for kind, value := range map[string]int{"iops": 1000, "bw": 4000, "lat": 100_000, "clat": 90_000, "slat": 10_000} {
			var text strings.Builder
			for row := 1; row <= 120; row++ {
				fmt.Fprintf(&text, "%d, %d, 0, 4096, 0\n%d, %d, 1, 4096, 0\n", row*500, value+row%7, row*500, value-row%5)
			}
			write(fmt.Sprintf("r%d_%s.%d.log", n, kind, j+1), text.String())
			logs++
		}
	}
	write(fmt.Sprintf("r%d.json", n), fmt.Sprintf(`{"fio version": "fio-3.33", "timestamp": %d, "jobs": [%s]}`, 1_790_000_000+n, strings.Join(jobs, ",")))
	return logs
}
