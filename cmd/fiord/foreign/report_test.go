package foreign

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// written makes a report of a folder and returns it with its documents.
func written(t *testing.T, dir string, problems ...string) (r *Report, out, html, markdown string) {
	t.Helper()
	in := os.DirFS(dir)
	found, err := Find(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	out = t.TempDir()
	if r, err = Write(t.Context(), in, found, out, Options{Title: "A <title>", Problems: problems, PNG: true}); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]*string{FileHTML: &html, FileMarkdown: &markdown} {
		text, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		*to = string(text)
	}
	return r, out, html, markdown
}

func has(t *testing.T, what, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q", what, w)
		}
	}
}

func TestARunIsToldWithAllItsFigures(t *testing.T) {
	r, out, html, markdown := written(t, corpus+"/fio-3.39/averaged", "it <rained>")
	row := r.Runs[0]
	var names []string
	for _, f := range row.Figures {
		names = append(names, strings.TrimPrefix(f, "figures/fio/"))
		for _, path := range []string{f, strings.TrimSuffix(f, ".svg") + ".png"} {
			if info, err := os.Stat(filepath.Join(out, path)); err != nil || info.Size() == 0 {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	want := []string{
		"iops.svg", "bandwidth.svg", "latency-reader-read.svg", "heatmap-reader-read.svg", "latency-mixed-read.svg", "heatmap-mixed-read.svg",
		"latency-mixed-write.svg", "heatmap-mixed-write.svg", "latency-writer-write.svg", "heatmap-writer-write.svg",
		"percentiles.svg", "histogram.svg", "cdf.svg", "steady.svg", "cpu.svg",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if len(row.Flags) > 0 {
		t.Errorf("flags of a sound run: %q", row.Flags)
	}
	if f := row.Summary.Read; f == nil || f.TotalIOs != 5987 || f.Latency.P99 == nil {
		t.Errorf("summary: %+v", f)
	}
	has(t, "HTML", html, "A &lt;title&gt;", "it &lt;rained&gt;", "<svg", "5.95 kIOPS", fmt.Sprintf("%d logs", len(row.Logs)), "</html>")
	has(t, "Markdown", markdown, "## A &lt;title&gt;", "**Problem:** it &lt;rained&gt;", "| read | 5.95 kIOPS |")
	if strings.Contains(html, "<script") || strings.Contains(html, "http://") && !strings.Contains(html, "http://www.w3.org") {
		t.Error("the document needs more than itself")
	}
	if left, _ := filepath.Glob(filepath.Join(out, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// Each line that cannot be read is counted, and the first are shown.
func TestMalformedLinesAreShown(t *testing.T) {
	dir := t.TempDir()
	text := strings.Repeat("1000, 500, 0, 0, 0\n", 3) + "gibberish <b>\n1, 2\n" + "2000, 500, 0, 0, 0\n"
	for name, content := range map[string]string{"x_iops.1.log": text, "cut.json": report("x", "", 1)[:300]} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, _, html, markdown := written(t, dir)
	has(t, "row", strings.Join(r.Runs[0].Flags, "\n"), "x_iops.1.log: 2 of 6 lines could not be read; line 4:", "gibberish", "line 5:")
	has(t, "HTML", html, "2 of 6 lines", "gibberish &lt;b&gt;", "Not read", "cut.json")
	has(t, "Markdown", markdown, "2 of 6 lines", "not read: cut.json")
	if r.Runs[0].Lines != 6 || r.Runs[0].Summary.Read == nil {
		t.Errorf("%d lines, %+v", r.Runs[0].Lines, r.Runs[0].Summary)
	}
}

// A tree as bench-fio makes it, by a real fio.
func TestATreeOfBenchFioIsComparedByItsOptions(t *testing.T) {
	fio, err := exec.LookPath("fio")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("fio is not installed: scripts/setup")
		}
		t.Skip("fio is not installed: apt-get install fio")
	}
	dir := t.TempDir()
	for _, depth := range []string{"1", "4"} {
		for _, jobs := range []string{"1", "2"} {
			at := filepath.Join(dir, "null", "4k")
			if err := os.MkdirAll(at, 0o755); err != nil {
				t.Fatal(err)
			}
			prefix := fmt.Sprintf("%s/randread-iodepth-%s-numjobs-%s", at, depth, jobs)
			out, err := exec.CommandContext(t.Context(), fio, "--output-format=json", "--output="+at+"/randread-"+depth+"-"+jobs+".json",
				"--name=FIOJOB", "--ioengine=null", "--size=1g", "--bs=4k", "--rw=randread", "--iodepth="+depth, "--numjobs="+jobs, "--group_reporting",
				"--rate_iops=1000", "--runtime=1", "--time_based", "--log_avg_msec=200", "--write_bw_log="+prefix, "--write_lat_log="+prefix, "--write_iops_log="+prefix).CombinedOutput()
			if err != nil {
				t.Fatalf("fio: %v: %s", err, out)
			}
		}
	}
	r, out, html, _ := written(t, dir)
	var points []string
	for _, row := range r.Runs {
		points = append(points, row.Job+" "+row.Point)
		if len(row.Logs) != 5*map[bool]int{true: 2, false: 1}[strings.Contains(row.Point, "numjobs=2")] {
			t.Errorf("%s has the logs %q", row.Name, row.Logs)
		}
	}
	want := []string{"FIOJOB iodepth=1,numjobs=1", "FIOJOB iodepth=1,numjobs=2", "FIOJOB iodepth=4,numjobs=1", "FIOJOB iodepth=4,numjobs=2"}
	if diff := cmp.Diff(want, points); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"by-iodepth", "by-numjobs", "surface", "load", "compare-iops"} {
		if !slices.Contains(r.Figures, "figures/all/"+name+".svg") {
			t.Errorf("no figure %s among %q", name, r.Figures)
		}
	}
	has(t, "HTML", html, "All runs", "iodepth=4,numjobs=2")
	svg, err := os.ReadFile(filepath.Join(out, "figures/all/surface.svg"))
	if err != nil || xml.Unmarshal(svg, new(struct{})) != nil {
		t.Errorf("the surface is no XML: %v", err)
	}
}

func TestOneBrokenRunDoesNotHideTheOthers(t *testing.T) {
	in := fstest.MapFS{
		"a.json":       file(report("a", `"write_bw_log" : "a"`, 1)),
		"a_bw.1.log":   file(rows),
		"b.json":       file(report("b", `"write_bw_log" : "b"`, 2)),
		"b_bw.1.log":   file(rows),
		"a_iops.1.log": file(rows),
	}
	found, err := Find(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	delete(in, "a_bw.1.log") // gone since
	r, err := Write(t.Context(), in, found, t.TempDir(), Options{Title: "t"})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Runs[0].Broken || r.Runs[1].Broken || r.Unread() != 1 || len(r.Runs[1].Figures) == 0 {
		t.Errorf("%+v", r.Runs)
	}
}

func TestOnlyAReportIsReplaced(t *testing.T) {
	dir := t.TempDir()
	fresh := filepath.Join(dir, "a", "b")
	if err := Prepare(fresh); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{FileHTML, FileMarkdown, DirFigures} {
		if err := os.WriteFile(filepath.Join(fresh, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := Prepare(fresh); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(fresh); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if err := Prepare(dir); err == nil || !strings.Contains(err.Error(), "holds a") {
		t.Errorf("a folder with something else: %v", err)
	}
}

// endless is a log of any length that nobody keeps.
type endless struct {
	size, at int64
	ms       int
	rest     []byte
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(e.rest) == 0 {
			if e.at >= e.size {
				if n == 0 {
					return 0, io.EOF
				}
				return n, nil
			}
			e.rest = fmt.Appendf(e.rest[:0], "%d, %d, %d, 4096, 0\n", e.ms/1000, 90_000+e.ms%1000, e.ms&1)
			e.ms++
			e.at += int64(len(e.rest))
		}
		c := copy(p[n:], e.rest)
		e.rest = e.rest[c:]
		n += c
	}
	return n, nil
}

func (e *endless) Close() error               { return nil }
func (e *endless) Stat() (os.FileInfo, error) { return nil, errors.ErrUnsupported }

// big serves one endless log beside what else there is.
type big struct {
	fstest.MapFS
	size int64
}

func (b big) Open(name string) (fs.File, error) {
	if name == "big_clat.1.log" {
		return &endless{size: b.size}, nil
	}
	return b.MapFS.Open(name)
}

// Memory does not grow with the logs.
func TestLogsAreStreamed(t *testing.T) {
	const size = 200 << 20
	in := big{fstest.MapFS{"big.json": file(report("big", `"write_lat_log" : "big"`, 1))}, size}
	found := &Found{Runs: []Run{{Name: "big", Result: "big.json", Logs: []string{"big_clat.1.log"}}}}
	var before, peak runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, err := Write(t.Context(), in, found, t.TempDir(), Options{Title: "t"}); err != nil {
			t.Error(err)
		}
	}()
	most := uint64(0)
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case <-done:
			tick.Stop()
			if most > 64<<20 {
				t.Errorf("%d MiB of heap for a log of %d MiB", most>>20, size>>20)
			}
			return
		case <-tick.C:
			runtime.ReadMemStats(&peak)
			most = max(most, peak.HeapInuse-min(peak.HeapInuse, before.HeapInuse))
		}
	}
}
