package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg/draw"
)

// Load is a figure of latency over throughput: how much more load costs, up to
// the bend where it only costs latency.
type Load struct {
	Head
	// Throughput is what the x axis measures: IOPS or Bandwidth.
	Throughput Quantity
	// Curves have a colour and labels each up to six; of more, the two with
	// the greatest and the least throughput stand out from a swarm.
	Curves []LoadCurve
}

// LoadCurve is one series of measurements in order of rising load.
type LoadCurve struct {
	Name   string
	Points []LoadPoint
}

// LoadPoint is one measurement.
type LoadPoint struct {
	// Label says at which load, such as 32 for a queue depth.
	Label      string
	Throughput float64
	Latency    float64 // ns
}

// most is the greatest throughput of a curve.
func (c LoadCurve) most() float64 {
	most := 0.0
	for _, p := range c.Points {
		most = max(most, p.Throughput)
	}
	return most
}

// Figure lays the figure out.
func (l Load) Figure() *Figure {
	curves := l.measured()
	if len(curves) == 0 {
		return emptyFigure(l.Head, "nothing measured")
	}
	most, lo, hi := 0.0, math.Inf(1), 0.0
	for _, c := range curves {
		most = max(most, c.most())
		for _, p := range c.Points {
			lo, hi = min(lo, p.Latency), max(hi, p.Latency)
		}
	}
	f := &Figure{head: l.Head, height: plotHeight + 20}
	unit := l.Throughput.unitFor(most)
	a := newAxes(unit.name, "")
	a.X.Min, a.X.Max = 0, most*1.08
	a.X.Tick.Marker = linearTicks{unit: unit, want: 6}
	named := l.swarm(f, a, curves)
	var labels tags
	for i, c := range named {
		k := lineKey(i, c.Name, "")
		k.shape, k.dash = glyph(i), nil // glyphs tell the curves apart already
		f.keys = append(f.keys, k)
		t := tagged{tone: k.tone}
		for _, p := range c.Points {
			t.points, t.labels = append(t.points, point{p.Throughput, p.Latency}), append(t.labels, p.Label)
		}
		labels = append(labels, t)
		a.Add(curve{points: t.points, style: lineStyle(k.tone, k.width, k.dash), glyph: draw.GlyphStyle{Color: k.tone, Radius: 3, Shape: k.shape}})
	}
	a.Add(labels)
	if hi/lo > 20 {
		a.logY(Latency, lo, hi)
	} else {
		a.linearY(Latency, hi)
	}
	f.paint = a.paint
	return f
}

// measured drops points without a value, and curves without points.
func (l Load) measured() []LoadCurve {
	var out []LoadCurve
	for _, c := range l.Curves {
		c.Points = slices.DeleteFunc(slices.Clone(c.Points), func(p LoadPoint) bool { return !(p.Throughput > 0 && p.Latency > 0) })
		if len(c.Points) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// swarm draws what has no colour of its own, and returns the curves to name.
func (l Load) swarm(f *Figure, a *axes, curves []LoadCurve) []LoadCurve {
	if len(curves) <= maxColours {
		return curves
	}
	if len(curves) > maxSwarm {
		f.head = f.head.with(fmt.Sprintf("first %d of %d drawn", maxSwarm, len(curves)))
		curves = curves[:maxSwarm]
	}
	for _, c := range curves {
		var points []point
		for _, p := range c.Points {
			points = append(points, point{p.Throughput, p.Latency})
		}
		a.Add(curve{points: points, style: lineStyle(swarmTone(), 0.5, nil)})
	}
	f.keys = append(f.keys, swarmKeys(len(curves), "curves")[0])
	byMost := func(x, y LoadCurve) int { return cmp.Compare(x.most(), y.most()) }
	high, low := slices.MaxFunc(curves, byMost), slices.MinFunc(curves, byMost)
	high.Name, low.Name = "highest: "+high.Name, "lowest: "+low.Name
	return []LoadCurve{high, low}
}
