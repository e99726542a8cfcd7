package reading

import (
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/fio/log"
	"github.com/fiord-bench/fiord/fio/result"
)

// tolerance is the share by which logs and summary may differ: fio rounds each
// row to whole I/Os or KiB.
const tolerance = 0.02

// check compares what the logs add up to with fio's summary.
func (r *reader) check() {
	if r.doc == nil {
		r.flag("fio's summary could not be read: the logs are not checked against it")
		return
	}
	for i, name := range Directions() {
		f := figures(r.doc, name)
		if f == nil {
			continue
		}
		// The last, unfinished window of each job is not in its log. Its rate is
		// taken for that of the run or that of the window before, whichever is more.
		lost := max(float64(r.window), 0) / 1000
		for _, c := range []struct {
			kind     log.Kind
			what     string
			reported float64
			rate     float64
		}{{log.IOPS, "I/Os", float64(f.TotalIOs), f.IOPS}, {log.Bandwidth, "bytes", float64(f.Bytes), f.BWBytes}} {
			rates := r.rates[c.kind]
			if rates == nil {
				continue
			}
			dir := log.Direction(i)
			total, slack := rates.Total(dir), lost*max(c.rate, rates.LastRate(dir))
			slack += 4 * float64(max(rates.Logs(dir), copies(r.doc))) * c.reported / float64(max(f.TotalIOs, 1)) // a few I/Os of each job
			if total < c.reported {                                                                              // fio's thread may have been late with the last
				slack = max(slack, rates.Unlogged(dir, float64(r.shift)+r.runtime()))
			}
			got := log.Compare(total, c.reported, tolerance, slack)
			if !got.Agree {
				r.flag(fmt.Sprintf("log and summary disagree: the %s log adds up to %s %s, fio counted %s (%+.0f%%)",
					result.SeriesName(r.section, name), figure.Grouped(uint64(got.Logged)), c.what, figure.Grouped(uint64(got.Reported)), got.Deviation*100))
			}
		}
	}
}

// copies is how many jobs a result is of.
func copies(doc *result.Document) int {
	n := len(doc.Jobs)
	for i := range doc.Summary.Sections {
		n = max(n, doc.Summary.Sections[i].Copies)
	}
	return n
}

// figures returns a direction of the summary, nil if there is none.
func figures(doc *result.Document, name string) *result.Figures {
	return map[string]*result.Figures{"read": doc.Summary.Read, "write": doc.Summary.Write, "trim": doc.Summary.Trim}[name]
}

// epoch is the least start that must be a date rather than a time since the
// job began: ten years.
const epoch = 10 * 365 * 24 * time.Hour

// align lets logs with unix times start at zero.
func (run *Run) align() {
	shift := time.Duration(-1)
	all := run.maps()
	for _, m := range all {
		for _, s := range m {
			if s.Start > epoch && (shift < 0 || s.Start < shift) {
				shift = s.Start
			}
		}
	}
	if run.HeatFrom > epoch && (shift < 0 || run.HeatFrom < shift) {
		shift = run.HeatFrom
	}
	if shift < 0 {
		return
	}
	for _, m := range all {
		for name, s := range m {
			s.Start -= shift
			m[name] = s
		}
	}
	if len(run.Heat) > 0 {
		run.HeatFrom -= shift
	}
	run.busy.Shift(-float64(shift.Milliseconds()))
}
