package render

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/hostseries"
)

// Names of artifacts that bench keeps, and their bounds.
const (
	artifactResult = "result.json"
	maxResult      = 256 << 20
	maxLogSet      = 16 << 20
)

// Result reads fio's result of a run; nil if there is none.
func (r *Renderer) Result(ctx context.Context, c events.RunCompleted) (*result.Document, error) {
	claim := artifact(c, artifactResult)
	if claim == nil {
		return nil, nil
	}
	body, err := r.open(ctx, c, *claim, maxResult)
	if err != nil {
		return nil, bus.ForClaim(err)
	}
	defer func() { _ = body.Close() }()
	raw, err := io.ReadAll(body)
	if err != nil {
		return nil, bus.ForClaim(err)
	}
	doc, err := result.ReadDocument(bytes.NewReader(raw))
	if err != nil {
		return nil, bus.Permanent(err)
	}
	return doc, nil
}

// logs lists the log files of a run.
func (r *Renderer) logs(ctx context.Context, c events.RunCompleted) ([]reading.Log, error) {
	if c.Logs == nil {
		return nil, nil
	}
	if err := artifacts.CheckRun(c.RunRef, *c.Logs); err != nil {
		return nil, bus.ForClaim(err)
	}
	raw, err := r.store.ReadAll(ctx, *c.Logs, maxLogSet)
	if err != nil {
		return nil, bus.ForClaim(err)
	}
	var set events.LogSet
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, bus.Permanent(fmt.Errorf("read list of logs: %w", err))
	}
	var out []reading.Log
	for _, a := range set.Logs {
		out = append(out, reading.Log{Name: a.Name, Open: func(ctx context.Context) (io.ReadCloser, error) {
			return r.open(ctx, c, a.ClaimCheck, r.opt.LogLimit)
		}})
	}
	return out, nil
}

// read reads the logs of a run, or a stretch of them.
func (r *Renderer) read(ctx context.Context, c events.RunCompleted, doc *result.Document, from, to time.Duration) (*reading.Run, error) {
	logs, err := r.logs(ctx, c)
	if err != nil {
		return nil, err
	}
	return reading.Read(ctx, doc, logs, reading.Options{MaxBytes: r.opt.LogLimit, From: from, To: to})
}

// hostSeries reads what the host did during a run; nil if that was not recorded.
// A record that cannot be read is no reason not to draw the run: unread says why.
func (r *Renderer) hostSeries(ctx context.Context, c events.RunCompleted) (seen *reading.Activity, unread string, err error) {
	claim := artifact(c, hostseries.File)
	if claim == nil {
		return nil, "", nil
	}
	body, err := r.open(ctx, c, *claim, hostseries.MaxBytes)
	if err != nil {
		return nil, "", bus.ForClaim(err)
	}
	defer func() { _ = body.Close() }()
	record, err := hostseries.Read(body)
	switch {
	case errors.Is(err, hostseries.ErrFormat) || errors.Is(err, hostseries.ErrTooLarge):
		return nil, err.Error(), nil
	case err != nil:
		return nil, "", bus.ForClaim(err)
	}
	return reading.ReadActivity(record), "", nil
}

// open opens what the run's host stored, as the run's end names it.
func (r *Renderer) open(ctx context.Context, c events.RunCompleted, claim events.ClaimCheck, limit int64) (io.ReadCloser, error) {
	if err := artifacts.CheckRun(c.RunRef, claim); err != nil {
		return nil, err
	}
	return r.store.OpenPlain(ctx, claim, limit)
}

// artifact is an object that bench kept of a run, compressed or not; nil if there
// is none of that name.
func artifact(c events.RunCompleted, name string) *events.ClaimCheck {
	for _, a := range c.Artifacts {
		if strings.TrimSuffix(a.Name, artifacts.SuffixZstd) == name {
			return &a.ClaimCheck
		}
	}
	return nil
}
