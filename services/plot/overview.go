package plot

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
)

// picture is a figure in the forms it is stored in.
type picture struct {
	name     string
	svg, png []byte
}

// pictures are the figures of a run or bench.
type pictures []picture

// render draws a figure in every form.
func render(name string, f *figure.Figure) (picture, error) {
	var svg, png bytes.Buffer
	if err := f.WriteSVG(&svg); err != nil {
		return picture{}, fmt.Errorf("draw %s.svg: %w", name, err)
	}
	if err := f.WritePNG(&png, figure.Light); err != nil {
		return picture{}, fmt.Errorf("draw %s.png: %w", name, err)
	}
	return picture{name, svg.Bytes(), png.Bytes()}, nil
}

// files lists what is stored of the figures.
func (p pictures) files() []file {
	var out []file
	for _, f := range p {
		out = append(out, file{f.name + ".svg", "image/svg+xml", f.svg}, file{f.name + ".png", "image/png", f.png})
	}
	return out
}

// drawings lists the figures as a report shows them.
func (p pictures) drawings() []page.Drawing {
	var out []page.Drawing
	for _, f := range p {
		out = append(out, page.Drawing{Name: f.name, SVG: f.svg})
	}
	return out
}

// overview draws the figures of a bench as a whole: its points side by side,
// and what shifted.
func overview(b model.Bench, comparisons []events.Comparison, threshold float64) (pictures, error) {
	var out pictures
	add := func(name string, f *figure.Figure) error {
		p, err := render(name, f)
		out = append(out, p)
		return err
	}
	if len(comparisons) > 0 {
		if err := add("shifts", shifts(b, comparisons, threshold).Figure()); err != nil {
			return nil, err
		}
	}
	if b.Counts().Completed == 0 {
		return out, nil
	}
	for _, f := range []struct {
		name, title string
		quantity    figure.Quantity
		value       func(*events.Figures) float64
	}{
		{"iops-by-point", "IOPS by point", figure.IOPS, func(f *events.Figures) float64 { return f.IOPS }},
		{"bandwidth-by-point", "Bandwidth by point", figure.Bandwidth, func(f *events.Figures) float64 { return f.BandwidthBytes }},
		{"p99-by-point", "99th percentile of latency by point", figure.Latency, func(f *events.Figures) float64 { return f.Latency.Value("p99") }},
	} {
		bars := figure.Bars{Head: barHead(b, f.title), Quantity: f.quantity, Groups: groups(b, f.value)}
		if err := add(f.name, bars.Figure()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// barHead is the head of bars about a bench.
func barHead(b model.Bench, title string) figure.Head {
	h := benchHead(b, title)
	if b.Counts().Completed > 1 {
		h.Facts = append(h.Facts, "bar: median", "whisker: least to greatest")
	}
	return h
}

// benchHead is the head of a figure about a whole bench.
func benchHead(b model.Bench, title string) figure.Head {
	n := b.Counts()
	h := figure.Head{Title: title, Subject: subject(b), Facts: []string{fmt.Sprintf("n = %d runs", n.Completed)}}
	if n.Completed < n.Planned {
		h.Flags = append(h.Flags, fmt.Sprintf("%d of %d planned runs did not complete", n.Planned-n.Completed, n.Planned))
	}
	doubtful := 0
	for _, r := range b.Runs {
		if r.Completed != nil && r.Completed.Integrity.State != events.IntegrityOK {
			doubtful++
		}
	}
	if doubtful > 0 {
		h.Flags = append(h.Flags, fmt.Sprintf("%d of %d runs %s in doubt: see their integrity findings", doubtful, n.Completed, map[bool]string{true: "is", false: "are"}[doubtful == 1]))
	}
	return h
}

// subject names a bench and the commit that asked for it.
func subject(b model.Bench) string {
	if o := b.Origin; o != nil {
		return fmt.Sprintf("%s · %s %s", b.Name, o.Repo.Name, o.Commit[:min(10, len(o.Commit))])
	}
	return b.Name
}

// groups gathers a figure of all completed runs by host, job and point, in the
// order of the runs.
func groups(b model.Bench, value func(*events.Figures) float64) []figure.BarGroup {
	hosts, jobs := map[string]bool{}, map[string]bool{}
	for _, r := range b.Runs {
		hosts[r.Host], jobs[r.Job] = true, true
	}
	var out []figure.BarGroup
	for _, r := range b.Runs {
		if r.Completed == nil {
			continue
		}
		name := pointName(r, len(jobs) > 1, len(hosts) > 1)
		i := slices.IndexFunc(out, func(g figure.BarGroup) bool { return g.Name == name })
		if i < 0 {
			out = append(out, figure.BarGroup{Name: name})
			i = len(out) - 1
		}
		for _, dir := range r.Completed.Summary.Directions() {
			addBar(&out[i], dir, value(r.Completed.Summary.Direction(dir)))
		}
	}
	return out
}

// addBar adds a repeat's value to the bar of a direction. Zero means that it
// was not measured.
func addBar(g *figure.BarGroup, name string, v float64) {
	i := slices.IndexFunc(g.Bars, func(b figure.Bar) bool { return b.Name == name })
	if i < 0 {
		g.Bars = append(g.Bars, figure.Bar{Name: name})
		i = len(g.Bars) - 1
	}
	if v > 0 {
		g.Bars[i].Values = append(g.Bars[i].Values, v)
	}
}

// pointName tells the point of a run from the others of its bench.
func pointName(r *model.Run, job, host bool) string {
	name := r.Point.Key()
	if name == "" || job {
		name = join(r.Job, name)
	}
	if host {
		name = join(name, r.Host)
	}
	return name
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " · " + b
}

// shifts is the figure of all comparisons of a bench.
func shifts(b model.Bench, list []events.Comparison, threshold float64) figure.Shifts {
	f := figure.Shifts{
		Head:      figure.Head{Title: "Against the baseline", Subject: subject(b), Facts: []string{"change of medians, with 95% intervals", "n = runs before/after"}},
		Threshold: threshold,
	}
	for _, c := range list {
		f.Rows = append(f.Rows, figure.Shift{
			Name: join(join(join(c.Metric, c.Point), c.Host), fmt.Sprintf("n = %d/%d", c.NBefore, c.NAfter)), Change: c.Change, Low: c.Low, High: c.High,
			Told:  c.Verdict == events.VerdictImproved || c.Verdict == events.VerdictRegressed,
			Worse: c.Verdict == events.VerdictRegressed,
		})
	}
	return f
}
