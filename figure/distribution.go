package figure

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Bin is a range of values from Low up to High, and how many fell into it.
type Bin struct {
	Low, High float64
	Count     uint64
}

// Distribution is a histogram: bins from low to high that do not overlap.
type Distribution struct {
	Name string
	Bins []Bin
}

// N returns how many values were counted.
func (d Distribution) N() uint64 {
	var n uint64
	for _, b := range d.Bins {
		n += b.Count
	}
	return n
}

// Percentile returns the middle of the bin, as fio prints it, in which the share p (0 to 1)
// of all values is reached.
func (d Distribution) Percentile(p float64) float64 {
	goal, sum := p*float64(d.N()), 0.0
	for _, b := range d.Bins {
		if sum += float64(b.Count); sum >= goal && b.Count > 0 {
			if b.High-b.Low <= 1 { // an exact bin
				return b.Low
			}
			return (b.Low + b.High) / 2
		}
	}
	return math.NaN()
}

// Mean returns the mean of all values, each taken for the middle of its bin: it is
// off by at most half a bin's width. NaN without values.
func (d Distribution) Mean() float64 {
	n, sum := 0.0, 0.0
	for _, b := range d.Bins {
		middle := b.Low
		if b.High-b.Low > 1 {
			middle = (b.Low + b.High) / 2
		}
		n, sum = n+float64(b.Count), sum+float64(b.Count)*middle
	}
	return sum / n
}

// span returns the least and greatest edges of bins in use; the least is kept
// positive for a log axis.
func (d Distribution) span() (lo, hi float64) {
	lo, hi = math.Inf(1), 0
	for _, b := range d.Bins {
		if b.Count > 0 {
			lo, hi = min(lo, max(b.Low, b.High/2)), max(hi, b.High)
		}
	}
	return lo, hi
}

// Histogram shows how often each latency occurred, on a log axis.
type Histogram struct {
	Head
	Quantity Quantity
	// Sets are drawn over each other, up to six as areas, more as a swarm of
	// outlines.
	Sets []Distribution
}

// Figure lays the figure out.
func (h Histogram) Figure() *Figure {
	sets, head := counted(h.Sets, h.Head)
	if len(sets) == 0 {
		return emptyFigure(head, "no samples")
	}
	f := &Figure{head: head, height: plotHeight}
	a := newAxes("", "")
	lo, hi := spanOf(sets)
	a.logX(h.Quantity, lo, hi)
	top := 0.0
	var many strands
	for i, d := range sets {
		bars := shares(d, a.X.Min, a.X.Max)
		for _, v := range bars {
			top = max(top, v)
		}
		if len(sets) > maxColours {
			many.list = append(many.list, strandOf(d, steps(bars, a.X.Min, a.X.Max)))
			continue
		}
		k := lineKey(i, d.Name, "n = "+Grouped(d.N()))
		f.keys = append(f.keys, k)
		a.Add(outline{bars: bars, fill: seriesTone(i, 30), line: lineStyle(k.tone, 1.1, k.dash)})
	}
	if len(many.list) > 0 {
		many.rank, many.logX = "p99", true
		many.add(f, a)
	}
	a.linearY(Percent, top)
	a.yName = fmt.Sprintf("%% of I/Os per 1/%d of a decade", shareSteps)
	f.paint = a.paint
	return f
}

// shareSteps is how many bars a decade has. fio's bins are narrower where
// there are many and of unlike widths; equal steps on the axis make equal
// areas mean equal shares.
const shareSteps = 20

// shares spreads a distribution over equal steps of the log axis, in percent.
// A bin that straddles steps is divided by its width.
func shares(d Distribution, lo, hi float64) []float64 {
	n := int(math.Round(math.Log10(hi/lo) * shareSteps))
	out := make([]float64, max(n, 1))
	total := float64(d.N())
	at := func(v float64) float64 { return math.Log10(max(v, lo)/lo) * shareSteps }
	for _, b := range d.Bins {
		if b.Count == 0 {
			continue
		}
		from, to := at(b.Low), at(max(b.High, b.Low*(1+1e-9)))
		share := float64(b.Count) / total * 100
		for i := int(from); i < len(out) && float64(i) <= to; i++ {
			part := 1.0
			if to > from {
				part = (min(to, float64(i+1)) - max(from, float64(i))) / (to - from)
			}
			out[i] += share * max(part, 0)
		}
	}
	return out
}

// outline draws bars of equal width on the x axis as one stepped area.
type outline struct {
	bars []float64
	fill tone
	line draw.LineStyle
}

// Plot draws the area and its upper edge.
func (o outline) Plot(c draw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&c)
	width := (c.Max.X - c.Min.X) / vg.Length(len(o.bars))
	pts := []vg.Point{{X: c.Min.X, Y: y(0)}}
	for i, v := range o.bars {
		x := c.Min.X + vg.Length(i)*width
		pts = append(pts, vg.Point{X: x, Y: y(v)}, vg.Point{X: x + width, Y: y(v)})
	}
	pts = append(pts, vg.Point{X: c.Max.X, Y: y(0)})
	c.FillPolygon(o.fill, pts)
	c.StrokeLines(o.line, pts)
}

// steps are the edges of bars over even steps of a log axis.
func steps(bars []float64, lo, hi float64) []point {
	edge := func(i int) float64 { return lo * math.Pow(hi/lo, float64(i)/float64(len(bars))) }
	out := make([]point, 0, 2*len(bars))
	for i, v := range bars {
		out = append(out, point{edge(i), v}, point{edge(i + 1), v})
	}
	return out
}

// strandOf is a curve of a distribution, ranked by its p99.
func strandOf(d Distribution, points []point) strand {
	return strand{name: d.Name, note: "n = " + Grouped(d.N()), points: points, rank: d.Percentile(0.99)}
}

// counted drops empty sets, and what is beyond all bounds, saying so.
func counted(sets []Distribution, head Head) ([]Distribution, Head) {
	var out []Distribution
	for _, d := range sets {
		if d.N() > 0 {
			out = append(out, d)
		}
	}
	if len(out) > maxSwarm {
		head = head.with(fmt.Sprintf("first %d of %d drawn", maxSwarm, len(out)))
		out = out[:maxSwarm]
	}
	return out, head
}

func spanOf(sets []Distribution) (lo, hi float64) {
	lo, hi = math.Inf(1), 0
	for _, d := range sets {
		l, h := d.span()
		lo, hi = min(lo, l), max(hi, h)
	}
	return lo, max(hi, lo*1.01)
}

// CDF shows the share of I/Os that took no longer, on a log axis.
type CDF struct {
	Head
	Quantity Quantity
	Sets     []Distribution
}

// Figure lays the figure out.
func (d CDF) Figure() *Figure {
	sets, head := counted(d.Sets, d.Head)
	if len(sets) == 0 {
		return emptyFigure(head, "no samples")
	}
	f := &Figure{head: head, height: plotHeight}
	a := newAxes("", "% of I/Os that took no longer")
	lo, hi := spanOf(sets)
	a.logX(d.Quantity, lo, hi)
	a.Y.Min, a.Y.Max = 0, 100
	a.Y.Tick.Marker = linearTicks{unit: step{"", 1}, want: 5}
	curves := strands{rank: "p99", logX: true}
	for _, s := range sets {
		var xy []point
		sum, n := 0.0, float64(s.N())
		for _, b := range s.Bins {
			if b.Count > 0 {
				xy = append(xy, point{max(b.Low, a.X.Min), sum / n * 100})
				sum += float64(b.Count)
				xy = append(xy, point{b.High, sum / n * 100})
			}
		}
		if len(sets) > maxColours { // or else the median would end with the fastest
			xy = append(append([]point{{a.X.Min, 0}}, xy...), point{a.X.Max, 100})
		}
		curves.list = append(curves.list, strandOf(s, xy))
	}
	curves.add(f, a)
	f.paint = a.paint
	return f
}

// Percentiles shows latency over percentile with the tail stretched: each
// nine takes as much room as the one before.
type Percentiles struct {
	Head
	Quantity Quantity
	Sets     []Distribution
}

// Figure lays the figure out.
func (d Percentiles) Figure() *Figure {
	sets, head := counted(d.Sets, d.Head)
	if len(sets) == 0 {
		return emptyFigure(head, "no samples")
	}
	f := &Figure{head: head, height: plotHeight}
	a := newAxes("percentile", "")
	nines := 1.0
	lo, hi := math.Inf(1), 0.0
	for _, s := range sets {
		nines = max(nines, math.Log10(float64(s.N())))
	}
	nines = min(nines, 6)
	curves := strands{rank: "p99"}
	for _, s := range sets {
		var xy []point
		sum, n := 0.0, float64(s.N())
		for _, b := range s.Bins {
			if b.Count == 0 {
				continue
			}
			x := min(nines, -math.Log10(1-sum/n))
			sum += float64(b.Count)
			// a percentile beyond one in n is not known
			end := min(nines, math.Log10(n), -math.Log10(max(1-sum/n, 1e-12)))
			xy = append(xy, point{x, b.High}, point{max(x, end), b.High})
			lo, hi = min(lo, b.High), max(hi, b.High)
		}
		curves.list = append(curves.list, strandOf(s, xy))
	}
	curves.add(f, a)
	a.X.Min, a.X.Max = 0, nines
	a.X.Tick.Marker = nineTicks(nines)
	a.logY(d.Quantity, lo, max(hi, lo*1.01))
	f.paint = a.paint
	return f
}

// nineTicks marks the percentiles people name.
func nineTicks(nines float64) namedTicks {
	var out namedTicks
	for _, p := range []struct {
		share float64
		label string
	}{{0, "0"}, {0.5, "50"}, {0.9, "90"}, {0.99, "99"}, {0.999, "99.9"}, {0.9999, "99.99"}, {0.99999, "99.999"}, {0.999999, "99.9999"}} {
		if x := -math.Log10(1 - p.share); x <= nines+1e-9 {
			out = append(out, plot.Tick{Value: x, Label: p.label})
		}
	}
	return out
}
