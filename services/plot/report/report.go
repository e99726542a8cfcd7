package report

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/archive"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// sinceStored is the age of an event in the stream.
func sinceStored(d *bus.Delivery) time.Duration { return time.Since(d.Stored) }

// endIfComplete ends a bench if all of its runs have ended. It may be called at
// any time and any number of times: the counted runs show whether it is complete,
// the bus whether it has ended already.
func (r *Reporter) endIfComplete(ctx context.Context, d *bus.Delivery, bench string) error {
	p, err := r.placement(ctx, bench)
	if err != nil || p == nil {
		return err // bench.placed will come, and end it
	}
	if n, err := r.drawn(ctx, bench); err != nil || n < size(p) {
		return err
	}
	if _, over, err := r.bus.Ended(ctx, events.BenchEndFilter(bench)); err != nil || over {
		return err
	}
	b, err := r.assemble(ctx, p, planned(p))
	if err != nil {
		return err
	}
	again, err := r.confirmation(ctx, p)
	if err != nil {
		return err
	}
	if again == nil {
		if over, err := r.endCancelled(ctx, d, b, false); over || err != nil {
			return err
		}
		made, err := r.judge(ctx, p, b)
		if err != nil {
			return err
		}
		if !needsConfirmation(p, made) {
			return r.report(ctx, d, p, b, made)
		}
		if again, err = r.planConfirmation(ctx, p, b, made); err != nil {
			return err
		}
	}
	// The command to stop the bench is looked for after the confirmation is stored,
	// and the confirmation after the command is: whichever comes second is seen.
	if over, err := r.endCancelled(ctx, d, b, true); over || err != nil {
		return err
	}
	made, over, err := r.confirm(ctx, d, p, *again)
	if err != nil || !over {
		return err // the end of the confirming bench will come, and end it
	}
	return r.report(ctx, d, p, b, made)
}

// report ends a bench with its verdict, and enters it into its history before
// the next bench of its name is judged.
func (r *Reporter) report(ctx context.Context, d *bus.Delivery, p *events.Placement, b model.Bench, made archive.Decision) error {
	reported, err := r.reported(ctx, p, b, made)
	if err != nil {
		return err
	}
	ending, err := d.End(ctx, "", reported)
	if err != nil || !ending.Won {
		return err
	}
	return bus.ForStore(r.archive.Remember(ctx, reported, ending.Event.Time))
}

// readers is how many objects are read at once.
const readers = 16

// assemble reads the ends and figures of all runs from the archive into a bench.
func (r *Reporter) assemble(ctx context.Context, p *events.Placement, runs []events.RunRef) (model.Bench, error) {
	m := model.New(len(runs) + 1)
	m.Apply(events.Event{Type: events.TypeBenchPlaced, Data: events.BenchPlaced{
		Bench: p.Bench, Name: p.Request.Name, Runs: len(runs), Slots: len(p.Slots), PlacedAt: p.PlacedAt, Deadline: p.Deadline, Origin: p.Request.Origin, Confirms: p.Request.Confirms,
	}}, p.PlacedAt)
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for _, ref := range runs {
		group.Go(func() error {
			end, err := r.archive.Get(reading, p.Bench, archive.RunEnded(ref.Run))
			if err != nil {
				return bus.ForStore(fmt.Errorf("read the end of run %s: %w", ref.Run, err))
			}
			m.Apply(end.Event, end.Stored)
			if end.Event.Type != events.TypeRunCompleted {
				return nil
			}
			plots, err := r.archive.Get(reading, p.Bench, archive.RunPlots(ref.Run))
			if err != nil {
				return bus.ForStore(fmt.Errorf("read the figures of run %s: %w", ref.Run, err))
			}
			m.Apply(plots.Event, plots.Stored)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return model.Bench{}, err
	}
	b, _ := m.Bench(p.Bench)
	if err := r.machines(ctx, m, b); err != nil {
		return b, err
	}
	b, _ = m.Bench(p.Bench)
	return b, nil
}

// reported decides about a bench and writes its report.
func (r *Reporter) reported(ctx context.Context, p *events.Placement, b model.Bench, made archive.Decision) (events.BenchReported, error) {
	final, claim, err := r.archive.Decide(ctx, made)
	if err != nil {
		return events.BenchReported{}, err
	}
	data := events.BenchReported{
		Bench: b.ID, Name: b.Name, Verdict: final.Verdict, Headline: final.Headline, Counts: final.Counts,
		Comparisons: final.Comparisons[:min(len(final.Comparisons), 50)], Baseline: final.Baseline,
		URL: r.opt.URL + "/benches/" + b.ID, Origin: b.Origin,
		Shift: final.Shift, Recovered: final.Recovered, Settled: final.Settled, Confirmation: final.Confirmation, Confirms: p.Request.Confirms,
	}
	if c := p.Request.Compare; c != nil {
		data.BlockUndecided = c.BlockUndecided
	}
	b.Report, b.State = &data, model.StateReported
	if data.Reports, err = r.write(ctx, p, b, final); err != nil {
		return data, err
	}
	data.Reports = append(data.Reports, events.Artifact{Name: archive.FileVerdict, ClaimCheck: claim})
	return data, nil
}

// ReportNothing is owed when the last step of a bench fails for good: nothing
// may wait for it for ever.
func (r *Reporter) ReportNothing(ctx context.Context, d *bus.Delivery, cause error) error {
	bench, _ := model.Of(d.Event)
	return r.reportInvalid(ctx, d, bench, cause)
}

func (r *Reporter) reportInvalid(ctx context.Context, d *bus.Delivery, bench string, cause error) error {
	data := events.BenchReported{
		Bench: bench, Name: bench, Verdict: events.VerdictInvalid, URL: r.opt.URL + "/benches/" + bench,
		Headline: "The report could not be made: " + events.Clip(cause.Error(), 900),
	}
	if b, ok := r.model.Bench(bench); ok && b.Name != "" {
		data.Name, data.Counts, data.Origin, data.Confirms = b.Name, b.Counts(), b.Origin, b.Confirms
	}
	_, err := d.End(ctx, "dead", data)
	return err
}
