package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure/catalogue"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/archive"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
	"github.com/fiord-bench/fiord/services/plot/render"
)

// Names of the files of a report.
const (
	fileHTML     = "report.html"
	fileMarkdown = "report.md"
)

// write stores the report of a bench: a page, a summary, and its figures.
func (r *Reporter) write(ctx context.Context, p *events.Placement, b model.Bench, final archive.Decision) ([]events.Artifact, error) {
	drawn := render.BenchOf(b)
	drawn.Comparisons, drawn.Threshold = final.Comparisons, r.threshold(p)
	pictures, err := catalogue.AtOnce(catalogue.OfBench, catalogue.Subject{Bench: drawn}, catalogue.PNG)
	if err != nil {
		return nil, bus.Permanent(err)
	}
	view := page.Report{
		Bench: b, Request: p.Request, Comparisons: final.Comparisons, URL: r.opt.URL, Threshold: r.threshold(p), Figures: drawings(pictures),
	}
	if view.Tails, err = r.tails(ctx, b); err != nil {
		return nil, err
	}
	if view.Differences, err = r.differences(ctx, b, final.Baseline); err != nil {
		return nil, err
	}
	if view.Runs, err = r.runDrawings(ctx, b); err != nil {
		return nil, err
	}
	files := render.Files(pictures)
	for _, f := range []struct {
		name, mediaType string
		write           func(io.Writer) error
	}{{fileHTML, "text/html; charset=utf-8", view.WriteHTML}, {fileMarkdown, "text/markdown; charset=utf-8", view.WriteMarkdown}} {
		var body bytes.Buffer
		if err := f.write(&body); err != nil {
			return nil, bus.Permanent(fmt.Errorf("write %s: %w", f.name, err))
		}
		files = append(files, render.File{Name: f.name, MediaType: f.mediaType, Body: body.Bytes()})
	}
	return r.figures.KeepAll(ctx, files, func(name string) string { return artifacts.ReportKey(b.ID, name) })
}

// drawings lists figures as a report shows them.
func drawings(pictures []catalogue.Picture) []page.Drawing {
	var out []page.Drawing
	for _, p := range pictures {
		out = append(out, page.Drawing{Name: p.Name, SVG: p.SVG})
	}
	return out
}

// How many runs' figures a report holds inline, and how many bytes of them: a
// report is mailed and opened on phones.
const (
	reportedRuns  = 12
	reportedBytes = 6 << 20
)

// runDrawings are the figures of the first repeat of each point, as they were
// drawn after the run. What is no longer there is left out.
func (r *Reporter) runDrawings(ctx context.Context, b model.Bench) ([]page.RunDrawings, error) {
	var out []page.RunDrawings
	size := int64(0)
	for _, run := range b.Runs {
		if run.Completed == nil || run.Plots == nil || run.Repeat > 0 || len(out) == reportedRuns {
			continue
		}
		d := page.RunDrawings{Run: run}
		for _, f := range run.Plots.Figures {
			name, isSVG := strings.CutSuffix(f.Name, ".svg")
			if !isSVG || size+f.Size > reportedBytes {
				continue
			}
			size += f.Size
			svg, err := r.store.ReadAll(ctx, f.ClaimCheck, render.MaxFigure)
			if errors.Is(err, artifacts.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, bus.ForStore(err)
			}
			d.Figures = append(d.Figures, page.Drawing{Name: name, SVG: svg})
		}
		if len(d.Figures) > 0 {
			out = append(out, d)
		}
	}
	return out, nil
}

// machines adds to a bench what the workers said of their hosts when they
// started, for the first completed run of each host: the others' are the same
// unless a class differs.
func (r *Reporter) machines(ctx context.Context, m *model.Model, b model.Bench) error {
	type class struct{ host, hosts, devices string }
	seen := map[class]bool{}
	for _, run := range b.Runs {
		c := run.Completed
		if c == nil || seen[class{run.Host, c.HostClass, c.DeviceClass}] || len(seen) == reportedHosts {
			continue
		}
		seen[class{run.Host, c.HostClass, c.DeviceClass}] = true
		started, err := r.archive.Get(ctx, b.ID, archive.RunStarted(run.Run, run.Attempt))
		if errors.Is(err, artifacts.ErrNotFound) {
			r.startedFromView(m, b.ID, run.Run) // archived by a reaction of its own, which may be late
			continue
		}
		if err != nil {
			return bus.ForStore(fmt.Errorf("read the start of run %s: %w", run.Run, err))
		}
		m.Apply(started.Event, started.Stored)
	}
	return nil
}

// startedFromView adds what the page's own view of the stream has seen of a
// start.
func (r *Reporter) startedFromView(m *model.Model, bench, run string) {
	b, _ := r.model.Bench(bench)
	if known := b.Run(run); known != nil && known.Started != nil {
		m.Apply(events.Event{Type: events.TypeRunStarted, Data: *known.Started}, known.StartedAt)
	}
}

// reportedHosts bounds how many machines a report describes.
const reportedHosts = 50
