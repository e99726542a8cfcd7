package plot

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
)

// asked draws the figures that are made when somebody asks for them. What
// cannot change is kept as an artifact and drawn once.
type asked struct{ *Service }

// maxFigure bounds a figure that is read back.
const maxFigure = 16 << 20

// DrawStretch draws a figure over time for a stretch of a run, on a finer grid
// than the whole run has.
func (a asked) DrawStretch(ctx context.Context, run, name, format string, from, to time.Duration) ([]byte, error) {
	s, err := a.sample(ctx, run)
	if err != nil {
		return nil, err
	}
	release, err := a.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	p, err := a.painter(ctx, s, from, to)
	if err != nil {
		return nil, err
	}
	p.only = name
	if p.overTime(); p.found == nil {
		return nil, fmt.Errorf("figure %s of run %s: %w", name, run, page.ErrUnknown)
	}
	return encode(p.found, format)
}

// painter reads a run's logs, or a stretch of them, and is ready to draw.
func (a asked) painter(ctx context.Context, s sample, from, to time.Duration) (*painter, error) {
	logs, err := a.logs(ctx, *s.run.Completed)
	if err != nil {
		return nil, err
	}
	run, err := reading.Read(ctx, s.doc, logs, reading.Options{MaxBytes: int64(a.cfg.LogLimit), From: from, To: to})
	if err != nil {
		return nil, err
	}
	return &painter{c: *s.run.Completed, doc: s.doc, run: run, flags: flagsOf(*s.run.Completed, run)}, nil
}

// DrawRuns draws a figure of one run, or of several compared.
func (a asked) DrawRuns(ctx context.Context, runs []string, name, format string) ([]byte, error) {
	folder := runs[0]
	if len(runs) > 1 {
		folder = events.HashID(append([]string{"compare"}, runs...)...)
	}
	return a.cached(ctx, artifacts.PlotKey(folder, name+"."+format), format, func() (*figure.Figure, error) {
		var all []sample
		for _, id := range runs {
			s, err := a.sample(ctx, id)
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
		if len(all) == 1 {
			return a.ofRun(ctx, all[0], name)
		}
		return a.ofRuns(ctx, all, name)
	})
}

// DrawBench draws a figure of a bench as a whole. Trends go on with each
// commit and are never kept.
func (a asked) DrawBench(ctx context.Context, bench, name, format string) ([]byte, error) {
	b, err := source(a).Bench(ctx, bench)
	if err != nil {
		return nil, err
	}
	if !b.State.Ended() {
		return nil, fmt.Errorf("bench %s has not ended: %w", bench, page.ErrUnknown)
	}
	if of, ok := strings.CutPrefix(name, "trend"); ok {
		f, err := a.trend(ctx, b, cmp.Or(strings.TrimPrefix(of, "-"), "iops"))
		if err != nil {
			return nil, err
		}
		return encode(f, format)
	}
	return a.cached(ctx, artifacts.ReportKey(bench, name+"."+format), format, func() (*figure.Figure, error) { return benchFigure(b, name) })
}

// turn waits until fewer figures are being drawn for people than the service
// draws at once, and nothing is measured on this host.
func (a asked) turn(ctx context.Context) (release func(), err error) {
	select {
	case a.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	open, err := a.gate.Render(ctx)
	if err != nil {
		<-a.places
		return nil, err
	}
	return func() { open(); <-a.places }, nil
}

// cached returns the object under the key, or makes and keeps it. Drawing waits
// while something is measured on this host.
func (a asked) cached(ctx context.Context, key, format string, draw func() (*figure.Figure, error)) ([]byte, error) {
	if err := artifacts.ValidateKey(key); err != nil {
		return nil, fmt.Errorf("%w: %w", page.ErrUnknown, err)
	}
	claim, err := a.store.Claim(ctx, key)
	if err == nil {
		return a.store.ReadAll(ctx, claim, maxFigure)
	}
	if !errors.Is(err, artifacts.ErrNotFound) {
		return nil, err
	}
	release, err := a.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	f, err := draw()
	if err != nil {
		return nil, err
	}
	body, err := encode(f, format)
	if err != nil {
		return nil, err
	}
	_, err = a.keep(ctx, key, map[string]string{"svg": "image/svg+xml", "png": "image/png"}[format], body)
	return body, err
}

// encode writes a figure in a format.
func encode(f *figure.Figure, format string) ([]byte, error) {
	var b bytes.Buffer
	if format == "png" {
		err := f.WritePNG(&b, figure.Light)
		return b.Bytes(), err
	}
	err := f.WriteSVG(&b)
	return b.Bytes(), err
}

// sample is a completed run with fio's result.
type sample struct {
	run *model.Run
	doc *result.Document
}

// sample reads what a figure of a run needs.
func (a asked) sample(ctx context.Context, id string) (sample, error) {
	bench, err := source(a).BenchOf(ctx, id)
	if err != nil {
		return sample{}, err
	}
	b, err := source(a).Bench(ctx, bench)
	if err != nil {
		return sample{}, err
	}
	run := b.Run(id)
	if run == nil || run.Completed == nil {
		return sample{}, fmt.Errorf("run %s has not completed: %w", id, page.ErrUnknown)
	}
	doc, err := a.result(ctx, *run.Completed)
	return sample{run, doc}, err
}

// ofRun draws one of page.RunSheets.
func (a asked) ofRun(ctx context.Context, s sample, name string) (*figure.Figure, error) {
	p := painter{c: *s.run.Completed, doc: s.doc, run: &reading.Run{}}
	p.flags = flagsOf(p.c, p.run)
	switch name {
	case "histogram":
		return figure.Histogram{Head: p.head("Latency histogram"), Quantity: figure.Latency, Sets: distributions(s.doc)}.Figure(), nil
	case "cdf":
		return figure.CDF{Head: p.head("Latency, cumulative"), Quantity: figure.Latency, Sets: distributions(s.doc)}.Figure(), nil
	case "cpu":
		return figure.Bars{Head: p.head("CPU and disks over the run"), Quantity: figure.Percent, Groups: usage(s.doc)}.Figure(), nil
	case "steady":
		p, err := a.painter(ctx, s, 0, 0)
		if err != nil {
			return nil, err
		}
		return p.steady(), nil
	}
	return nil, fmt.Errorf("figure %s: %w", name, page.ErrUnknown)
}

// usage lists what jobs used of the processor, and how busy disks were.
func usage(doc *result.Document) []figure.BarGroup {
	if doc == nil {
		return nil
	}
	var out []figure.BarGroup
	for i, j := range doc.Jobs {
		out = append(out, figure.BarGroup{Name: fmt.Sprintf("job %d: %s", i+1, j.Name), Bars: []figure.Bar{
			{Name: "user", Values: []float64{j.CPU.User}}, {Name: "system", Values: []float64{j.CPU.System}},
		}})
	}
	for _, d := range doc.Disks {
		out = append(out, figure.BarGroup{Name: "disk " + d.Name, Bars: []figure.Bar{{Name: "busy", Values: []float64{d.Util}}}})
	}
	return out
}

// steady draws the rate over time with the stretch in which it was steady.
func (p *painter) steady() *figure.Figure {
	f := p.time(figure.IOPS)
	for _, dir := range p.run.Names() {
		if s, ok := p.run.IOPS[dir]; ok {
			s.Name = dir
			f.Series = append(f.Series, s)
		}
	}
	total := reading.Total(f.Series)
	facts := intervals(len(total.Values), p.run.Step.Seconds())
	from, to, ok := reading.Steady(total)
	if ok {
		f.Steady[0], f.Steady[1] = from, to
		facts = append(facts, "steady: within 10% of the mean, slope within 5%")
	} else if len(total.Values) > 0 {
		facts = append(facts, "no steady stretch")
	}
	f.Head = p.head("IOPS over time and steady state", facts...)
	return f.Figure()
}

// label tells a run from others that it is compared with.
func label(i int, s sample) string {
	name := fmt.Sprintf("%d: %s", i+1, s.run.Job)
	if key := s.run.Point.Key(); key != "" {
		name += " " + key
	}
	if s.run.Repeat > 0 {
		name += fmt.Sprintf(" repeat %d", s.run.Repeat+1)
	}
	return name
}

// ofRuns draws one of page.CompareSheets.
func (a asked) ofRuns(ctx context.Context, all []sample, name string) (*figure.Figure, error) {
	head := func(title string, facts ...string) figure.Head {
		h := figure.Head{Title: title, Facts: append(facts, fmt.Sprintf("%d runs", len(all)))}
		for i, s := range all {
			for _, f := range s.run.Completed.Integrity.Findings {
				h.Flags = append(h.Flags, fmt.Sprintf("run %d: %s", i+1, f.Evidence))
			}
		}
		return h
	}
	switch name {
	case "percentiles":
		return figure.Percentiles{Head: head("Latency by percentile"), Quantity: figure.Latency, Sets: sets(all)}.Figure(), nil
	case "cdf":
		return figure.CDF{Head: head("Latency, cumulative"), Quantity: figure.Latency, Sets: sets(all)}.Figure(), nil
	case "difference":
		return difference(head("Latency against run 1"), all), nil
	case "summary":
		f := figure.Bars{Head: head("IOPS"), Quantity: figure.IOPS}
		for i, s := range all {
			g := figure.BarGroup{Name: label(i, s)}
			for _, dir := range s.run.Completed.Summary.Directions() {
				addBar(&g, dir, s.run.Completed.Summary.Direction(dir).IOPS)
			}
			f.Groups = append(f.Groups, g)
		}
		return f.Figure(), nil
	case "iops":
		f := figure.Time{Head: head("IOPS over time", "all directions together"), Quantity: figure.IOPS}
		for i, s := range all {
			p, err := a.painter(ctx, s, 0, 0)
			if err != nil {
				return nil, err
			}
			var list []figure.Series
			for _, one := range p.run.IOPS {
				list = append(list, one)
			}
			total := reading.Total(list)
			total.Name = label(i, s)
			f.Series = append(f.Series, total)
		}
		return f.Figure(), nil
	}
	return nil, fmt.Errorf("figure %s: %w", name, page.ErrUnknown)
}

// sets lists the distributions of all runs and directions.
func sets(all []sample) []figure.Distribution {
	var out []figure.Distribution
	for i, s := range all {
		own := distributions(s.doc)
		for _, d := range own {
			d.Name = label(i, s) + map[bool]string{true: " " + d.Name}[len(own) > 1 || strings.HasSuffix(d.Name, completionOnly)]
			out = append(out, d)
		}
	}
	return out
}

// difference holds the distributions of all runs against the first's, in the
// first direction that it has.
func difference(head figure.Head, all []sample) *figure.Figure {
	first := distributions(all[0].doc)
	if len(first) == 0 {
		return figure.Difference{Head: head}.Figure()
	}
	head.Facts = append(head.Facts, first[0].Name+"s")
	f := figure.Difference{Head: head, Before: first[0]}
	for i, s := range all[1:] {
		own := distributions(s.doc)
		if j := slices.IndexFunc(own, func(d figure.Distribution) bool { return d.Name == first[0].Name }); j >= 0 {
			own[j].Name = label(i+1, s)
			f.After = append(f.After, own[j])
		}
	}
	return f.Figure()
}
