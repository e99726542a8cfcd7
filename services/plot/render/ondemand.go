package render

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/catalogue"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// MaxFigure bounds a figure that is read back, in bytes.
const MaxFigure = 16 << 20

// DrawStretch draws a figure over time for a stretch of a run, on a finer grid
// than the whole run has.
func (r *Renderer) DrawStretch(ctx context.Context, run, name, format string, from, to time.Duration) ([]byte, error) {
	if e, ok := catalogue.Find(catalogue.OfRun, name); !ok || !e.Stretch {
		return nil, fmt.Errorf("stretch of figure %s: %w", name, model.ErrUnknown)
	}
	sample, err := r.sample(ctx, run)
	if err != nil {
		return nil, err
	}
	release, err := r.wait(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if sample.Reading, err = r.read(ctx, *sample.Completed, sample.Document, from, to); err != nil {
		return nil, err
	}
	f, err := draw(catalogue.OfRun, name, catalogue.Subject{Run: sample})
	if err != nil {
		return nil, err
	}
	return catalogue.Encode(f, format)
}

// DrawRuns draws a figure of one run, or of several compared.
func (r *Renderer) DrawRuns(ctx context.Context, runs []string, name, format string) ([]byte, error) {
	scope, folder := catalogue.OfRun, runs[0]
	if len(runs) > 1 {
		scope, folder = catalogue.OfRuns, events.HashID(append([]string{"compare"}, runs...)...)
	}
	return r.cached(ctx, artifacts.PlotKey(folder, name+"."+format), format, func() (*figure.Figure, error) {
		var s catalogue.Subject
		for _, id := range runs {
			one, err := r.sample(ctx, id)
			if err != nil {
				return nil, err
			}
			e, _ := catalogue.Find(scope, name)
			if e.Logs {
				if one.Reading, err = r.read(ctx, *one.Completed, one.Document, 0, 0); err != nil {
					return nil, err
				}
			}
			if e.Host {
				if one.Activity, _, err = r.hostSeries(ctx, *one.Completed); err != nil {
					return nil, err
				}
			}
			s.Run, s.Runs = one, append(s.Runs, one)
		}
		return draw(scope, name, s)
	})
}

// DrawBench draws a figure of a bench as a whole. Trends go on with each
// commit and are never kept.
func (r *Renderer) DrawBench(ctx context.Context, bench, name, format string) ([]byte, error) {
	b, err := r.archive.Bench(ctx, bench)
	if err != nil {
		return nil, err
	}
	if !b.State.Ended() {
		return nil, fmt.Errorf("bench %s has not ended: %w", bench, model.ErrUnknown)
	}
	if _, ok := catalogue.Find(catalogue.OfHistory, name); ok {
		h, err := r.trends.Of(ctx, b)
		if err != nil {
			return nil, err
		}
		f, err := draw(catalogue.OfHistory, name, catalogue.Subject{History: h})
		if err != nil {
			return nil, err
		}
		return catalogue.Encode(f, format)
	}
	return r.cached(ctx, artifacts.ReportKey(bench, name+"."+format), format, func() (*figure.Figure, error) {
		return draw(catalogue.OfBench, name, catalogue.Subject{Bench: BenchOf(b)})
	})
}

// draw draws a figure of the catalogue. A name that is not in it is unknown to the
// page as well.
func draw(scope catalogue.Scope, name string, s catalogue.Subject) (*figure.Figure, error) {
	f, err := catalogue.Draw(scope, name, s)
	if errors.Is(err, catalogue.ErrUnknown) {
		return nil, fmt.Errorf("%w: %w", model.ErrUnknown, err)
	}
	return f, err
}

// cached returns the object under the key, or makes and keeps it. Drawing waits
// while something is measured on this host.
func (r *Renderer) cached(ctx context.Context, key, format string, draw func() (*figure.Figure, error)) ([]byte, error) {
	if err := artifacts.ValidateKey(key); err != nil {
		return nil, fmt.Errorf("%w: %w", model.ErrUnknown, err)
	}
	claim, err := r.store.Claim(ctx, key)
	if err == nil {
		return r.store.ReadAll(ctx, claim, MaxFigure)
	}
	if !errors.Is(err, artifacts.ErrNotFound) {
		return nil, err
	}
	release, err := r.wait(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	f, err := draw()
	if err != nil {
		return nil, err
	}
	body, err := catalogue.Encode(f, format)
	if err != nil {
		return nil, err
	}
	_, err = r.keep(ctx, key, mediaTypes()[format], body)
	return body, err
}

// sample is a completed run with fio's result.
func (r *Renderer) sample(ctx context.Context, id string) (*catalogue.Run, error) {
	bench, err := r.archive.BenchOf(ctx, id)
	if err != nil {
		return nil, err
	}
	b, err := r.archive.Bench(ctx, bench)
	if err != nil {
		return nil, err
	}
	run := b.Run(id)
	if run == nil || run.Completed == nil {
		return nil, fmt.Errorf("run %s has not completed: %w", id, model.ErrUnknown)
	}
	doc, err := r.Result(ctx, *run.Completed)
	return &catalogue.Run{RunRef: run.RunRef, Completed: run.Completed, Document: doc}, err
}
