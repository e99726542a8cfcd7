package figure

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Heatmap shows how latencies are distributed at each moment: time to the
// right, latency upwards on a log axis, the shade by how many I/Os.
type Heatmap struct {
	Head
	// Start and Step say when each column begins.
	Start, Step time.Duration
	// Columns hold one distribution per interval; an empty one is a silence.
	Columns []Distribution
	// To, when it is set, is where the axis ends; it then begins at zero. Else the
	// axis shows what the columns cover.
	To time.Duration
}

// Cells of a heatmap: enough for a screen, few enough for a small file.
const (
	heatColumns = 150
	heatPerTen  = 12 // rows per decade
)

// Figure lays the figure out.
func (h Heatmap) Figure() *Figure {
	lo, hi := spanOf(h.Columns)
	if len(h.Columns) == 0 || h.Step <= 0 || math.IsInf(lo, 0) {
		return emptyFigure(h.Head, "no samples")
	}
	span := time.Duration(len(h.Columns)) * h.Step
	from, to := h.Start, h.Start+span
	if h.To > h.Start {
		from, to = 0, h.To
	}
	unit := timeUnit(to - from)
	a := newAxes(unit.name, "")
	a.X.Min, a.X.Max = from.Seconds(), to.Seconds()
	a.X.Tick.Marker = linearTicks{unit: unit, want: 7}
	a.logY(Latency, lo, hi)
	cells, most := h.cells(a.Y.Min, a.Y.Max)
	cells.left, cells.width = float64(h.Start-from)/float64(to-from), float64(span)/float64(to-from)
	a.Add(cells)
	f := &Figure{head: h.Head, height: plotHeight, paint: newChart(Latency, a.X.Min, a.X.Max).paint(a), keys: []key{
		{name: "share of an interval's I/Os:"},
		{name: "least", kind: swatchArea, tone: heatTone(0)},
		{name: digits(most*100/4) + "%", kind: swatchArea, tone: heatTone(heatLevels / 2)},
		{name: digits(most*100) + "%", kind: swatchArea, tone: heatTone(heatLevels - 1)},
	}}
	return f
}

// cells gathers the columns into a grid of levels from 0, the least, up; -1
// stands for none. The level follows the square root of the share, so that a
// thin tail stays visible beside the bulk.
func (h Heatmap) cells(lo, hi float64) (grid levels, most float64) {
	cols := min(len(h.Columns), heatColumns)
	rows := max(1, int(math.Ceil(math.Log10(hi/lo)*heatPerTen)))
	share := make([][]float64, cols)
	for i := range share {
		from, to := i*len(h.Columns)/cols, (i+1)*len(h.Columns)/cols
		share[i] = columnShares(h.Columns[from:to], lo, hi, rows)
		for _, v := range share[i] {
			most = max(most, v)
		}
	}
	grid = levels{rows: rows, cols: cols, at: make([]int, rows*cols)}
	for i, col := range share {
		for j, v := range col {
			grid.at[i*rows+j] = -1
			if v > 0 {
				grid.at[i*rows+j] = min(heatLevels-1, int(math.Sqrt(v/most)*heatLevels))
			}
		}
	}
	return grid, most
}

// columnShares returns which share of the sets' values lies in each row.
func columnShares(sets []Distribution, lo, hi float64, rows int) []float64 {
	out := make([]float64, rows)
	total := 0.0
	for _, d := range sets {
		for _, b := range d.Bins {
			row := int(math.Log(max((b.Low+b.High)/2, lo)/lo) / math.Log(hi/lo) * float64(rows))
			out[min(max(row, 0), rows-1)] += float64(b.Count)
			total += float64(b.Count)
		}
	}
	for i := range out {
		if total > 0 {
			out[i] /= total
		}
	}
	return out
}

// levels is a grid of shades.
type levels struct {
	rows, cols  int
	at          []int   // column by column, from the bottom
	left, width float64 // of all columns, as shares of the plot
}

// Plot draws one path per shade, with neighbours in a row joined.
func (l levels) Plot(c draw.Canvas, _ *plot.Plot) {
	all := c.Max.X - c.Min.X
	left, w := c.Min.X+vg.Length(l.left)*all, vg.Length(l.width)*all/vg.Length(l.cols)
	h := (c.Max.Y - c.Min.Y) / vg.Length(l.rows)
	paths := make([]vg.Path, heatLevels)
	for row := range l.rows {
		for col := 0; col < l.cols; {
			end := col + 1
			level := l.at[col*l.rows+row]
			for end < l.cols && l.at[end*l.rows+row] == level {
				end++
			}
			if level >= 0 {
				paths[level] = append(paths[level], vg.Rectangle{
					Min: vg.Point{X: min(left+vg.Length(col)*w, c.Max.X), Y: c.Min.Y + vg.Length(row)*h},
					Max: vg.Point{X: min(left+vg.Length(end)*w, c.Max.X), Y: c.Min.Y + vg.Length(row+1)*h},
				}.Path()...)
			}
			col = end
		}
	}
	for level, p := range paths {
		if len(p) > 0 {
			c.SetColor(heatTone(level))
			c.Fill(p)
		}
	}
}

// Surface shows a quantity over two dimensions, such as queue depth and number
// of jobs, as a table of shaded cells with their values: a surface that can be
// read off, which one in perspective cannot.
type Surface struct {
	Head
	Quantity     Quantity
	XName, YName string
	X, Y         []string
	// Values[y][x] holds the medians; NaN where nothing was measured.
	Values [][]float64
}

// maxCells bounds each side of a surface.
const maxCells = 12

// Figure lays the figure out.
func (s Surface) Figure() *Figure {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, row := range s.Values {
		for _, v := range row {
			if !math.IsNaN(v) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	if len(s.X) == 0 || len(s.Y) == 0 || math.IsInf(lo, 0) {
		return emptyFigure(s.Head, "nothing measured")
	}
	head := s.Head
	nx, ny := min(len(s.X), maxCells), min(len(s.Y), maxCells)
	if nx < len(s.X) || ny < len(s.Y) {
		head = head.with(fmt.Sprintf("first %d × %d of %d × %d drawn", nx, ny, len(s.X), len(s.Y)))
	}
	unit := s.Quantity.unitFor(hi)
	head = head.with("in " + unit.name)
	height := 34 + vg.Length(ny)*26
	return &Figure{head: head, height: height, paint: func(c draw.Canvas) { s.paint(c, nx, ny, lo, hi, unit) }}
}

func (s Surface) paint(c draw.Canvas, nx, ny int, lo, hi float64, unit step) {
	muted := style(textSize, mutedTone(), false)
	left := muted.Width(clean(s.YName) + " ↑")
	for _, name := range s.Y[:ny] {
		left = max(left, muted.Width(clean(name)))
	}
	left = min(left, 130) + 8
	w := (c.Max.X - c.Min.X - left) / vg.Length(nx)
	const h, foot = vg.Length(26), vg.Length(30)
	c.FillText(muted, vg.Point{X: c.Min.X, Y: c.Min.Y + foot - 13}, shorten(muted, clean(s.YName)+" ↑", left))
	centred := muted
	centred.XAlign = draw.XCenter
	c.FillText(centred, vg.Point{X: (c.Min.X + left + c.Max.X) / 2, Y: c.Min.Y}, shorten(muted, clean(s.XName)+" →", innerWidth))
	for i := range nx {
		c.FillText(centred, vg.Point{X: c.Min.X + left + (vg.Length(i)+0.5)*w, Y: c.Min.Y + foot - 13}, shorten(muted, clean(s.X[i]), w-2))
	}
	for j := range ny {
		y := c.Min.Y + foot + vg.Length(j)*h
		c.FillText(muted, vg.Point{X: c.Min.X, Y: y + 9}, shorten(muted, clean(s.Y[j]), left-6))
		for i := range nx {
			s.cell(c, vg.Rectangle{Min: vg.Point{X: c.Min.X + left + vg.Length(i)*w, Y: y}, Max: vg.Point{X: c.Min.X + left + vg.Length(i+1)*w, Y: y + h}}, s.Values[j][i], lo, hi, unit)
		}
	}
}

// cell draws one value on its shade, in whichever ink can be read there.
func (s Surface) cell(c draw.Canvas, r vg.Rectangle, v, lo, hi float64, unit step) {
	r.Min.X, r.Min.Y, r.Max.X, r.Max.Y = r.Min.X+0.75, r.Min.Y+0.75, r.Max.X-0.75, r.Max.Y-0.75
	text, tone, ink := "–", gridTone(), inkTone()
	if !math.IsNaN(v) {
		level := 0
		if hi > lo {
			level = int((v - lo) / (hi - lo) * (heatLevels - 1))
		}
		text, tone, ink = digits(v/unit.size), heatTone(level), heatInk(level)
	}
	c.SetColor(tone)
	c.Fill(r.Path())
	st := style(textSize-1, ink, false)
	st.XAlign = draw.XCenter
	c.FillText(st, vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: (r.Min.Y+r.Max.Y)/2 - 3.5}, shorten(st, text, r.Size().X))
}
