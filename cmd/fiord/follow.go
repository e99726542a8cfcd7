package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"time"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// lineEvery is how often a run's progress is written where there is no terminal.
const lineEvery = 10 * time.Second

// followBench shows a bench until its end, prints the summary, and ends with
// the bench's exit code. When ctx ends, it cancels the bench and follows it to
// its end; a second signal kills the command.
func (p *program) followBench(ctx context.Context, client *connection.Client, id string, from uint64) error {
	progress := p.progress()
	b, err := follow.Follow(ctx, client.Bus, id, from, progress.Show)
	if err != nil && ctx.Err() != nil {
		progress.Done()
		rest := context.WithoutCancel(ctx)
		if err := p.cancelAndTell(rest, client, id); err != nil {
			return err
		}
		b, err = follow.Follow(rest, client.Bus, id, from, progress.Show)
	}
	progress.Done()
	if err != nil {
		return err
	}
	return p.conclude(b, client.WebURL)
}

// progress shows on standard error, so that standard output holds results only.
func (p *program) progress() screen.Progress {
	if width, ok := p.terminal(p.stderr); ok {
		return screen.Bars(p.stderr, width)
	}
	return screen.Lines(p.stderr, lineEvery, time.Now)
}

func (p *program) cancelAndTell(ctx context.Context, client *connection.Client, id string) error {
	if err := cancelBench(ctx, client, id, "interrupted at the keyboard", false); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.stderr, "cancelling bench %s; interrupt again to leave it alone\n", id)
	return err
}

func cancelBench(ctx context.Context, client *connection.Client, id, reason string, queuedOnly bool) error {
	_, _, err := publish(ctx, client, events.CancelRequested{Bench: id, Reason: reason, By: whoami(), QueuedOnly: queuedOnly})
	return err
}

// whoami is the person, for events that tell who asked.
func whoami() string {
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return "the command line"
	}
	return u.Username
}

// result is a bench as --json prints it.
type result struct {
	Bench    string                  `json:"bench"`
	Name     string                  `json:"name"`
	End      events.Type             `json:"end"`
	Verdict  events.Verdict          `json:"verdict,omitempty"`
	Headline string                  `json:"headline,omitempty"`
	Counts   events.Counts           `json:"counts"`
	Rows     []follow.Row            `json:"rows,omitempty"`
	Problems []problem               `json:"problems,omitempty"`
	Reports  []events.Artifact       `json:"reports,omitempty"`
	Runs     map[string]follow.State `json:"runs,omitempty"`
	URL      string                  `json:"url,omitempty"`
	Compared []events.Comparison     `json:"comparisons,omitempty"`
	// Shift, Recovered, Confirmation and Confirms as bench.reported has them.
	Shift        *events.Shift        `json:"shift,omitempty"`
	Recovered    *events.Shift        `json:"recovered,omitempty"`
	Confirmation *events.Confirmation `json:"confirmation,omitempty"`
	Confirms     string               `json:"confirms,omitempty"`
	Exit         follow.Outcome       `json:"exit"`
}

// problem is a run that did not complete, or what kept the bench from its place.
type problem struct {
	Run    string       `json:"run,omitempty"`
	State  follow.State `json:"state,omitempty"`
	Reason string       `json:"reason"`
}

func newResult(b *follow.Bench, webURL string) result {
	r := result{
		Bench: b.ID, Name: b.Name(), Counts: b.Counts(), Rows: b.Rows(), URL: screen.Page(b, webURL),
		Exit: b.Outcome(), Runs: map[string]follow.State{},
	}
	for _, run := range b.Runs() {
		r.Runs[run.Run] = run.State
		if run.State.Final() && run.State != follow.Completed && run.State != follow.NotNeeded {
			r.Problems = append(r.Problems, problem{run.Run, run.State, run.Reason})
		}
	}
	switch end := b.End.(type) {
	case events.BenchReported:
		r.Verdict, r.Headline, r.Counts, r.Reports, r.Compared = end.Verdict, end.Headline, end.Counts, end.Reports, end.Comparisons
		r.Shift, r.Recovered, r.Confirmation, r.Confirms = end.Shift, end.Recovered, end.Confirmation, end.Confirms
	case events.BenchCancelled:
		r.Headline, r.Counts = end.Reason, end.Counts
	case events.BenchUnplaced:
		for _, unmatched := range end.Problems {
			r.Problems = append(r.Problems, problem{Reason: unmatched.String()})
		}
	}
	if b.End != nil {
		r.End = b.End.EventType()
	}
	return r
}

// conclude prints how a bench ended.
func (p *program) conclude(b *follow.Bench, webURL string) error {
	var err error
	if p.json {
		err = p.printJSON(newResult(b, webURL))
	} else {
		err = screen.Summary(p.stdout, b, webURL)
	}
	if outcome := b.Outcome(); err == nil && outcome != follow.AllWell {
		return &exitError{code: outcome}
	}
	return err
}

// errUnknownBench tells of an id that no event names.
var errUnknownBench = errors.New("no such bench")

// load reads a bench that must exist, with its events in order. Its id may be
// shortened.
func load(ctx context.Context, client *connection.Client, id string) (*follow.Bench, []bus.Seen, error) {
	id, err := expand(ctx, client, id)
	if err != nil {
		return nil, nil, err
	}
	if !events.IsID(id) {
		return nil, nil, badInput(fmt.Errorf("%w: %q is not an id of %d letters and digits", errUnknownBench, id, events.IDLength))
	}
	b, chain, err := follow.Load(ctx, client.Bus, id)
	if err != nil {
		return nil, nil, err
	}
	if len(chain) == 0 {
		return nil, nil, badInput(fmt.Errorf("%w: no event of the last 30 days names %s (fiord runs lists them)", errUnknownBench, id))
	}
	return b, chain, nil
}
