package plot

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// Measured is a completed run with all that figures are drawn from, for runs
// that no store holds: those of other tools, and those of a single command.
type Measured struct {
	// Completed names the run and sums it up. Its artifacts are not looked at.
	Completed events.RunCompleted
	// Document is fio's result, nil if there is none.
	Document *result.Document
	// Reading is what the logs hold, nil if there are none.
	Reading *reading.Run
}

// maxTogether bounds how many runs one figure compares. Those beyond the number
// of colours are a swarm with its extremes named.
const maxTogether = 50

// Picture is a figure in both formats.
type Picture struct {
	// Name such as iops or latency-read, fit for a file.
	Name     string
	SVG, PNG []byte
}

// DrawRun draws every figure of a run that there is data for, those that the
// page draws when asked for as well. It returns the flags that stand on them.
func DrawRun(m Measured) ([]Picture, []string, error) {
	read := cmp.Or(m.Reading, &reading.Run{})
	p := &painter{c: m.Completed, doc: m.Document, run: read, flags: flagsOf(m.Completed, read)}
	if m.Reading != nil {
		p.overTime()
	}
	if _, _, err := p.distribution(); err != nil {
		return nil, nil, err
	}
	if sets := distributions(m.Document); len(sets) > 0 {
		p.add("histogram", figure.Histogram{Head: p.head("Latency histogram"), Quantity: figure.Latency, Sets: sets}.Figure())
		p.add("cdf", figure.CDF{Head: p.head("Latency, cumulative"), Quantity: figure.Latency, Sets: sets}.Figure())
	}
	if len(read.IOPS) > 0 {
		p.add("steady", p.steady())
	}
	if m.Document != nil {
		p.add("cpu", figure.Bars{Head: p.head("CPU and disks over the run"), Quantity: figure.Percent, Groups: usage(m.Document)}.Figure())
	}
	return exported(p.out), p.flags, p.err
}

// DrawTogether draws runs side by side: by point, by each option that varies,
// and, of a few runs, their latencies and rates over each other. name is what
// the figures are of.
func DrawTogether(name string, runs []Measured) ([]Picture, error) {
	bench := together(name, runs)
	out, err := overview(bench, nil, 0)
	if err != nil {
		return nil, err
	}
	add := func(name string, f *figure.Figure) {
		if err == nil {
			var p picture
			p, err = render(name, f)
			out = append(out, p)
		}
	}
	values := optionValues(bench)
	for _, option := range slices.Sorted(maps.Keys(values)) {
		if differsIn(bench, option) {
			add("by-"+option, byOption(bench, option).Figure())
		}
	}
	if len(values["iodepth"]) > 0 {
		add("load", load(bench).Figure())
	}
	if f := surface(bench); filled(f) {
		add("surface", f.Figure())
	}
	if len(runs) > 1 && len(runs) <= maxTogether {
		compared(name, bench, runs, add)
	}
	return exported(out), err
}

// filled tells whether at least half of a surface was measured. Runs that
// happen to lie in one folder are seldom a matrix.
func filled(f figure.Surface) bool {
	known, all := 0, 0
	for _, row := range f.Values {
		for _, v := range row {
			all++
			if !math.IsNaN(v) {
				known++
			}
		}
	}
	return known > 1 && 2*known >= all
}

// together makes a bench of runs.
func together(name string, runs []Measured) model.Bench {
	b := model.Bench{Name: name, State: model.StateReported}
	for i := range runs {
		c := &runs[i].Completed
		b.Runs = append(b.Runs, &model.Run{RunRef: c.RunRef, State: model.StateCompleted, Completed: c})
	}
	return b
}

// compared draws few runs over each other.
func compared(name string, b model.Bench, runs []Measured, add func(string, *figure.Figure)) {
	all := make([]sample, len(runs))
	rates := figure.Time{Quantity: figure.IOPS}
	for i, m := range runs {
		all[i] = sample{b.Runs[i], m.Document}
		if m.Reading == nil || len(m.Reading.IOPS) == 0 {
			continue
		}
		var list []figure.Series
		for _, dir := range m.Reading.Names() {
			if s, ok := m.Reading.IOPS[dir]; ok {
				list = append(list, s)
			}
		}
		total := reading.Total(list)
		total.Name = label(i, all[i])
		rates.Series = append(rates.Series, total)
	}
	head := func(title string, facts ...string) figure.Head {
		return figure.Head{Title: title, Subject: name, Facts: append(facts, fmt.Sprintf("%d runs", len(runs)))}
	}
	if sets := sets(all); len(sets) > 1 {
		add("compare-percentiles", figure.Percentiles{Head: head("Latency by percentile"), Quantity: figure.Latency, Sets: sets}.Figure())
		add("compare-cdf", figure.CDF{Head: head("Latency, cumulative"), Quantity: figure.Latency, Sets: sets}.Figure())
		add("compare-difference", difference(head("Latency against run 1"), all))
	}
	if len(rates.Series) > 1 {
		rates.Head = head("IOPS over time", "all directions together")
		add("compare-iops", rates.Figure())
	}
}

func exported(list pictures) []Picture {
	out := make([]Picture, len(list))
	for i, p := range list {
		out[i] = Picture{p.name, p.svg, p.png}
	}
	return out
}
