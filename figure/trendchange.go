package figure

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Tones of changes of level.
func worseTone() tone  { return newTone("changeworse", 0xB03A00, 0xFF8A4C, 100) }
func betterTone() tone { return newTone("changebetter", 0x00694C, 0x35C79B, 100) }

// changeMark is a place at which the level of one line or several changed. The
// greatest change is written beside it.
type changeMark struct {
	at    int
	worse bool
	text  string
}

// changes adds the marks of the changes, and returns their legend.
func (t Trend) changes(a *axes) []key {
	marks := t.changeMarks()
	a.Add(changeMarks(marks))
	var keys []key
	for _, k := range []struct {
		worse bool
		name  string
		tone  tone
	}{{true, "level changed for the worse", worseTone()}, {false, "for the better", betterTone()}} {
		if slices.ContainsFunc(marks, func(m changeMark) bool { return m.worse == k.worse }) {
			keys = append(keys, key{name: k.name, tone: k.tone, width: 1.2, dash: changeDash(k.worse)})
		}
	}
	return keys
}

// changeDash tells the directions apart without colour.
func changeDash(worse bool) []vg.Length {
	if worse {
		return []vg.Length{4, 2}
	}
	return []vg.Length{1.5, 2}
}

// changeMarks gathers changes by commit and direction, in order.
func (t Trend) changeMarks() []changeMark {
	list := slices.DeleteFunc(slices.Clone(t.Changes), func(c TrendChange) bool {
		return c.At <= 0 || c.At >= len(t.Commits) || math.IsNaN(c.Change)
	})
	slices.SortStableFunc(list, func(x, y TrendChange) int {
		return cmp.Or(cmp.Compare(x.At, y.At), -compareBool(x.Worse, y.Worse), -cmp.Compare(math.Abs(x.Change), math.Abs(y.Change)))
	})
	var out []changeMark
	for i := 0; i < len(list); {
		j := i + 1
		for j < len(list) && list[j].At == list[i].At && list[j].Worse == list[i].Worse {
			j++
		}
		m := changeMark{at: list[i].At, worse: list[i].Worse, text: changeText(list[i].Change)}
		if j-i > 1 {
			m.text += fmt.Sprintf(" (%d lines)", j-i)
		}
		out = append(out, m)
		i = j
	}
	return out
}

func compareBool(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return 1
	default:
		return -1
	}
}

// changeText writes a change with as many digits as it deserves.
func changeText(v float64) string {
	if v >= 1 {
		return fmt.Sprintf("×%.3g", v+1)
	}
	if math.Abs(v) >= 0.1 {
		return fmt.Sprintf("%+.0f%%", v*100)
	}
	return fmt.Sprintf("%+.1f%%", v*100)
}

// maxTold bounds how many changes the text equivalent lists.
const maxTold = 30

// describe tells the changes in words.
func (t Trend) describe(b *strings.Builder) {
	for i, c := range t.Changes {
		if i == maxTold {
			fmt.Fprintf(b, ". And %d more changes", len(t.Changes)-i)
			return
		}
		if c.At >= 0 && c.At < len(t.Commits) {
			fmt.Fprintf(b, ". From %s on: %s %s", clean(t.Commits[c.At].Label), clean(c.Line), changeText(c.Change))
		}
	}
}

// changeMarks draws a line before each commit from which on another level held,
// with labels that do not cover each other.
type changeMarks []changeMark

// labelRows is how many rows of labels the head of the plot has room for.
const labelRows = 3

// Plot draws the marks, and the labels over all lines.
func (m changeMarks) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	for _, one := range m {
		at := x(float64(one.at) - 0.5)
		c.StrokeLine2(lineStyle(one.tone(), 1.2, changeDash(one.worse)), at, c.Min.Y, at, c.Max.Y)
	}
	const h = vg.Length(12)
	ends := [labelRows]vg.Length{c.Min.X, c.Min.X, c.Min.X} // of what each row holds
	for _, one := range m {
		st := style(textSize-1, one.tone(), true)
		w := st.Width(one.text)
		left := x(float64(one.at)-0.5) + 3
		if left+w > c.Max.X {
			left -= w + 6
		}
		for row := range ends {
			if left < ends[row] {
				continue
			}
			low := c.Max.Y - h*vg.Length(row+1)
			c.SetColor(paperTone())
			c.Fill(vg.Rectangle{Min: vg.Point{X: left - 1, Y: low}, Max: vg.Point{X: left + w + 1, Y: low + h}}.Path())
			c.FillText(st, vg.Point{X: left, Y: low + 3}, one.text)
			ends[row] = left + w + 4
			break
		}
	}
}

func (m changeMark) tone() tone {
	if m.worse {
		return worseTone()
	}
	return betterTone()
}
