package reading

import (
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/log"
	"github.com/fiord-bench/fiord/fio/result"
)

// Intervals of a grid: as many as figures can show, and no more than memory
// should hold of histograms.
const (
	wantIntervals = 600
	heatIntervals = 240
)

// steps are the widths of intervals that people can read, in ms.
func steps() []int64 {
	return []int64{10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000}
}

// stepFor returns the least width of at least the given one that divides the
// time into at most n intervals.
func stepFor(ms, least int64, n int64) int64 {
	all := steps()
	for _, s := range all {
		if s >= least && ms <= s*n {
			return s
		}
	}
	return max(least, all[len(all)-1])
}

// unknownSpan is how long a run is taken to be when nothing says so, in ms.
const unknownSpan = 10 * 60 * 1000

// plan chooses the grid: not finer than the log's windows, which could only be
// cut into equal pieces.
func (r *reader) plan(span int64) {
	if span <= 0 {
		span = unknownSpan
	}
	if r.opt.zoomed() {
		span = (r.opt.To - r.opt.From).Milliseconds()
	}
	r.step = stepFor(span, int64(max(r.window, 10)), wantIntervals)
	r.run.HeatStep = msec(stepFor(span, max(r.histMS, r.step), heatIntervals))
}

// longest returns the runtime of the longest job in ms.
func longest(doc *result.Document) int64 {
	var ms int64
	for i := range doc.Jobs {
		for _, d := range doc.Jobs[i].Directions() {
			ms = max(ms, d.RuntimeMS)
		}
	}
	return ms
}

// logOptions returns what shapes the logs of each of fio's entries, and the
// window that all were averaged over. Jobs that differ leave the window to be
// found out.
func logOptions(doc *result.Document) ([]log.Options, int) {
	all := make([]log.Options, len(doc.Jobs))
	window := log.WindowUnknown
	for i := range doc.Jobs {
		offset := option(doc, i, "log_offset")
		value := option(doc, i, "log_window_value")
		issue := option(doc, i, "log_issue_time")
		text := option(doc, i, "log_avg_msec")
		ms, _ := strconv.Atoi(text)
		all[i] = log.Options{Offset: truth(offset), IssueTime: truth(issue), BothValues: value == "both", WindowMS: max(ms, 0)}
		switch {
		case i == 0:
			window = ms
		case ms != window:
			window = log.WindowUnknown
		}
	}
	return all, window
}

// configOf returns what is known of a log by its job's number. Entries that
// differ stand for the jobs in order; where there are fewer of them than logs,
// because they are of groups, nothing is known of a log's columns.
func (r *reader) configOf(number int) log.Config {
	c := r.config
	alike := true
	for _, o := range r.options {
		alike = alike && o == r.options[0]
	}
	switch {
	case len(r.options) == 0:
	case alike:
		c.Options = &r.options[0]
	case number >= 1 && r.logs <= len(r.options):
		c.Options = &r.options[number-1]
	}
	return c
}

// number returns the largest value of a numeric option over all jobs.
func number(doc *result.Document, name string) int {
	most := 0
	for i := range doc.Jobs {
		text := option(doc, i, name)
		n, _ := strconv.Atoi(text)
		most = max(most, n)
	}
	return most
}

// option returns a job's option, or else the global one; empty if neither is set.
func option(doc *result.Document, i int, name string) string {
	if v, ok := doc.Jobs[i].Option(name); ok {
		return v
	}
	for _, globals := range doc.Globals {
		for _, s := range globals {
			if s.Name == name {
				return s.Value
			}
		}
	}
	return ""
}

// ramp is the ramp_time of the first job, in ms.
func ramp(doc *result.Document) float64 {
	if len(doc.Jobs) == 0 {
		return 0
	}
	d, err := job.ParseTime(strings.TrimSpace(option(doc, 0, "ramp_time")), time.Second)
	if err != nil {
		return 0
	}
	return float64(d.Milliseconds())
}

// truth reads a flag as fio repeats it: an empty value is set as well.
func truth(s string) bool { return s == "1" || strings.EqualFold(s, "true") }

// base returns a log's name without folders and our own compression.
func base(name string) string { return strings.TrimSuffix(path.Base(name), ".zst") }
