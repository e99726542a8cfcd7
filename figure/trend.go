package figure

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Trend shows a quantity from commit to commit.
type Trend struct {
	Head
	Quantity Quantity
	// Commits label the x axis, oldest first.
	Commits []Commit
	// Lines hold one series per point or metric. Up to six have a colour and
	// whiskers each; more are a swarm of medians with the extremes named.
	Lines []TrendLine
	// Changes are where the level of a line changed.
	Changes []TrendChange
}

// TrendChange is a change of level of one line.
type TrendChange struct {
	// At is the first commit at the new level.
	At int
	// Line is the line's name, Change by how much as a share: 0.05 is five
	// percent more. Worse is its direction.
	Line   string
	Change float64
	Worse  bool
}

// Commit is one place on the x axis.
type Commit struct {
	// Label such as an abbreviated hash.
	Label string
	// Mark says what was found there.
	Mark Mark
}

// Mark is what a commit did.
type Mark int

const (
	// Plain is a commit at which nothing was found.
	Plain Mark = iota
	// Worse is a commit that regressed.
	Worse
	// Better is a commit that improved.
	Better
	// Accepted is a commit whose shift is the new baseline.
	Accepted
)

// TrendLine is the values at each commit.
type TrendLine struct {
	Name string
	// Values[i] are the repeats at commit i; none leaves a gap.
	Values [][]float64
}

// Figure lays the figure out.
func (t Trend) Figure() *Figure {
	lines, head := t.Lines, t.Head
	if len(lines) > maxSwarm {
		head = head.with(fmt.Sprintf("first %d of %d drawn", maxSwarm, len(lines)))
		lines = lines[:maxSwarm]
	}
	hi := 0.0
	for _, l := range lines {
		for _, values := range l.Values {
			for _, v := range values {
				if !math.IsInf(v, 0) {
					hi = max(hi, v)
				}
			}
		}
	}
	if hi == 0 || len(t.Commits) == 0 {
		return emptyFigure(head, "no history yet")
	}
	f := &Figure{head: head, height: plotHeight}
	a := newAxes("commit, newest to the right", "")
	a.X.Min, a.X.Max = -0.5, float64(len(t.Commits))-0.5
	a.X.Tick.Marker = t.ticks()
	f.keys = t.marks(a)
	f.keys = append(f.keys, t.changes(a)...)
	t.addLines(f, a, lines)
	if len(t.Changes) > 0 {
		hi *= 1.18 // room for what is written beside the changes
	}
	a.linearY(t.Quantity, hi)
	f.detail = t.describe
	f.paint = a.paint
	return f
}

// addLines draws the lines and their legend.
func (t Trend) addLines(f *Figure, a *axes, lines []TrendLine) {
	if len(lines) > maxColours {
		many := strands{rank: "mean"}
		for _, l := range lines {
			many.list = append(many.list, l.strand())
		}
		many.add(f, a)
		return
	}
	for i, l := range lines {
		k := lineKey(i, l.Name, "")
		k.shape = glyph(i)
		f.keys = append(f.keys, k)
		a.Add(trendMarks{l.Values, k})
	}
}

// strand is the line of medians, over gaps as well.
func (l TrendLine) strand() strand {
	s := strand{name: l.Name, rank: math.NaN()}
	sum := 0.0
	for i, values := range l.Values {
		if m := median(slices.Clone(values)); !math.IsNaN(m) {
			s.points = append(s.points, point{float64(i), m})
			sum += m
			s.rank = sum / float64(len(s.points))
		}
	}
	return s
}

// ticks labels as many commits as find room, the newest always.
func (t Trend) ticks() namedTicks {
	const room = 7
	every := (len(t.Commits) + room - 1) / room
	st := style(textSize, mutedTone(), false)
	var out namedTicks
	for i := len(t.Commits) - 1; i >= 0; i -= every {
		out = append(out, plot.Tick{Value: float64(i), Label: shorten(st, clean(t.Commits[i].Label), innerWidth/(room+1))})
	}
	return out
}

// marks shades the commits at which something was found, and returns the
// legend of the marks in use.
func (t Trend) marks(a *axes) []key {
	var keys []key
	for _, m := range []struct {
		mark Mark
		name string
		tone tone
	}{
		{Worse, "regressed", newTone("worse", 0xD55E00, 0xFF8A4C, 22)},
		{Better, "improved", newTone("better", 0x00946B, 0x35C79B, 22)},
		{Accepted, "accepted as baseline", newTone("accepted", 0x0072B2, 0x4C9AFF, 18)},
	} {
		var spans []span
		for i, c := range t.Commits {
			if c.Mark == m.mark {
				spans = append(spans, span{float64(i) - 0.5, float64(i) + 0.5})
			}
		}
		if len(spans) > 0 {
			a.Add(timeSpans{spans, m.tone})
			keys = append(keys, key{name: m.name, kind: swatchArea, tone: m.tone})
		}
	}
	return keys
}

// trendMarks draws medians joined by lines, with whiskers over the repeats.
type trendMarks struct {
	values [][]float64
	key    key
}

// Plot draws the line, broken where nothing was measured.
func (t trendMarks) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var run []vg.Point
	flush := func() {
		if len(run) > 1 {
			c.StrokeLines(lineStyle(t.key.tone, t.key.width, nil), run)
		}
		run = nil
	}
	var dots []vg.Point
	for i, values := range t.values {
		sorted := append([]float64(nil), values...)
		m := median(sorted)
		if math.IsNaN(m) {
			flush()
			continue
		}
		at := vg.Point{X: x(float64(i)), Y: y(m)}
		run, dots = append(run, at), append(dots, at)
		if n := len(sorted); n > 1 {
			c.StrokeLine2(lineStyle(t.key.tone, 0.9, nil), at.X, y(sorted[0]), at.X, y(sorted[n-1]))
		}
	}
	flush()
	radius := vg.Length(3)
	if len(t.values) > 80 {
		radius = 1.6
	}
	for _, at := range dots {
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: t.key.tone, Radius: radius, Shape: t.key.shape}, at)
	}
}
