package reading

import (
	"math"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/fio/log"
	"github.com/fiord-bench/fiord/fio/result"
)

// finish turns the grids into series and checks them.
func (r *reader) finish() *Run {
	run := &r.run
	run.Step = time.Duration(r.step) * time.Millisecond
	run.IOPS, run.Bandwidth = map[string]figure.Series{}, map[string]figure.Series{}
	r.settle()
	r.busy()
	for i, name := range Directions() {
		dir := log.Direction(i)
		for kind, out := range map[log.Kind]map[string]figure.Series{log.IOPS: run.IOPS, log.Bandwidth: run.Bandwidth} {
			if rates := r.rates[kind]; rates != nil && rates.Total(dir) > 0 {
				out[name] = r.cover(lineOf(name, rates.Series(dir)), float64(r.last[kind]))
			}
		}
	}
	shown := r.total.grid
	if run.MeansOf == result.CompletionLatency {
		shown = r.completion.grid
	} else {
		run.Completion, _ = latencies(r.completion.grid)
	}
	run.Means, run.Highest = latencies(shown)
	r.check()
	return run
}

// settle decides what rows stand for that fio wrote late.
func (r *reader) settle() {
	if r.doc == nil {
		return
	}
	for i, name := range Directions() {
		f := figures(r.doc, name)
		if f == nil {
			continue
		}
		known := len(r.run.Heat) > 0 && r.histMS > 0 && r.histMS <= log.Quiet
		for kind, reported := range map[log.Kind]int64{log.IOPS: f.TotalIOs, log.Bandwidth: f.Bytes} {
			if rates := r.rates[kind]; rates != nil {
				err := rates.Settle(log.Direction(i), log.Evidence{
					Reported: float64(reported), End: float64(r.shift) + r.runtime(), Idle: r.idle[i], Known: known,
				})
				if err != nil {
					r.flag("late rows of the logs: " + err.Error())
				}
				if reach := int64(rates.Reach()) - r.shift; reach > 0 && float64(reach) < float64(epoch.Milliseconds()) {
					r.last[kind] = max(r.last[kind], uint64(reach))
				}
			}
		}
	}
}

// busy keeps when the section ran and when something of it completed. What a
// section without logs of rates did is not known: it counts as busy.
func (r *reader) busy() {
	rates := r.rates[log.IOPS]
	if rates == nil {
		rates = r.rates[log.Bandwidth]
	}
	from := float64(r.shift)
	to := from + r.runtime()
	if r.doc != nil {
		if ramp := ramp(r.doc); ramp > 0 { // its I/Os are in no log
			r.run.busy.Add(from-ramp, from)
		}
	}
	switch {
	case rates != nil:
		busy := rates.Busy()
		r.run.busy.Merge(busy)
		if to == from {
			to = busy.End()
		}
	case to > from:
		r.run.busy.Add(from, to)
	}
	r.run.active = append(r.run.active, log.Stretch{From: from, To: to})
}

// latencies are the means and the greatest values by direction.
func latencies(grid *log.Means) (mean, highest map[string]figure.Series) {
	mean, highest = map[string]figure.Series{}, map[string]figure.Series{}
	if grid == nil {
		return mean, highest
	}
	for i, name := range Directions() {
		dir := log.Direction(i)
		if s := grid.Series(dir); hasValue(s.Values) {
			mean[name], highest[name] = lineOf("mean", s), lineOf("greatest", grid.Highest(dir))
		}
	}
	return mean, highest
}

// runtime is fio's, in ms; 0 when it is unknown.
func (r *reader) runtime() float64 {
	if r.doc == nil {
		return 0
	}
	return float64(longest(r.doc))
}

func hasValue(values []float64) bool {
	return slices.ContainsFunc(values, func(v float64) bool { return !math.IsNaN(v) })
}

// lineOf converts a grid's series to a figure's.
func lineOf(name string, s log.Series) figure.Series {
	return figure.Series{
		Name: name, Start: time.Duration(s.StartMS) * time.Millisecond,
		Step: time.Duration(s.StepMS) * time.Millisecond, Values: s.Values,
	}
}
