package plot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/result"
)

// runFigures draws the figures of one run that are made at once: rates and
// latencies over time, the distribution of latencies, and what the host did
// meanwhile, which may be nil. It returns the flags that stand on them.
func runFigures(c events.RunCompleted, doc *result.Document, run *reading.Run, host *reading.Activity) (pictures, []string, error) {
	p := painter{c: c, doc: doc, run: run, host: host, flags: flagsOf(c, run)}
	if c.Logs == nil {
		p.flags = append(p.flags, "fio left no logs: nothing is known over time")
	} else {
		p.overTime()
	}
	p.hostFigures()
	return p.distribution()
}

// overTime adds the figures over time.
func (p *painter) overTime() {
	p.rates("iops", "IOPS over time", figure.IOPS, p.run.IOPS, func(f *events.Figures) float64 { return f.IOPS })
	p.rates("bandwidth", "Bandwidth over time", figure.Bandwidth, p.run.Bandwidth, func(f *events.Figures) float64 { return f.BandwidthBytes })
	directions := p.c.Summary.Directions()
	for _, dir := range directions {
		suffix := ""
		if len(directions) > 1 {
			suffix = "-" + slug(dir)
		}
		p.latency("latency"+suffix, "Latency over time, "+dir, dir)
		if len(p.run.Heat[dir]) > 0 {
			p.heatmap("heatmap"+suffix, "All completion latencies over time, "+dir, dir)
		}
	}
}

// distribution adds what fio's bins show of the run as a whole, and returns all
// that was drawn.
func (p *painter) distribution() (pictures, []string, error) {
	if sets := distributions(p.doc); len(sets) > 0 {
		p.add("percentiles", figure.Percentiles{Head: p.head("Latency by percentile"), Quantity: figure.Latency, Sets: sets}.Figure())
	}
	return p.out, p.flags, p.err
}

// slug makes the name of a series fit for a file and an address.
func slug(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
}

// painter gathers the figures of one run.
type painter struct {
	c     events.RunCompleted
	doc   *result.Document
	run   *reading.Run
	host  *reading.Activity // nil if nobody watched it
	flags []string
	only  string // the one figure wanted; empty for all
	found *figure.Figure
	out   pictures
	err   error
}

func (p *painter) add(name string, f *figure.Figure) {
	if p.only != "" {
		if p.only == name {
			p.found = f
		}
		return
	}
	if p.err != nil {
		return
	}
	drawn, err := render(name, f)
	p.out, p.err = append(p.out, drawn), err
}

// flagsOf lists what is wrong with a run's data: what bench found and what the
// logs showed, without saying the same twice.
func flagsOf(c events.RunCompleted, run *reading.Run) []string {
	var out []string
	mismatch := false
	for _, f := range c.Integrity.Findings {
		out = append(out, fmt.Sprintf("%s: %s", strings.ReplaceAll(f.Check, "_", " "), f.Evidence))
		mismatch = mismatch || f.Check == "log_mismatch"
	}
	for _, f := range run.Flags {
		if !mismatch || !strings.HasPrefix(f, "log and summary disagree") {
			out = append(out, f)
		}
	}
	return out
}

// head says what a figure of the run shows, and of which sample.
func (p *painter) head(title string, facts ...string) figure.Head {
	subject := p.c.Name
	for _, part := range []string{p.c.Job, p.c.Point.Key(), p.c.Host} {
		subject = join(subject, part)
	}
	var ios uint64
	for _, dir := range p.c.Summary.Directions() {
		ios += p.c.Summary.Direction(dir).TotalIOs
	}
	facts = append(facts, "n = "+figure.Grouped(ios)+" I/Os")
	if p.doc != nil && len(p.doc.Jobs) > 1 {
		facts = append(facts, fmt.Sprintf("%d jobs", len(p.doc.Jobs)))
	}
	if v := p.c.Summary.FioVersion; v != "" {
		facts = append(facts, v)
	}
	return figure.Head{Title: title, Subject: subject, Facts: facts, Flags: p.flags}
}

// rates draws a rate over time with one line per direction. Where the logs
// disagree with fio's summary, the summary's rate is drawn as well.
func (p *painter) rates(name, title string, q figure.Quantity, series map[string]figure.Series, summary func(*events.Figures) float64) {
	f := p.time(q)
	longest := 0
	for _, dir := range p.run.Names() {
		s, ok := series[dir]
		if !ok {
			continue
		}
		s.Name = dir
		longest = max(longest, len(s.Values))
		f.Series = append(f.Series, s)
		if sum := p.c.Summary.Direction(dir); sum != nil && p.disagrees(dir) {
			f.Refs = append(f.Refs, figure.Ref{Name: "fio's summary, " + dir, Value: summary(sum)})
		}
	}
	f.Head = p.head(title, intervals(longest, p.run.Step.Seconds())...)
	p.add(name, f.Figure())
}

// time begins a figure over time: all of a run have one axis, and show the same
// silences.
func (p *painter) time(q figure.Quantity) figure.Time {
	f := figure.Time{Quantity: q, To: p.run.Length}
	if p.run.Length > 0 && len(p.run.IOPS)+len(p.run.Bandwidth) > 0 {
		f.Silent = &p.run.Silent
	}
	return f
}

// disagrees tells whether a direction's logs were found not to add up.
func (p *painter) disagrees(dir string) bool {
	for _, f := range p.run.Flags {
		if strings.HasPrefix(f, "log and summary disagree: the "+dir+" log") {
			return true
		}
	}
	return false
}

// latency draws the latencies of one direction over time: percentiles from
// each interval's histogram where there are histogram logs, and the mean.
func (p *painter) latency(name, title, dir string) {
	f := p.time(figure.Latency)
	sum := p.c.Summary.Direction(dir).Latency
	longest, step := 0, p.run.Step
	add := func(s figure.Series, label string, overall float64) {
		s.Name = label
		if overall > 0 {
			s.Note = "all " + figure.Latency.Format(overall)
		}
		f.Series = append(f.Series, s)
		longest, step = len(s.Values), s.Step
	}
	percentiles := p.run.Percentiles(dir, 0.5, 0.99, 0.999)
	if len(percentiles[0].Values) > 0 {
		for i, label := range []string{"p50", "p99", "p99.9"} {
			if !anyValue(percentiles[i]) {
				continue
			}
			percentiles[i] = capped(percentiles[i], p.c.Summary.Direction(dir).Clat.Value("max"))
			overall := []float64{sum.Value("p50"), sum.Value("p99"), sum.Value("p999")}[i]
			if sum != nil && sum.Of == string(result.TotalLatency) {
				overall = 0 // of another kind than fio's histogram logs
			}
			add(percentiles[i], label+" of completion", overall)
		}
	}
	facts := []string(nil)
	if s, ok := p.run.Means[dir]; ok {
		if len(f.Series) == 0 {
			add(p.run.Highest[dir], "greatest logged", 0)
		}
		label, overall := "mean", sum.Value("lat")
		if p.run.MeansOf == result.CompletionLatency {
			label = "mean of completion"
		}
		if sum == nil || string(p.run.MeansOf) != cmp.Or(sum.Of, string(result.CompletionLatency)) {
			overall = 0
		}
		add(s, label, overall)
	}
	if s, ok := p.run.Completion[dir]; ok {
		add(s, "mean of completion", 0)
	}
	if len(f.Series) == 0 && (len(p.c.Summary.Sections) > 1 || !slices.Contains(reading.Directions(), dir)) {
		return // of a section that left no logs of its own, or of what fio does not log
	}
	facts = append(facts, intervals(longest, step.Seconds())...)
	if len(p.run.Heat[dir]) > 0 {
		facts = append(facts, "percentiles of each "+duration(p.run.HeatStep.Seconds())+" from its histogram")
	}
	f.Head = p.head(title, facts...)
	p.add(name, f.Figure())
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

func (p *painter) heatmap(name, title, dir string) {
	p.add(name, figure.Heatmap{
		Head:  p.head(title, intervals(len(p.run.Heat[dir]), p.run.HeatStep.Seconds())...),
		Start: p.run.HeatFrom, Step: p.run.HeatStep, Columns: p.run.Heat[dir],
	}.Figure())
}

// anyValue tells whether a series has a value at all.
func anyValue(s figure.Series) bool {
	for _, v := range s.Values {
		if v == v { // not NaN
			return true
		}
	}
	return false
}

// intervals states a grid.
func intervals(n int, step float64) []string {
	switch n {
	case 0:
		return nil
	case 1:
		return []string{"1 interval of " + duration(step)}
	default:
		return []string{fmt.Sprintf("%s intervals of %s", figure.Grouped(uint64(max(n, 0))), duration(step))}
	}
}

// duration writes an interval's length.
func duration(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%g ms", s*1000)
	}
	return fmt.Sprintf("%g s", s)
}

// completionOnly names latencies that leave submission out.
const completionOnly = " completion"

// distributions returns the latencies of each direction over all jobs, from the
// bins of fio's result: the total ones where fio counted them, completion,
// named so, where it did not.
func distributions(doc *result.Document) []figure.Distribution {
	if doc == nil {
		return nil
	}
	var sets []figure.Distribution
	for _, dir := range doc.SeriesNames() {
		h, of := doc.Histogram(dir)
		if h == nil {
			continue
		}
		name := dir
		if of == result.CompletionLatency {
			name += completionOnly
		}
		sets = append(sets, figure.Distribution{Name: name, Bins: reading.Bins(h)})
	}
	return sets
}
