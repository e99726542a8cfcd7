package foreign

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const corpus = "../../../fio/testdata"

// report is a small result of a job with the given options.
func report(job, options string, at int) string {
	return fmt.Sprintf(`{
  "fio version" : "fio-3.33",
  "timestamp" : %d,
  "timestamp_ms" : %d000,
  "time" : "Sun Nov 22 11:38:02 2026",
  "global options" : {"bs" : "4k"},
  "jobs" : [ { "jobname" : "%s", "groupid" : 0, "error" : 0, "job options" : {%s},
    "read" : {"io_bytes" : 4096000, "bw_bytes" : 2048000, "iops" : 500, "runtime" : 2000, "total_ios" : 1000,
      "clat_ns" : {"min" : 1000, "max" : 9000, "mean" : 2000, "stddev" : 1, "N" : 1000, "percentile" : {"99.000000" : 8000}}} } ]
}
`, at, at, job, options)
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

// pairs lists which logs belong to which run.
func pairs(t *testing.T, in fs.FS) (map[string][]string, *Found) {
	t.Helper()
	found, err := Find(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, r := range found.Runs {
		name := r.Name
		if r.Result == "" {
			name += " (logs)"
		}
		out[name] = r.Logs
	}
	return out, found
}

const rows = "1000, 500, 0, 0, 0\n2000, 500, 0, 0, 0\n"

func TestLogsAreFoundByWhatTheirJobSays(t *testing.T) {
	in := fstest.MapFS{
		// bench-fio: a folder for each block size, results and logs named apart.
		"nvme0n1/4k/randread-1-1.json":                          file(report("FIOJOB", `"write_bw_log" : "/x/nvme0n1/4k/randread-iodepth-1-numjobs-1", "iodepth" : "1"`, 1)),
		"nvme0n1/4k/randread-16-1.json":                         file(report("FIOJOB", `"write_bw_log" : "/x/nvme0n1/4k/randread-iodepth-16-numjobs-1", "iodepth" : "16"`, 2)),
		"nvme0n1/4k/randread-iodepth-1-numjobs-1_bw.1.log":      file(rows),
		"nvme0n1/4k/randread-iodepth-1-numjobs-1_clat.1.log.gz": file(rows),
		"nvme0n1/4k/randread-iodepth-16-numjobs-1_bw.1.log":     file(rows),
		// A script: logs in a folder of their own, named by the job.
		"script/out.txt":           file("Starting 1 process\n" + report("job", `"write_iops_log" : ""`, 3) + "\ndone\n"),
		"script/logs/job_iops.log": file(rows),
		// fio-tools of old: text and logs.
		"tools/fio.output":                file("job: (g=0): rw=read\n"),
		"tools/mytest_bw.1.log":           file(rows),
		"tools/mytest_iops.1.log":         file(rows),
		"tools/agg-read_bw.log":           file(rows),
		"tools/mytest_bw.1-2Draw.png":     file("PNG"),
		"tools/.hidden/x_bw.log":          file(rows),
		"alone/result.json":               file(report("x", `"rw" : "read"`, 4)),
		"alone/any_bw.1.log":              file(rows),
		"named/run.json":                  file(report("x", `"write_bw_log" : "elsewhere"`, 5)),
		"named/run_iops.1.log":            file(rows),
		"named/stranger_iops.1.log":       file(rows),
		"broken/cut.json":                 file(report("x", "", 6)[:300]),
		"broken/not-fio.json":             file(`{"jobs": []}`),
		"repeated/a.json":                 file(report("x", `"write_bw_log" : "same"`, 7)),
		"repeated/b.json":                 file(report("x", `"write_bw_log" : "same"`, 8)),
		"repeated/same_bw.1.log":          file(rows),
		"repeated/same_bw.2.log.host.lan": file(rows),
	}
	got, found := pairs(t, in)
	want := map[string][]string{
		"nvme0n1/4k/randread-1-1":  {"nvme0n1/4k/randread-iodepth-1-numjobs-1_bw.1.log", "nvme0n1/4k/randread-iodepth-1-numjobs-1_clat.1.log.gz"},
		"nvme0n1/4k/randread-16-1": {"nvme0n1/4k/randread-iodepth-16-numjobs-1_bw.1.log"},
		"script/out":               {"script/logs/job_iops.log"},
		"tools/mytest (logs)":      {"tools/mytest_bw.1.log", "tools/mytest_iops.1.log"},
		"alone/result":             {"alone/any_bw.1.log"},
		"named/run":                {"named/run_iops.1.log"},
		"named/stranger (logs)":    {"named/stranger_iops.1.log"},
		"repeated/a":               nil,
		"repeated/b":               {"repeated/same_bw.1.log", "repeated/same_bw.2.log.host.lan"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var passed []string
	for _, p := range found.Passed {
		passed = append(passed, p.Path)
	}
	if diff := cmp.Diff([]string{"broken/cut.json", "tools/agg-read_bw.log"}, passed); diff != "" {
		t.Error(diff)
	}
}

func TestEveryResultOfTheCorpusIsFound(t *testing.T) {
	got, found := pairs(t, os.DirFS(corpus))
	var logs, there int
	_ = fs.WalkDir(os.DirFS(corpus), ".", func(p string, _ fs.DirEntry, _ error) error {
		if isLog := strings.HasSuffix(p, ".log") || strings.HasSuffix(p, ".fz"); isLog && !isSum(p) {
			there++
		}
		return nil
	})
	for _, list := range got {
		logs += len(list)
	}
	if logs != there || logs == 0 {
		t.Errorf("%d logs of %d found", logs, there)
	}
	for _, r := range found.Runs {
		if r.Result == "" {
			t.Errorf("%s: logs without their result", r.Name)
		}
	}
	for _, p := range found.Passed {
		if !isSum(p.Path) {
			t.Errorf("%s was passed over: %s", p.Path, p.Why)
		}
	}
}

// isSum tells the logs of --bandwidth-log, which sum up what those of the jobs
// hold: import leaves them.
func isSum(p string) bool { return strings.HasPrefix(path.Base(p), "agg-") }

func TestRunsAreNamedByWhatVaries(t *testing.T) {
	run := func(name, job string, options map[string]string) Run {
		return Run{Name: name, Result: name, job: job, options: options}
	}
	got := refs("title", []Run{
		run("d/a", "x", map[string]string{"bs": "4k", "iodepth": "1"}),
		run("d/b", "x", map[string]string{"bs": "4k", "iodepth": "8"}),
		run("e/b", "x", map[string]string{"bs": "4k", "iodepth": "8"}),
		{Name: "logs"},
	})
	var text []string
	for _, r := range got {
		text = append(text, r.Job+" "+r.Point.Key())
	}
	// The third would be taken for a repeat of the second, which nobody knows.
	if diff := cmp.Diff([]string{"x iodepth=1", "d/b iodepth=8", "e/b iodepth=8", "logs "}, text); diff != "" {
		t.Error(diff)
	}
}

func TestNamesAreSortedAsPeopleCount(t *testing.T) {
	names := []string{"a-10", "a-9", "a-09", "b", "a", "a-1-2", "a-1-10"}
	slices.SortFunc(names, natural)
	if diff := cmp.Diff([]string{"a", "a-1-2", "a-1-10", "a-9", "a-09", "a-10", "b"}, names); diff != "" {
		t.Error(diff)
	}
}

func FuzzNatural(f *testing.F) {
	f.Add("a9", "a10", "a010")
	f.Add("", "0", "00")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if natural(a, b) != -natural(b, a) || natural(a, a) != 0 {
			t.Errorf("%q and %q: %d and %d", a, b, natural(a, b), natural(b, a))
		}
		if natural(a, b) <= 0 && natural(b, c) <= 0 && natural(a, c) > 0 {
			t.Errorf("%q, %q, %q are in no order", a, b, c)
		}
	})
}
