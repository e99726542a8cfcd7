package catalogue

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/result"
)

func hasLogs(s Subject, _ string) bool  { return s.Run.Reading != nil }
func hasRates(s Subject, _ string) bool { return len(s.Run.logs().IOPS) > 0 }

// hasLatencies leaves out sections that left no logs of their own, and what fio
// does not log.
func hasLatencies(s Subject, direction string) bool {
	logged := len(s.Run.Completed.Summary.Sections) < 2 && slices.Contains(reading.Directions(), direction)
	return hasLogs(s, "") && (logged || len(s.Run.latencyLines(direction).series) > 0)
}

func hasHeat(s Subject, direction string) bool {
	return len(s.Run.logs().Heat[direction]) > 0
}

func iopsOverTime(title string, s Subject, _ string) *figure.Figure {
	return s.Run.rates(title, figure.IOPS, s.Run.logs().IOPS, func(f *events.Figures) float64 { return f.IOPS })
}

func bandwidthOverTime(title string, s Subject, _ string) *figure.Figure {
	return s.Run.rates(title, figure.Bandwidth, s.Run.logs().Bandwidth, func(f *events.Figures) float64 { return f.BandwidthBytes })
}

// rates draws a rate over time with one line per direction. Where the logs
// disagree with fio's summary, the summary's rate is drawn as well.
func (r *Run) rates(title string, q figure.Quantity, series map[string]figure.Series, summary func(*events.Figures) float64) *figure.Figure {
	f := r.time(q)
	longest := 0
	for _, dir := range r.logs().Names() {
		line, ok := series[dir]
		if !ok {
			continue
		}
		line.Name = dir
		longest = max(longest, len(line.Values))
		f.Series = append(f.Series, line)
		if sum := r.Completed.Summary.Direction(dir); sum != nil && r.disagrees(dir) {
			f.Refs = append(f.Refs, figure.Ref{Name: "fio's summary, " + dir, Value: summary(sum)})
		}
	}
	f.Head = r.head(title, intervals(longest, r.logs().Step.Seconds())...)
	return f.Figure()
}

// time begins a figure over time: all of a run have one axis, and show the same
// silences.
func (r *Run) time(q figure.Quantity) figure.Time {
	run := r.logs()
	f := figure.Time{Quantity: q, To: run.Length}
	if run.Silent != nil {
		f.Silent = &run.Silent
	}
	return f
}

// disagrees reports whether a direction's logs were found not to add up to fio's
// summary.
func (r *Run) disagrees(dir string) bool {
	for _, f := range r.logs().Flags {
		if strings.HasPrefix(f, "log and summary disagree: the "+dir+" log") {
			return true
		}
	}
	return false
}

// latencyOverTime draws the latencies of one direction: percentiles from each
// interval's histogram where there are histogram logs, and the mean.
func latencyOverTime(title string, s Subject, dir string) *figure.Figure {
	run := s.Run.logs()
	l := s.Run.latencyLines(dir)
	facts := intervals(l.longest, l.step.Seconds())
	if len(run.Heat[dir]) > 0 {
		facts = append(facts, "percentiles of each "+duration(run.HeatStep.Seconds())+" from its histogram")
	}
	facts = append(facts, unlogged(run, dir)...)
	f := s.Run.time(figure.Latency)
	f.Head, f.Series = s.Run.head(title, facts...), l.series
	return f.Figure()
}

// latencyLines gathers the lines of a figure of latencies over time.
type latencyLines struct {
	run *reading.Run
	sum *events.Latency // of the whole run, nil if it was not measured
	// greatest completion latency of the run, 0 or NaN if it is not known
	greatest float64
	series   []figure.Series
	longest  int
	step     time.Duration
}

// latencyLines gathers them for one direction.
func (r *Run) latencyLines(dir string) latencyLines {
	l := latencyLines{run: r.logs(), step: r.logs().Step}
	if sum := r.Completed.Summary.Direction(dir); sum != nil {
		l.sum, l.greatest = sum.Latency, sum.Clat.Value("max")
	}
	l.percentiles(dir)
	l.means(dir)
	return l
}

// add adds a line. overall is its value over the whole run, 0 or NaN if that is
// not known.
func (l *latencyLines) add(line figure.Series, label string, overall float64) {
	line.Name = label
	if overall > 0 {
		line.Note = "all " + figure.Latency.Format(overall)
	}
	l.series = append(l.series, line)
	l.longest, l.step = len(line.Values), line.Step
}

// percentiles adds the percentiles of each interval. Their values over the whole
// run are noted beside them, unless fio's summary is of another kind of latency
// than its histogram logs.
func (l *latencyLines) percentiles(dir string) {
	found := l.run.Percentiles(dir, 0.5, 0.99, 0.999)
	if len(found[0].Values) == 0 {
		return
	}
	for i, label := range []string{"p50", "p99", "p99.9"} {
		if !anyValue(found[i]) {
			continue
		}
		overall := []float64{l.sum.Value("p50"), l.sum.Value("p99"), l.sum.Value("p999")}[i]
		if l.sum != nil && l.sum.Of == string(result.TotalLatency) {
			overall = 0
		}
		l.add(capped(found[i], l.greatest), label+" of completion", overall)
	}
}

// means adds the mean of each interval, and without percentiles the greatest
// value that was logged in it. Without latency logs the mean is that of the
// interval's histogram, which is of completion.
func (l *latencyLines) means(dir string) {
	if _, logged := l.run.Means[dir]; !logged && len(l.run.Heat[dir]) > 0 {
		l.add(capped(l.run.HeatMeans(dir), l.greatest), "mean of completion", 0)
		return
	}
	if mean, ok := l.run.Means[dir]; ok {
		if len(l.series) == 0 {
			l.add(l.run.Highest[dir], "greatest logged", 0)
		}
		label, overall := "mean", l.sum.Value("lat")
		if l.run.MeansOf == result.CompletionLatency {
			label = "mean of completion"
		}
		if l.sum == nil || string(l.run.MeansOf) != cmp.Or(l.sum.Of, string(result.CompletionLatency)) {
			overall = 0
		}
		l.add(mean, label, overall)
	}
	if mean, ok := l.run.Completion[dir]; ok {
		l.add(mean, "mean of completion", 0)
	}
}

// capped keeps what is read from the middle of a bin from exceeding the greatest
// latency of the run.
func capped(s figure.Series, greatest float64) figure.Series {
	if !(greatest > 0) {
		return s
	}
	values := make([]float64, len(s.Values))
	for i, v := range s.Values {
		values[i] = min(v, greatest)
	}
	s.Values = values
	return s
}

func heatmap(title string, s Subject, dir string) *figure.Figure {
	run := s.Run.logs()
	facts := append(intervals(len(run.Heat[dir]), run.HeatStep.Seconds()), unlogged(run, dir)...)
	return figure.Heatmap{
		Head:  s.Run.head(title, facts...),
		Start: run.HeatFrom, Step: run.HeatStep, Columns: run.Heat[dir], To: run.Length,
	}.Figure()
}

// unlogged states where the histograms of a direction end before its section
// does: fio writes none of an interval that is not over.
func unlogged(run *reading.Run, dir string) []string {
	cells := len(run.Heat[dir])
	end := run.End(dir)
	logged := run.HeatFrom + time.Duration(cells)*run.HeatStep
	if cells == 0 || end-logged < run.HeatStep/4 {
		return nil
	}
	return []string{fmt.Sprintf("no histogram of the last %s, which were no whole interval", duration((end - logged).Round(100*time.Millisecond).Seconds()))}
}

// steady draws the rate over time with the stretch in which it was steady.
func steady(title string, s Subject, _ string) *figure.Figure {
	f := s.Run.time(figure.IOPS)
	run := s.Run.logs()
	for _, dir := range run.Names() {
		if line, ok := run.IOPS[dir]; ok {
			line.Name = dir
			f.Series = append(f.Series, line)
		}
	}
	total := reading.Total(f.Series)
	facts := intervals(len(total.Values), run.Step.Seconds())
	from, to, ok := reading.Steady(total)
	if ok {
		f.Steady[0], f.Steady[1] = from, to
		facts = append(facts, "steady: within 10% of the mean, slope within 5%")
	} else if len(total.Values) > 0 {
		facts = append(facts, "no steady stretch")
	}
	f.Head = s.Run.head(title, facts...)
	return f.Figure()
}

// anyValue reports whether a series has a value at all.
func anyValue(s figure.Series) bool {
	for _, v := range s.Values {
		if v == v { // not NaN
			return true
		}
	}
	return false
}
