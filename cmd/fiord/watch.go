package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// watchFlags narrow what `fiord watch` shows.
type watchFlags struct {
	types  []string
	bench  string
	since  time.Duration
	number int
	live   bool
}

func (p *program) watchCommand() *cobra.Command {
	var f watchFlags
	c := &cobra.Command{
		Use:   "watch",
		Short: "Follow events and progress",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return p.watch(c.Context(), f) },
	}
	flags := c.Flags()
	flags.StringSliceVar(&f.types, "type", nil, "only events of this type, such as run.completed; give it again for more")
	flags.StringVar(&f.bench, "bench", "", "only events of this bench")
	flags.DurationVar(&f.since, "since", 0, "begin with the events of so long ago")
	flags.IntVarP(&f.number, "number", "n", 0, "end after so many events")
	flags.BoolVar(&f.live, "progress", false, "show the progress of runs too")
	return c
}

func (p *program) watch(ctx context.Context, f watchFlags) error {
	view := bus.View{OnlyNew: f.since == 0}
	if f.since > 0 {
		view.Since = time.Now().Add(-f.since)
	}
	for _, name := range f.types {
		typ, err := parseType(name)
		if err != nil {
			return badInput(err)
		}
		view.Types = append(view.Types, typ)
	}
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, enough := context.WithCancelCause(ctx)
	defer enough(nil)
	w := &watcher{program: p, flags: f, enough: enough}
	view.See = func(_ context.Context, s bus.Seen) { w.event(s) }
	running, err := client.Bus.Watch(ctx, view)
	if err != nil {
		return err
	}
	defer running.Stop()
	if f.live {
		live, err := client.Bus.WatchLive(ctx, f.bench, w.progress)
		if err != nil {
			return err
		}
		defer live.Stop()
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, errEnough) {
		return cause
	}
	return nil
}

// errEnough ends a watch that has seen what was asked for.
var errEnough = errors.New("enough events")

// watcher prints what two subscriptions bring.
type watcher struct {
	program *program
	flags   watchFlags
	enough  context.CancelCauseFunc
	mu      sync.Mutex
	seen    int
}

func (w *watcher) event(s bus.Seen) {
	if w.flags.bench != "" && events.BenchOf(s.Event) != w.flags.bench {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.flags.number > 0 && w.seen >= w.flags.number {
		return
	}
	w.seen++
	if err := w.print(s); err != nil {
		w.enough(err)
	}
	if w.seen == w.flags.number {
		w.enough(errEnough)
	}
}

func (w *watcher) print(s bus.Seen) error {
	if w.program.json {
		return w.program.printJSON(envelopeOf(s))
	}
	_, err := fmt.Fprintln(w.program.stdout, screen.EventLine(s))
	return err
}

func (w *watcher) progress(p events.Progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var err error
	if w.program.json {
		err = w.program.printJSON(map[string]any{"progress": p})
	} else {
		_, err = fmt.Fprintln(w.program.stdout, screen.ProgressLine(p))
	}
	if err != nil {
		w.enough(err)
	}
}

// envelope is an event as --json prints it: CloudEvents' names, and where it
// lies in the stream.
type envelope struct {
	ID            string      `json:"id"`
	Source        string      `json:"source"`
	Type          events.Type `json:"type"`
	Subject       string      `json:"subject,omitempty"`
	Time          time.Time   `json:"time"`
	CorrelationID string      `json:"correlationid,omitempty"`
	CausationID   string      `json:"causationid,omitempty"`
	Sequence      uint64      `json:"sequence"`
	Data          events.Data `json:"data"`
}

func envelopeOf(s bus.Seen) envelope {
	e := s.Event
	return envelope{e.ID, e.Source, e.Type, e.Subject, e.Time, e.CorrelationID, e.CausationID, s.Sequence, e.Data}
}
