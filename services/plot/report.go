package plot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
)

// Names of the files of a report.
const (
	fileVerdict  = "verdict.json"
	fileHTML     = "report.html"
	fileMarkdown = "report.md"
)

// write stores the report of a bench: a page, a summary, and its figures.
func (s *Service) write(ctx context.Context, p *events.Placement, b model.Bench, final decision) ([]events.Artifact, error) {
	figures, err := overview(b, final.Comparisons, s.threshold(p))
	if err != nil {
		return nil, bus.Permanent(err)
	}
	view := page.Report{
		Bench: b, Request: p.Request, Comparisons: final.Comparisons, URL: s.url, Threshold: s.threshold(p), Figures: figures.drawings(),
	}
	if view.Tails, err = s.tails(ctx, b); err != nil {
		return nil, err
	}
	if view.Differences, err = s.differences(ctx, b, final.Baseline); err != nil {
		return nil, err
	}
	if view.Runs, err = s.runDrawings(ctx, b); err != nil {
		return nil, err
	}
	files := figures.files()
	for _, f := range []struct {
		name, mediaType string
		write           func(io.Writer) error
	}{{fileHTML, "text/html; charset=utf-8", view.WriteHTML}, {fileMarkdown, "text/markdown; charset=utf-8", view.WriteMarkdown}} {
		var body bytes.Buffer
		if err := f.write(&body); err != nil {
			return nil, bus.Permanent(fmt.Errorf("write %s: %w", f.name, err))
		}
		files = append(files, file{f.name, f.mediaType, body.Bytes()})
	}
	return s.keepAll(ctx, files, func(name string) string { return artifacts.ReportKey(b.ID, name) })
}

// How many runs' figures a report holds inline, and how many bytes of them: a
// report is mailed and opened on phones.
const (
	reportedRuns  = 12
	reportedBytes = 6 << 20
)

// runDrawings are the figures of the first repeat of each point, as they were
// drawn after the run. What is no longer there is left out.
func (s *Service) runDrawings(ctx context.Context, b model.Bench) ([]page.RunDrawings, error) {
	var out []page.RunDrawings
	size := int64(0)
	for _, r := range b.Runs {
		if r.Completed == nil || r.Plots == nil || r.Repeat > 0 || len(out) == reportedRuns {
			continue
		}
		d := page.RunDrawings{Run: r}
		for _, f := range r.Plots.Figures {
			name, isSVG := strings.CutSuffix(f.Name, ".svg")
			if !isSVG || size+f.Size > reportedBytes {
				continue
			}
			size += f.Size
			svg, err := s.store.ReadAll(ctx, f.ClaimCheck, maxFigure)
			if errors.Is(err, artifacts.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, away(err)
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
func (s *Service) machines(ctx context.Context, m *model.Model, b model.Bench) error {
	type class struct{ host, hosts, devices string }
	seen := map[class]bool{}
	for _, r := range b.Runs {
		c := r.Completed
		if c == nil || seen[class{r.Host, c.HostClass, c.DeviceClass}] || len(seen) == reportedHosts {
			continue
		}
		seen[class{r.Host, c.HostClass, c.DeviceClass}] = true
		started, err := s.archive.get(ctx, b.ID, fmt.Sprintf("%s.started.%d", r.Run, r.Attempt))
		if errors.Is(err, artifacts.ErrNotFound) {
			s.startedFromView(m, b.ID, r.Run) // archived by a reaction of its own, which may be late
			continue
		}
		if err != nil {
			return away(fmt.Errorf("read the start of run %s: %w", r.Run, err))
		}
		m.Apply(started.Event, started.Stored)
	}
	return nil
}

// startedFromView adds what the page's own view of the stream has seen of a
// start.
func (s *Service) startedFromView(m *model.Model, bench, run string) {
	b, _ := s.model.Bench(bench)
	if r := b.Run(run); r != nil && r.Started != nil {
		m.Apply(events.Event{Type: events.TypeRunStarted, Data: *r.Started}, r.StartedAt)
	}
}

// reportedHosts bounds how many machines a report describes.
const reportedHosts = 50
