package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/archive"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/verdict"
)

// writers is how many objects are written at once.
const writers = 8

// drawnDays is how many of the last days left logs and figures; what is older, as
// in a fleet that `fiord gc` looks after, left its figures in events alone.
const drawnDays = 2

// writer makes the fleet's past in a store.
type writer struct {
	store     *artifacts.Store
	archive   *archive.Archive
	workloads map[string]workload
	summaries map[string]events.Summary
	rates     map[string]float64 // of the measured runs, in I/Os per second
	hosts     map[string]host
	measured  map[string]verdict.Bench // by bench
}

// Options of a fleet.
type Options struct {
	// End of the 90 days.
	End time.Time
	// Newest is how many of the benches are made, the newest; 0 means all.
	Newest int
	// Progress, if not nil, is called with how many benches of how many are there.
	Progress func(done, all int)
}

// Write makes 90 days up and leaves them in the store as plot does: the archive of
// events, decisions and histories; of the last days fio's results, logs and figures
// too. Written a second time, nothing changes.
func Write(ctx context.Context, store *artifacts.Store, opt Options) error {
	w := &writer{store: store, archive: archive.New(store, model.New(1)), hosts: map[string]host{}, measured: map[string]verdict.Bench{},
		summaries: map[string]events.Summary{}, rates: map[string]float64{}}
	if err := w.prepare(); err != nil {
		return err
	}
	all := plan(opt.End)
	if opt.Newest > 0 {
		all = all[max(0, len(all)-opt.Newest):]
	}
	for i, p := range all {
		if err := w.bench(ctx, p); err != nil {
			return fmt.Errorf("make bench %d of %s: %w", p.number, p.name, err)
		}
		if opt.Progress != nil {
			opt.Progress(i+1, len(all))
		}
	}
	return nil
}

// prepare reads what was measured.
func (w *writer) prepare() error {
	var err error
	if w.workloads, err = workloads(); err != nil {
		return err
	}
	for name, measured := range w.workloads {
		s, err := measured.summary()
		if err != nil {
			return err
		}
		w.summaries[name] = s
		for _, f := range []*events.Figures{s.Read, s.Write} {
			if f != nil {
				w.rates[name] += f.IOPS
			}
		}
	}
	for _, h := range hosts() {
		w.hosts[h.Name] = h
	}
	return nil
}

// bench makes one bench, from its request to its end.
func (w *writer) bench(ctx context.Context, p planned) error {
	b, err := w.build(p)
	if err != nil {
		return err
	}
	if b.unplaced() {
		b.add(events.New("fiord/inventory", "", &b.request, events.BenchUnplaced{Bench: b.id, Name: b.name, Origin: p.origin(),
			Problems: []events.Problem{{Rule: "targets", Message: "no host serves the pool \"edge\" with firmware==SGN30419; there is SGN30411"}}}), p.at.Add(time.Second))
		return w.keep(ctx, b)
	}
	if err := w.placed(ctx, b); err != nil {
		return err
	}
	if err := w.complete(ctx, b); err != nil {
		return err
	}
	if b.superseded() {
		b.add(events.New("fiord/plot", "", &b.request, events.BenchCancelled{Bench: b.id, Name: b.name, Reason: "superseded by a newer push", By: "fiord/ingest",
			Counts: b.counts, Origin: p.origin()}), b.last.Add(time.Second))
		return w.keep(ctx, b)
	}
	reported, err := w.report(ctx, b)
	if err != nil {
		return err
	}
	ended := b.last.Add(4 * time.Second)
	b.add(events.New("fiord/plot", "", &b.request, reported), ended)
	if err := w.keep(ctx, b); err != nil {
		return err
	}
	return w.archive.Remember(ctx, reported, ended)
}

// placed stores where the bench was measured.
func (w *writer) placed(ctx context.Context, b *made) error {
	placed, deadline := b.at.Add(300*time.Millisecond), b.at.Add(6*time.Hour)
	doc := events.Placement{Bench: b.id, Request: b.planned.request(), PlacedAt: placed, Deadline: deadline}
	raw, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("encode placement: %w", err)
	}
	claim, err := w.put(ctx, artifacts.PlacementKey(b.id), "application/json", raw)
	if err != nil {
		return err
	}
	b.add(events.New("fiord/inventory", "", &b.request, events.BenchPlaced{Bench: b.id, Name: b.name, Placement: claim, Hosts: len(b.hosts), Slots: len(b.hosts),
		Runs: b.counts.Planned, PlacedAt: placed, Deadline: deadline, Origin: b.origin()}), placed)
	return nil
}

// complete adds the ends of runs that completed, and what they left.
func (w *writer) complete(ctx context.Context, b *made) error {
	for _, r := range b.runs {
		if r.completed == nil {
			continue
		}
		var drawn *events.PlotsRendered
		if b.day >= days-drawnDays && r.ref.Repeat == 0 {
			d, err := w.draw(ctx, b, r)
			if err != nil {
				return err
			}
			d.Bench, d.Run, drawn = b.id, r.ref.Run, &d
		}
		done := events.New("fiord/bench", r.ref.Run, &b.request, *r.completed)
		b.add(done, r.completed.EndedAt.Add(200*time.Millisecond))
		if drawn != nil {
			b.add(events.New("fiord/plot", "", &done, *drawn), r.completed.EndedAt.Add(900*time.Millisecond))
		}
	}
	return nil
}

// report judges the bench as the service does.
func (w *writer) report(ctx context.Context, b *made) (events.BenchReported, error) {
	made := archive.Decision{Bench: b.samples()}
	w.measured[b.id] = made.Bench
	origin := b.origin()
	var before *verdict.Bench
	if origin != nil {
		h, err := w.archive.History(ctx, b.name, origin)
		if err != nil {
			return events.BenchReported{}, err
		}
		if id := h.Newest(b.id); id != "" {
			found := w.measured[id]
			before, made.Baseline = &found, id
		}
		var sessions []verdict.Bench
		for _, e := range h.Sessions(b.id) {
			session := w.measured[e.Bench]
			session.Accepted = e.Accepted
			sessions = append(sessions, session)
		}
		made = made.With(verdict.Hold(sessions, before, made.Bench, verdict.Options{Figures: []string{"iops", "p99"}, Threshold: .05}))
		out := h.Next(b.id, origin.Commit, made.Verdict, made.Comparisons, .05)
		made.Shift, made.Recovered, made.Settled = out.Shift, out.Recovered, out.Settled
	} else {
		made = made.With(verdict.Judge(nil, made.Bench, verdict.Options{}))
	}
	final, claim, err := w.archive.Decide(ctx, made)
	if err != nil {
		return events.BenchReported{}, err
	}
	return events.BenchReported{
		Bench: b.id, Name: b.name, Verdict: final.Verdict, Headline: final.Headline, Counts: b.counts, Comparisons: final.Comparisons[:min(len(final.Comparisons), 50)],
		Baseline: final.Baseline, Origin: origin, Shift: final.Shift, Recovered: final.Recovered,
		Reports: []events.Artifact{{Name: archive.FileVerdict, ClaimCheck: claim}},
	}, nil
}

// keep archives all events of a bench.
func (w *writer) keep(ctx context.Context, b *made) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for _, s := range b.list {
		group.Go(func() error { return w.archive.Put(ctx, bus.Original{Event: s.event, Stored: s.at}) })
	}
	return group.Wait()
}

// put stores an object, or claims what an earlier fleet left there.
func (w *writer) put(ctx context.Context, key, mediaType string, body []byte) (events.ClaimCheck, error) {
	claim, err := w.store.Put(ctx, key, mediaType, bytes.NewReader(body))
	if errors.Is(err, artifacts.ErrExists) {
		return w.store.Claim(ctx, key)
	}
	return claim, err
}
