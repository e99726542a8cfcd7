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
