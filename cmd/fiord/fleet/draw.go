package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure/catalogue"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/host/summary"
	"github.com/fiord-bench/fiord/services/plot/render"
)

// draw stores what fio left of a run, and its figures.
func (w *writer) draw(ctx context.Context, b *made, r *run) (events.PlotsRendered, error) {
	s, err := w.workloads[b.workload].as(r.stretch)
	if err != nil {
		return events.PlotsRendered{}, err
	}
	r.completed.Summary = summary.Of(s.Document)
	logs, err := w.leave(ctx, r, s)
	if err != nil {
		return events.PlotsRendered{}, err
	}
	drawn := &catalogue.Run{RunRef: r.ref, Completed: r.completed, Document: s.Document}
	if drawn.Reading, err = reading.Read(ctx, s.Document, logs, reading.Options{}); err != nil {
		return events.PlotsRendered{}, fmt.Errorf("read logs of run %s: %w", r.ref.Run, err)
	}
	pictures, err := catalogue.AtOnce(catalogue.OfRun, catalogue.Subject{Run: drawn})
	if err != nil {
		return events.PlotsRendered{}, fmt.Errorf("draw run %s: %w", r.ref.Run, err)
	}
	out := events.PlotsRendered{Flags: catalogue.Flags(drawn), Figures: []events.Artifact{}}
	for _, f := range render.Files(pictures) {
		claim, err := w.put(ctx, artifacts.PlotKey(r.ref.Run, f.Name), f.MediaType, f.Body)
		if err != nil {
			return out, err
		}
		out.Figures = append(out.Figures, events.Artifact{Name: f.Name, ClaimCheck: claim})
	}
	return out, nil
}

// leave stores fio's document, the result made of it, the job and the logs.
func (w *writer) leave(ctx context.Context, r *run, s sample) ([]reading.Log, error) {
	var doc bytes.Buffer
	if err := s.Document.Write(&doc); err != nil {
		return nil, err
	}
	key := func(name string) string { return artifacts.RunKey(r.ref.Host, r.ref.Run, r.ref.Attempt, name) }
	for _, f := range []struct {
		name string
		body []byte
	}{{"fio.json", s.Raw}, {"result.json", doc.Bytes()}} {
		claim, err := w.put(ctx, key(f.name), "application/json", f.body)
		if err != nil {
			return nil, err
		}
		r.completed.Artifacts = append(r.completed.Artifacts, events.Artifact{Name: f.name, ClaimCheck: claim})
	}
	var set events.LogSet
	var logs []reading.Log
	for _, name := range slices.Sorted(maps.Keys(s.Logs)) {
		body := s.Logs[name]
		claim, err := w.put(ctx, key("logs/"+name), "text/plain; charset=utf-8", body)
		if err != nil {
			return nil, err
		}
		set.Logs = append(set.Logs, events.Artifact{Name: name, ClaimCheck: claim})
		logs = append(logs, reading.Log{Name: name, Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }})
	}
	raw, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("encode list of logs: %w", err)
	}
	claim, err := w.put(ctx, key("logs.json"), "application/json", raw)
	r.completed.Logs = &claim
	return logs, err
}
