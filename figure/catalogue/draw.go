package catalogue

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/figure"
)

// ErrUnknown says that there is no figure of that name, or not of that subject.
var ErrUnknown = errors.New("unknown figure")

// Picture is a figure in one format or both.
type Picture struct {
	// Name such as iops or latency-read, fit for a file.
	Name string
	SVG  []byte
	// PNG is nil unless it was asked for: making pixels takes some thirty times as
	// long as writing the drawing.
	PNG []byte
}

// Format is how a figure is written.
type Format string

// Formats of figures.
const (
	SVG Format = "svg"
	PNG Format = "png"
)

// Draw draws one figure by its name.
func Draw(scope Scope, name string, s Subject) (*figure.Figure, error) {
	e, ok := Find(scope, name)
	if !ok {
		return nil, fmt.Errorf("figure %s: %w", name, ErrUnknown)
	}
	for _, direction := range e.directions(s) {
		if e.named(s, direction) == name {
			return e.draw(e.title(direction), s, direction), nil
		}
	}
	return nil, fmt.Errorf("figure %s: the run has no such I/Os: %w", name, ErrUnknown)
}

// AtOnce draws the figures of a subject that do not wait to be asked for, as SVG
// and in further formats.
func AtOnce(scope Scope, s Subject, further ...Format) ([]Picture, error) {
	var list []Entry
	for _, e := range List(scope) {
		if !e.OnDemand {
			list = append(list, e)
		}
	}
	return drawAll(list, s, further)
}

// drawAll draws each of the entries that has something to show. Of neighbours
// that are drawn by direction, those of one direction stand together.
func drawAll(list []Entry, s Subject, further []Format) ([]Picture, error) {
	var out []Picture
	for len(list) > 0 {
		n := 1
		for list[0].byDirection && n < len(list) && list[n].byDirection {
			n++
		}
		for _, direction := range list[0].directions(s) {
			for _, e := range list[:n] {
				if e.worth == nil || !e.worth(s, direction) {
					continue
				}
				drawn, err := encode(e.named(s, direction), e.draw(e.title(direction), s, direction), further)
				if err != nil {
					return nil, err
				}
				out = append(out, drawn)
			}
		}
		list = list[n:]
	}
	return out, nil
}

// directions lists what the entry is drawn for: each direction of the run, or
// once.
func (e Entry) directions(s Subject) []string {
	if e.byDirection {
		return s.Run.Completed.Summary.Directions()
	}
	return []string{""}
}

// named is the name of the entry's figure for a direction: the direction is told
// where there are several.
func (e Entry) named(s Subject, direction string) string {
	if direction == "" || len(e.directions(s)) < 2 {
		return e.Name
	}
	return e.Name + "-" + slug(direction)
}

// slug makes the name of a series fit for a file and an address.
func slug(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
}

func (e Entry) title(direction string) string {
	if direction == "" {
		return e.Title
	}
	return e.Title + ", " + direction
}

// encode writes a figure as SVG and in further formats.
func encode(name string, f *figure.Figure, further []Format) (Picture, error) {
	svg, err := Encode(f, "svg")
	if err != nil {
		return Picture{}, fmt.Errorf("draw %s.svg: %w", name, err)
	}
	p := Picture{Name: name, SVG: svg}
	if slices.Contains(further, PNG) {
		if p.PNG, err = Encode(f, "png"); err != nil {
			return Picture{}, fmt.Errorf("draw %s.png: %w", name, err)
		}
	}
	return p, nil
}

// Encode writes a figure as svg or png.
func Encode(f *figure.Figure, format string) ([]byte, error) {
	var b bytes.Buffer
	if format == "png" {
		err := f.WritePNG(&b, figure.Light)
		return b.Bytes(), err
	}
	err := f.WriteSVG(&b)
	return b.Bytes(), err
}
