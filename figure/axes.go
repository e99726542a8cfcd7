package figure

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// axes is a plot area with its scales: gonum lays it out, figures put marks
// into it.
type axes struct {
	*plot.Plot
	yName string // written above the axis, unrotated
}

// newAxes returns axes over the given ranges in the figures' style.
func newAxes(xName, yName string) *axes {
	p := plot.New()
	p.BackgroundColor = nil
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle = lineStyle(axisTone(), 0.7, nil)
		a.Padding = 0
		a.Tick.LineStyle = lineStyle(axisTone(), 0.7, nil)
		a.Tick.Length = 4
		x, y := a.Tick.Label.XAlign, a.Tick.Label.YAlign
		a.Tick.Label = style(textSize, mutedTone(), false)
		a.Tick.Label.XAlign, a.Tick.Label.YAlign = x, y
		a.Label.TextStyle = style(textSize, mutedTone(), false)
		a.Label.TextStyle.XAlign = draw.XCenter
		a.Label.TextStyle.YAlign = draw.YBottom
	}
	p.X.Label.Text = xName
	p.X.Label.Padding = 2
	return &axes{Plot: p, yName: yName}
}

// linearY sets the y axis from zero to a little above hi. Rates start at zero:
// a cut axis makes noise look like change.
func (a *axes) linearY(q Quantity, hi float64) {
	if !(hi > 0) || math.IsInf(hi, 0) {
		hi = 1
	}
	u := q.unitFor(hi)
	a.Y.Min, a.Y.Max = 0, hi*1.06
	a.Y.Tick.Marker = linearTicks{unit: u, want: 6}
	a.yName = u.name
}

// logY sets a logarithmic y axis that covers lo to hi, both positive, whole
// steps of 1, 2 or 5 outwards.
func (a *axes) logY(q Quantity, lo, hi float64) {
	a.Y.Min, a.Y.Max = niceDown(lo), niceUp(hi)
	a.Y.Scale = safeLog{}
	a.Y.Tick.Marker = logTicks{q}
}

// logX is logY for the x axis.
func (a *axes) logX(q Quantity, lo, hi float64) {
	a.X.Min, a.X.Max = niceDown(lo), niceUp(hi)
	a.X.Scale = safeLog{}
	a.X.Tick.Marker = logTicks{q}
}

// niceUp returns the least 1, 2 or 5 times a power of ten that is at least v.
func niceUp(v float64) float64 { return niceStep(v) }

// niceDown returns the greatest 1, 2 or 5 times a power of ten below v.
func niceDown(v float64) float64 {
	base := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{5, 2} {
		if v > m*base*(1+1e-9) {
			return m * base
		}
	}
	if v > base*(1+1e-9) {
		return base
	}
	return base / 2
}

// safeLog is a log scale that puts what has no logarithm on the lower edge,
// where gonum's would panic.
type safeLog struct{}

// Normalize returns the position of x between lo and hi in logarithms.
func (safeLog) Normalize(lo, hi, x float64) float64 {
	if x <= lo {
		return 0
	}
	return math.Log(x/lo) / math.Log(hi/lo)
}

// paint draws grid, marks and axes into c.
func (a *axes) paint(c draw.Canvas) {
	name := style(textSize, mutedTone(), false)
	if a.yName != "" {
		c.FillText(name, vg.Point{X: c.Min.X, Y: c.Max.Y - 9}, a.yName)
	}
	body := a.body(c)
	a.grid(a.DataCanvas(body))
	a.Draw(body)
}

// grid draws horizontal lines at labelled ticks, under everything else.
func (a *axes) grid(c draw.Canvas) {
	for _, t := range a.Y.Tick.Marker.Ticks(a.Y.Min, a.Y.Max) {
		if y := c.Y(a.Y.Norm(t.Value)); t.Label != "" && c.ContainsY(y) {
			c.StrokeLine2(lineStyle(gridTone(), 0.7, nil), c.Min.X, y, c.Max.X, y)
		}
	}
}

// emptyFigure says why there is nothing to see.
func emptyFigure(h Head, why string) *Figure {
	return &Figure{head: h, height: 80, paint: func(c draw.Canvas) {
		st := style(textSize, mutedTone(), false)
		st.XAlign = draw.XCenter
		c.SetLineStyle(lineStyle(gridTone(), 1, []vg.Length{4, 3}))
		c.Stroke(append(c.Path(), vg.PathComp{Type: vg.CloseComp}))
		c.FillText(st, c.Center(), why)
	}}
}
