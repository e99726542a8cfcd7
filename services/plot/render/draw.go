package render

import (
	"context"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure/catalogue"
	"github.com/fiord-bench/fiord/internal/bus"
)

// Draw reacts to a run that completed: it archives the event, reads what fio
// left, draws, stores the figures and says where they are. It waits while
// something is measured on this host.
func (r *Renderer) Draw(ctx context.Context, d *bus.Delivery) error {
	c, err := bus.As[events.RunCompleted](d)
	if err != nil {
		return err
	}
	if err := r.archive.Put(ctx, d.Original()); err != nil {
		return err
	}
	release, err := r.gate.Render(ctx)
	if err != nil {
		return err
	}
	files, flags, err := r.figures(ctx, c)
	release()
	if err != nil {
		return err
	}
	stored, err := r.KeepAll(ctx, files, func(name string) string { return artifacts.PlotKey(c.Run, name) })
	if err != nil {
		return err
	}
	_, err = d.Emit(ctx, "", events.PlotsRendered{
		Bench: c.Bench, Run: c.Run, Figures: stored, Flags: clipAll(flags), URL: r.opt.URL + "/runs/" + c.Run,
	})
	return err
}

// DrawNothing is owed when a run cannot be drawn: its bench waits for the
// figures, and learns that there are none.
func (r *Renderer) DrawNothing(ctx context.Context, d *bus.Delivery, cause error) error {
	c, err := bus.As[events.RunCompleted](d)
	if err != nil {
		return nil // not readable as what it says it is: no bench waits for it
	}
	_, err = d.Emit(ctx, "dead", events.PlotsRendered{
		Bench: c.Bench, Run: c.Run, URL: r.opt.URL + "/runs/" + c.Run,
		Flags: clipAll([]string{"the figures could not be drawn: " + cause.Error()}),
	})
	return err
}

// figures reads a run and draws its figures.
func (r *Renderer) figures(ctx context.Context, c events.RunCompleted) ([]File, []string, error) {
	run := &catalogue.Run{RunRef: c.RunRef, Completed: &c}
	var err error
	if run.Document, err = r.Result(ctx, c); err != nil {
		return nil, nil, err
	}
	if c.Logs == nil {
		run.Stated = append(run.Stated, "fio left no logs: nothing is known over time")
	} else if run.Reading, err = r.read(ctx, c, run.Document, 0, 0); err != nil {
		return nil, nil, bus.ForStore(err)
	}
	var unread string
	if run.Activity, unread, err = r.hostSeries(ctx, c); err != nil {
		return nil, nil, err
	}
	pictures, err := catalogue.AtOnce(catalogue.OfRun, catalogue.Subject{Run: run})
	if err != nil {
		return nil, nil, bus.Permanent(err)
	}
	flags := catalogue.Flags(run)
	if unread != "" {
		flags = append(flags, unread)
	}
	return Files(pictures), flags, nil
}

// clipAll bounds flags for an event.
func clipAll(flags []string) []string {
	out := make([]string, 0, len(flags))
	for _, f := range flags[:min(len(flags), maxFlags)] {
		out = append(out, events.Clip(f, events.MaxFlag))
	}
	return out
}

// maxFlags is how many flags an event carries.
const maxFlags = 20
