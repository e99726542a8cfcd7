package plot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/internal/bus"
)

// draw reacts to a run that completed: it archives the event, reads what fio
// left, draws, stores the figures and says where they are. It waits while
// something is measured on this host.
func (s *Service) draw(ctx context.Context, d *bus.Delivery) error {
	c, err := bus.As[events.RunCompleted](d)
	if err != nil {
		return err
	}
	if err := s.archive.put(ctx, d.Event, d.Stored); err != nil {
		return err
	}
	release, err := s.gate.Render(ctx)
	if err != nil {
		return err
	}
	files, flags, err := s.figures(ctx, c)
	release()
	if err != nil {
		return err
	}
	stored, err := s.keepAll(ctx, files, func(name string) string { return artifacts.PlotKey(c.Run, name) })
	if err != nil {
		return err
	}
	_, err = d.Emit(ctx, "", events.PlotsRendered{
		Bench: c.Bench, Run: c.Run, Figures: stored, Flags: clipAll(flags), URL: s.url + "/runs/" + c.Run,
	})
	return err
}

// drawNothing is owed when a run cannot be drawn: its bench waits for the
// figures, and is told that there are none.
func (s *Service) drawNothing(ctx context.Context, d *bus.Delivery, cause error) error {
	c, err := bus.As[events.RunCompleted](d)
	if err != nil {
		return nil // not readable as what it says it is: no bench waits for it
	}
	_, err = d.Emit(ctx, "dead", events.PlotsRendered{
		Bench: c.Bench, Run: c.Run, URL: s.url + "/runs/" + c.Run,
		Flags: clipAll([]string{"the figures could not be drawn: " + cause.Error()}),
	})
	return err
}

// figures reads a run and draws its figures.
func (s *Service) figures(ctx context.Context, c events.RunCompleted) ([]file, []string, error) {
	doc, err := s.result(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	logs, err := s.logs(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	run, err := reading.Read(ctx, doc, logs, reading.Options{MaxBytes: int64(s.cfg.LogLimit)})
	if err != nil {
		return nil, nil, away(err)
	}
	host, unread, err := s.activity(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	drawn, flags, err := runFigures(c, doc, run, host)
	if err != nil {
		return nil, nil, bus.Permanent(err)
	}
	if unread != "" {
		flags = append(flags, unread)
	}
	return drawn.files(), flags, nil
}

// Names of artifacts that bench keeps, and their bounds.
const (
	artifactResult = "result.json"
	maxResult      = 256 << 20
	maxLogSet      = 16 << 20
)

// result reads fio's result; nil if there is none.
func (s *Service) result(ctx context.Context, c events.RunCompleted) (*result.Document, error) {
	i := slices.IndexFunc(c.Artifacts, func(a events.Artifact) bool {
		return strings.TrimSuffix(a.Name, artifacts.SuffixZstd) == artifactResult
	})
	if i < 0 {
		return nil, nil
	}
	body, err := s.store.OpenPlain(ctx, c.Artifacts[i].ClaimCheck, maxResult)
	if err != nil {
		return nil, gone(err)
	}
	defer func() { _ = body.Close() }()
	raw, err := io.ReadAll(body)
	if err != nil {
		return nil, gone(err)
	}
	doc, err := result.ReadDocument(bytes.NewReader(raw))
	if err != nil {
		return nil, bus.Permanent(err)
	}
	return doc, nil
}

// logs lists the log files of a run.
func (s *Service) logs(ctx context.Context, c events.RunCompleted) ([]reading.Log, error) {
	if c.Logs == nil {
		return nil, nil
	}
	raw, err := s.store.ReadAll(ctx, *c.Logs, maxLogSet)
	if err != nil {
		return nil, gone(err)
	}
	var set events.LogSet
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, bus.Permanent(fmt.Errorf("read list of logs: %w", err))
	}
	var out []reading.Log
	for _, a := range set.Logs {
		out = append(out, reading.Log{Name: a.Name, Open: func(ctx context.Context) (io.ReadCloser, error) {
			return s.store.OpenPlain(ctx, a.ClaimCheck, int64(s.cfg.LogLimit))
		}})
	}
	return out, nil
}

// clipAll bounds flags for an event.
func clipAll(flags []string) []string {
	out := make([]string, 0, len(flags))
	for _, f := range flags[:min(len(flags), 20)] {
		out = append(out, clip(f, 490))
	}
	return out
}
