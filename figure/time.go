package figure

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Time is a figure of one quantity over time: IOPS, bandwidth or latency.
type Time struct {
	Head
	// Quantity is what the values measure.
	Quantity Quantity
	// Series are drawn as lines. Up to six have a colour each; more are drawn
	// as a swarm with their median and the two extremes named.
	Series []Series
	// Refs are horizontal lines for comparison, such as fio's own summary.
	Refs []Ref
	// Log asks for a logarithmic axis. Latencies that span more than a factor
	// of twenty get one by themselves.
	Log bool
	// Steady, when its end is after its start, marks the stretch that was
	// found steady.
	Steady [2]time.Duration
	// From and To, when To is the later one, are what the axis shows; else it
	// shows what the series cover.
	From, To time.Duration
	// Silent are the stretches in which nothing completed, if whoever draws has
	// found them for all figures (see [Silences]); else they are those of the
	// series here.
	Silent *[][2]time.Duration
}

// Ref is a reference value drawn across a figure.
type Ref struct {
	Name  string
	Value float64
}

// Columns of a drawing: more than the eye or a screen resolves would only
// make the file larger.
const (
	lineColumns  = 480
	swarmColumns = 120
	stepColumns  = 160 // up to here intervals are drawn as steps
)

// Figure lays the figure out.
func (t Time) Figure() *Figure {
	drawn := t.drawable()
	if len(drawn) == 0 {
		return emptyFigure(t.Head, "no samples")
	}
	from, to := extent(drawn)
	if t.To > t.From {
		from, to = t.From.Seconds(), t.To.Seconds()
	}
	unit := timeUnit(time.Duration((to - from) * 1e9))
	a := newAxes(unit.name, "")
	a.X.Min, a.X.Max = from, to
	a.X.Tick.Marker = linearTicks{unit: unit, want: 7}
	about := newChart(t.Quantity, from, to)
	f := &Figure{head: t.Head, height: plotHeight, paint: about.paint(a)}

	spans := t.addSpans(a, drawn)
	lines := t.addSeries(f, a, drawn, about)
	for i, r := range t.Refs {
		tone := inkTone()
		f.keys = append(f.keys, key{name: r.Name, note: t.Quantity.Format(r.Value), tone: tone, width: 0.9, dash: dashes(i + 2)})
		a.Add(levelLine{r.Value, lineStyle(tone, 0.9, dashes(i+2))})
	}
	f.keys = append(f.keys, spans...)
	t.scaleY(a, lines)
	return f
}

// drawable returns the series that have values on a usable grid.
func (t Time) drawable() []Series {
	var out []Series
	for _, s := range t.Series {
		if len(s.Values) > 0 && s.Step > 0 {
			out = append(out, s)
		}
	}
	return out
}

// addSpans marks steady and silent stretches behind the lines, and returns
// their legend.
func (t Time) addSpans(a *axes, drawn []Series) []key {
	var keys []key
	if t.Steady[1] > t.Steady[0] {
		tone := newTone("steady", 0x00946B, 0x35C79B, 14)
		s := span{t.Steady[0].Seconds(), t.Steady[1].Seconds()}
		keys = append(keys, key{name: "steady state", note: seconds(s.to - s.from), kind: swatchArea, tone: tone})
		a.Add(timeSpans{[]span{s}, tone})
	}
	quiet := t.quiet(drawn)
	if len(quiet) == 0 {
		return keys
	}
	total := 0.0
	for _, s := range quiet {
		total += s.to - s.from
	}
	a.Add(timeSpans{quiet, silentTone()})
	return append(keys, key{
		name: "no I/O completed", note: fmt.Sprintf("%s in %s", seconds(total), stretches(len(quiet))),
		kind: swatchArea, tone: silentTone(),
	})
}

// quiet are the silent stretches.
func (t Time) quiet(drawn []Series) []span {
	if t.Silent == nil {
		return silences(drawn)
	}
	var out []span
	for _, s := range *t.Silent {
		out = append(out, span{s[0].Seconds(), s[1].Seconds()})
	}
	return out
}

// Silences returns the stretches of a run of a given length in which no series
// has anything. A length of 0 stands for what the series cover.
func Silences(all []Series, length time.Duration) [][2]time.Duration {
	from, to := extent(all)
	if length > 0 {
		from, to = 0, max(length.Seconds(), to)
	}
	var out [][2]time.Duration
	for _, s := range silences(all) {
		s.from, s.to = max(s.from, from), min(s.to, to)
		if d := s.to - s.from; d > 0 && d >= all[0].Step.Seconds()/2 { // not what an interval covers in part
			out = append(out, [2]time.Duration{time.Duration(s.from * 1e9), time.Duration(s.to * 1e9)})
		}
	}
	return out
}

// addSeries adds the lines and their legend, and returns what was drawn.
func (t Time) addSeries(f *Figure, a *axes, drawn []Series, about *chart) [][]column {
	if len(drawn) > maxColours {
		return t.addSwarm(f, a, drawn, about)
	}
	var all [][]column
	thinned := false
	for i, s := range drawn {
		cols := s.columns(lineColumns)
		thinned = thinned || len(s.Values) > len(cols)
		all = append(all, cols)
		about.line(s.Name, cols)
		k := lineKey(i, s.Name, t.note(s))
		f.keys = append(f.keys, k)
		a.Add(envelope{cols, seriesTone(i, 30)})
		a.Add(timeLine{cols, lineStyle(k.tone, k.width, k.dash), len(cols) <= stepColumns})
	}
	if thinned {
		f.keys = append(f.keys, key{name: "least to greatest per column", kind: swatchArea, tone: seriesTone(0, 30)})
	}
	return all
}

// note returns what the legend says of s.
func (t Time) note(s Series) string {
	if s.Note != "" || t.Quantity == Latency {
		return s.Note
	}
	return "mean " + t.Quantity.Format(s.mean())
}

// addSwarm draws many series as thin lines, and over them the median and the
// series with the least and greatest mean.
func (t Time) addSwarm(f *Figure, a *axes, drawn []Series, about *chart) [][]column {
	var all [][]column
	least, most := 0, 0
	means := make([]float64, len(drawn))
	for i, s := range drawn {
		cols := s.columns(swarmColumns)
		all = append(all, cols)
		a.Add(timeLine{cols, lineStyle(swarmTone(), 0.5, nil), false})
		if means[i] = s.mean(); means[i] < means[least] {
			least = i
		}
		if means[i] > means[most] {
			most = i
		}
	}
	f.keys = append(f.keys, swarmKeys(len(drawn), "series")...)
	for i, n := range []int{most, least} {
		k := lineKey(i, []string{"highest: ", "lowest: "}[i]+drawn[n].Name, t.note(drawn[n]))
		f.keys = append(f.keys, k)
		about.line(k.name, all[n])
		a.Add(timeLine{all[n], lineStyle(k.tone, k.width, k.dash), false})
	}
	mid := medianOf(all)
	about.line("median", mid)
	a.Add(timeLine{mid, lineStyle(inkTone(), 1.8, nil), false})
	return all
}

// medianOf returns the median of the columns' means at the places of the
// longest list. Lists on different grids are matched by time.
func medianOf(all [][]column) []column {
	grid := slices.MaxFunc(all, func(a, b []column) int { return len(a) - len(b) })
	out := make([]column, len(grid))
	at := make([]int, len(all))
	var values []float64
	for i, g := range grid {
		values = values[:0]
		centre := (g.from + g.to) / 2
		for j, cols := range all {
			for at[j] < len(cols) && cols[at[j]].to <= centre {
				at[j]++
			}
			if at[j] < len(cols) && cols[at[j]].from <= centre && !math.IsNaN(cols[at[j]].mid) {
				values = append(values, cols[at[j]].mid)
			}
		}
		out[i] = column{from: g.from, to: g.to, mid: median(values)}
	}
	return out
}

// median returns the middle of values, which it sorts; NaN if there are none.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// scaleY chooses the y axis from what is drawn.
func (t Time) scaleY(a *axes, lines [][]column) {
	lo, hi := math.Inf(1), 0.0
	see := func(v float64) {
		if v > 0 && !math.IsInf(v, 0) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	for _, cols := range lines {
		for _, c := range cols {
			see(c.low)
			see(c.top)
		}
	}
	for _, r := range t.Refs {
		see(r.Value)
	}
	if hi > 0 && (t.Log || t.Quantity == Latency && hi/lo > 20) {
		a.logY(t.Quantity, lo, hi)
		return
	}
	a.linearY(t.Quantity, hi)
}

// seconds writes a duration in seconds the way the axes do.
func seconds(s float64) string {
	if s < 1 {
		return digits(s*1e3) + " ms"
	}
	return digits(s) + " s"
}

func stretches(n int) string {
	if n == 1 {
		return "1 stretch"
	}
	return grouped(n) + " stretches"
}
