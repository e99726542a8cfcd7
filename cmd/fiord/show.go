package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

func (p *program) showCommand() *cobra.Command {
	var followIt bool
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show what happened to a bench, and what waits for whom since when",
		Long: `Show what happened, in order, and what waits for whom since when.

The id may be a bench's or a run's, or the beginning of one. The id of an event, of a push, or of
anything else that an event is about shows the whole chain it belongs to:
everything that the chain's first event brought about.

With --follow it goes on as things happen, until nobody has a word left to say,
and ends like fiord run. To interrupt it cancels nothing.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeBench,
		RunE: func(c *cobra.Command, args []string) error {
			if followIt {
				return p.showFollowing(c.Context(), args[0])
			}
			return p.show(c.Context(), args[0])
		},
	}
	c.Flags().BoolVarP(&followIt, "follow", "f", false, "go on until it has ended")
	return c
}

// showFollowing prints events as they come, and who is waited for on standard
// error, so that standard output holds what happened only.
func (p *program) showFollowing(ctx context.Context, id string) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	at, err := locate(ctx, client, id)
	if err != nil {
		return err
	}
	var failed error
	chain, err := follow.Tail(ctx, client.Bus, at, func(s bus.Seen) {
		if p.json {
			failed = errors.Join(failed, p.printJSON(envelopeOf(s)))
			return
		}
		_, err := fmt.Fprintln(p.stdout, screen.EventLine(s))
		failed = errors.Join(failed, err)
	}, func(waiting []follow.Waiting) { failed = errors.Join(failed, printWaiting(p.stderr, waiting)) })
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("follow %s: %w", id, err)
	}
	if err != nil || failed != nil {
		return failed
	}
	if err := printDead(p.stderr, chain.Dead); err != nil {
		return err
	}
	for _, b := range chain.First() {
		if !p.json {
			_, err := fmt.Fprintln(p.stdout)
			failed = errors.Join(failed, err)
		}
		failed = errors.Join(failed, p.conclude(b, client.WebURL))
	}
	return failed
}

func (p *program) show(ctx context.Context, id string) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	at, err := locate(ctx, client, id)
	if err != nil {
		return err
	}
	if at.Bench == "" {
		return p.showChain(ctx, client, at.Correlation)
	}
	b, chain, err := load(ctx, client, at.Bench)
	if err != nil {
		return err
	}
	waiting := b.Waiting()
	halted, err := follow.Halted(ctx, client.Bus, chain, len(waiting) == 0)
	if err != nil {
		return err
	}
	excluded, unread := leftOut(ctx, client, b)
	if p.json {
		return p.printJSON(struct {
			result
			Chain    []envelope         `json:"chain"`
			Excluded []events.Exclusion `json:"excluded,omitempty"`
			Waiting  []follow.Waiting   `json:"waiting,omitempty"`
			Halted   []follow.Halt      `json:"halted,omitempty"`
		}{newResult(b, client.WebURL), envelopes(chain), excluded, waiting, halted})
	}
	if err := p.printBench(b, chain, waiting, halted, client.WebURL); err != nil {
		return err
	}
	return p.printExcluded(excluded, unread)
}

// maxPlacement bounds the placement that is read for the hosts left out.
const maxPlacement = 256 << 20

// leftOut reads which hosts the bench's targets selected that don't measure.
// That the store is away doesn't keep the rest from being shown.
func leftOut(ctx context.Context, client *connection.Client, b *follow.Bench) ([]events.Exclusion, error) {
	if b.Placed == nil || b.Placed.Excluded == 0 {
		return nil, nil
	}
	raw, err := client.Store.ReadAll(ctx, b.Placed.Placement, maxPlacement)
	if err != nil {
		return nil, fmt.Errorf("%s left out; why is not to be had: %w", screen.Plural(b.Placed.Excluded, "host"), err)
	}
	var placement events.Placement
	if err := json.Unmarshal(raw, &placement); err != nil {
		return nil, fmt.Errorf("read %s: %w", b.Placed.Placement.Key, err)
	}
	return placement.Excluded, nil
}

// mostExcluded is how many hosts are listed for people; --json has them all.
const mostExcluded = 20

func (p *program) printExcluded(list []events.Exclusion, unread error) error {
	if unread != nil {
		_, err := fmt.Fprintln(p.stdout, screen.Clean(unread.Error()))
		return err
	}
	for _, e := range list[:min(len(list), mostExcluded)] {
		for _, problem := range e.Problems {
			if _, err := fmt.Fprintf(p.stdout, "left out: %s\n", screen.Clean(problem.String())); err != nil {
				return err
			}
		}
	}
	if more := len(list) - mostExcluded; more > 0 {
		_, err := fmt.Fprintf(p.stdout, "left out: %s more (--json lists all)\n", screen.Plural(more, "host"))
		return err
	}
	return nil
}

func (p *program) printBench(b *follow.Bench, chain []bus.Seen, waiting []follow.Waiting, halted []follow.Halt, webURL string) error {
	if _, err := fmt.Fprintf(p.stdout, "bench %s (%s)\n\n", b.ID, screen.Clean(b.Name())); err != nil {
		return err
	}
	if err := errors.Join(p.printChain(chain, waiting), printHalted(p.stdout, halted)); err != nil {
		return err
	}
	return screen.Summary(p.stdout, b, webURL)
}

// locate finds what an id names; that nothing does is the caller's fault.
func locate(ctx context.Context, client *connection.Client, id string) (follow.Located, error) {
	at, err := follow.Locate(ctx, client.Bus, id)
	if err == nil && at == (follow.Located{}) {
		var whole string
		if whole, err = expand(ctx, client, id); err == nil && whole != id {
			at, err = follow.Locate(ctx, client.Bus, whole)
		}
	}
	if err == nil && at == (follow.Located{}) {
		err = badInput(fmt.Errorf("%w: no event of the last 30 days names %s (fiord runs lists them)", errUnknownBench, screen.Clean(id)))
	}
	return at, err
}

// showChain shows what one first event brought about, be it one bench or many.
func (p *program) showChain(ctx context.Context, client *connection.Client, correlation string) error {
	c, err := follow.LoadChain(ctx, client.Bus, correlation)
	if err != nil {
		return err
	}
	waiting := c.Waiting()
	halted, err := follow.Halted(ctx, client.Bus, c.Events, len(waiting) == 0)
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(struct {
			Correlation string           `json:"correlationid"`
			Chain       []envelope       `json:"chain"`
			Waiting     []follow.Waiting `json:"waiting,omitempty"`
			Halted      []follow.Halt    `json:"halted,omitempty"`
			Dead        []bus.DeadLetter `json:"dead,omitempty"`
		}{correlation, envelopes(c.Events), waiting, halted, c.Dead})
	}
	if _, err := fmt.Fprintf(p.stdout, "chain %s\n\n", screen.Clean(correlation)); err != nil {
		return err
	}
	return errors.Join(p.printChain(c.Events, waiting), printHalted(p.stdout, halted), printDead(p.stdout, c.Dead))
}

// printHalted prints which consumers the chain waits for in vain, a line each.
func printHalted(to io.Writer, halted []follow.Halt) error {
	for _, h := range halted {
		text := h.Reason
		if h.Waiting > 0 {
			text += " (" + screen.Plural(h.Waiting, "event") + " of this chain in it)"
		}
		if _, err := fmt.Fprintf(to, "halted: %s\n", screen.Clean(text)); err != nil {
			return err
		}
	}
	return nil
}

// printDead prints which reactions gave up on an event of the chain, and why.
func printDead(to io.Writer, dead []bus.DeadLetter) error {
	for _, l := range dead {
		if _, err := fmt.Fprintf(to, "given up on by %s at %s: %s (fiord dead show %d)\n", l.Reaction,
			l.At.Local().Format(time.DateTime), screen.Clean(l.Reason), l.Number); err != nil {
			return err
		}
	}
	return nil
}

// printChain prints events in order, and who has the next word.
func (p *program) printChain(chain []bus.Seen, waiting []follow.Waiting) error {
	for _, s := range chain {
		if _, err := fmt.Fprintln(p.stdout, screen.EventLine(s)); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(p.stdout); err != nil {
		return err
	}
	return printWaiting(p.stdout, waiting)
}

// printWaiting prints who has the next word, a line each.
func printWaiting(to io.Writer, waiting []follow.Waiting) error {
	for _, w := range waiting {
		if _, err := fmt.Fprintf(to, "waiting for %s since %s (%s): %s\n", w.For,
			w.Since.Local().Format(time.DateTime), screen.Seconds(time.Since(w.Since)), screen.Clean(w.What)); err != nil {
			return err
		}
	}
	return nil
}

func envelopes(chain []bus.Seen) []envelope {
	list := make([]envelope, 0, len(chain))
	for _, s := range chain {
		list = append(list, envelopeOf(s))
	}
	return list
}

func (p *program) cancelCommand() *cobra.Command {
	var (
		reason string
		queued bool
	)
	c := &cobra.Command{
		Use:               "cancel BENCH",
		Short:             "Stop a bench; what runs is ended within seconds",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeBench,
		RunE: func(c *cobra.Command, args []string) error {
			client, err := p.connect(c.Context())
			if err != nil {
				return err
			}
			defer client.Close()
			b, _, err := load(c.Context(), client, args[0])
			if err != nil {
				return err
			}
			if b.End != nil {
				return badInput(fmt.Errorf("bench %s has ended already (%s)", b.ID, b.End.EventType().Verb()))
			}
			if err := cancelBench(c.Context(), client, b.ID, reason, queued); err != nil {
				return err
			}
			return p.printAsked(b, "asked to stop (fiord show --follow "+b.ID+" tells when it has)")
		},
	}
	c.Flags().StringVar(&reason, "reason", "cancelled by hand", "why, for those who are told")
	c.Flags().BoolVar(&queued, "queued", false, "let runs that have started end")
	return c
}

func (p *program) acceptCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:               "accept BENCH",
		Short:             "Make a bench's results the new baseline",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeBench,
		RunE: func(c *cobra.Command, args []string) error {
			client, err := p.connect(c.Context())
			if err != nil {
				return err
			}
			defer client.Close()
			b, _, err := load(c.Context(), client, args[0])
			if err != nil {
				return err
			}
			if _, reported := b.End.(events.BenchReported); !reported {
				return badInput(fmt.Errorf("bench %s has no report that could be a baseline", b.ID))
			}
			if _, _, err := publish(c.Context(), client, events.BaselineAccepted{Bench: b.ID, By: whoami(), Reason: reason}); err != nil {
				return err
			}
			return p.printAsked(b, "its results are the baseline from now on")
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why the shift is right")
	return c
}

// printAsked confirms what was asked for a bench.
func (p *program) printAsked(b *follow.Bench, what string) error {
	if p.json {
		return p.printJSON(map[string]string{"bench": b.ID})
	}
	_, err := fmt.Fprintf(p.stdout, "bench %s (%s): %s\n", b.ID, screen.Clean(b.Name()), what)
	return err
}

func (p *program) rerunCommand() *cobra.Command {
	var detach bool
	c := &cobra.Command{
		Use:               "rerun BENCH",
		Short:             "Request the same bench again",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: p.completeBench,
		RunE:              func(c *cobra.Command, args []string) error { return p.rerun(c.Context(), args[0], detach) },
	}
	c.Flags().BoolVar(&detach, "detach", false, "print the new bench's id and do not wait")
	return c
}

// rerun asks for a bench again. Its job files are in the store already.
func (p *program) rerun(ctx context.Context, id string, detach bool) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	b, _, err := load(ctx, client, id)
	if err != nil {
		return err
	}
	if b.Request == nil {
		return badInput(fmt.Errorf("the request for bench %s is no longer in the stream", b.ID))
	}
	again := *b.Request
	again.RerunOf, again.Attempt = b.ID, max(again.Attempt, 1)+1
	e, sequence, err := publish(ctx, client, again)
	if err != nil {
		return err
	}
	if detach {
		return p.printDetached(events.BenchID(e), client.WebURL)
	}
	return p.followBench(ctx, client, events.BenchID(e), sequence)
}
