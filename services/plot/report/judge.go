package report

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/archive"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/verdict"
)

// judge compares a bench with its baseline, or with what it confirms.
func (r *Reporter) judge(ctx context.Context, p *events.Placement, b model.Bench) (archive.Decision, error) {
	made := archive.Decision{Bench: samples(b)}
	if p.Request.Confirms != "" {
		return r.judgeConfirming(ctx, p, made)
	}
	before, sessions, err := r.references(ctx, p)
	if err != nil {
		return made, err
	}
	if before != nil {
		made.Baseline = before.Bench
		if err := errors.Join(r.addBaselineTails(ctx, before), r.addTails(ctx, b, &made.Bench)); err != nil {
			return made, err
		}
	}
	return r.inHistory(ctx, p, made.With(verdict.Hold(sessions, before, made.Bench, r.options(p))))
}

// options are what a bench wants to be judged by.
func (r *Reporter) options(p *events.Placement) verdict.Options {
	opt := verdict.Options{Threshold: r.threshold(p)}
	if c := p.Request.Compare; c != nil {
		opt.Figures, opt.Decide = c.Metrics, c.Decide
	}
	return opt
}

// threshold is the least relative shift that a bench wants reported.
func (r *Reporter) threshold(p *events.Placement) float64 {
	if c := p.Request.Compare; c != nil {
		if share, ok := parsePercent(c.Threshold); ok {
			return share
		}
	}
	return r.opt.Threshold
}

// samples is what a bench contributes to a comparison.
func samples(b model.Bench) verdict.Bench {
	out := verdict.Bench{Bench: b.ID, Counts: b.Counts()}
	for _, r := range b.Runs {
		if c := r.Completed; c != nil {
			out.Runs = append(out.Runs, verdict.Run{
				Run: r.Run, Job: r.Job, Point: r.Point.Key(), Host: r.Host, HostClass: c.HostClass, DeviceClass: c.DeviceClass,
				Integrity: c.Integrity.State, Faults: verdict.Faults(c.Integrity), Values: verdict.Values(c.Summary), LatencyOf: verdict.LatencyOf(c.Summary),
			})
		}
	}
	return out
}

// inHistory adds which shift a verdict is part of, or the end of.
func (r *Reporter) inHistory(ctx context.Context, p *events.Placement, made archive.Decision) (archive.Decision, error) {
	h, err := r.archive.History(ctx, p.Request.Name, p.Request.Origin)
	if err != nil {
		return made, bus.ForStore(err)
	}
	commit := ""
	if o := p.Request.Origin; o != nil {
		commit = o.Commit
	}
	out := h.Next(p.Bench, commit, made.Verdict, made.Comparisons, r.threshold(p))
	made.Shift, made.Recovered, made.Settled = out.Shift, out.Recovered, out.Settled
	switch {
	case out.Recovered != nil:
		made.Headline = events.Clip(fmt.Sprintf("Recovered from what regressed%s. %s", since(*out.Recovered), made.Headline), events.MaxHeadline)
	case out.Settled != nil:
		made.Headline = events.Clip(fmt.Sprintf("What regressed%s has lasted and is the level now. %s", since(*out.Settled), made.Headline), events.MaxHeadline)
	case out.Shift != nil && out.Shift.Reports > 1:
		made.Headline = events.Clip(fmt.Sprintf("Still regressed%s: %s", since(*out.Shift), strings.TrimPrefix(made.Headline, "Regressed: ")), events.MaxHeadline)
	}
	return made, nil
}

// since names the commit at which a shift began.
func since(s events.Shift) string {
	if s.Commit == "" {
		return ""
	}
	return ", since " + s.Commit[:min(7, len(s.Commit))]
}

// parsePercent reads "5%" as 0.05.
func parsePercent(s string) (float64, bool) {
	number, ok := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(number, 64)
	return v / 100, ok && err == nil && v > 0
}
