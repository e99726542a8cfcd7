package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

func (p *program) runsCommand() *cobra.Command {
	var (
		since  time.Duration
		number int
	)
	c := &cobra.Command{
		Use:   "runs",
		Short: "List the benches, newest first",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if since <= 0 || number < 0 {
				return badInput(errors.New("fiord runs: --since must be more than 0, --number not negative"))
			}
			return p.runs(c.Context(), since, number)
		},
	}
	c.Flags().DurationVar(&since, "since", 7*24*time.Hour, "benches asked for within so long")
	c.Flags().IntVarP(&number, "number", "n", 20, "at most so many; 0 for all")
	return c
}

func (p *program) runs(ctx context.Context, since time.Duration, number int) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	benches, err := recent(ctx, client, time.Now().Add(-since))
	if err != nil {
		return err
	}
	if number > 0 && len(benches) > number {
		benches = benches[:number]
	}
	if p.json {
		results := make([]result, 0, len(benches))
		for _, b := range benches {
			results = append(results, newResult(b, client.WebURL))
		}
		return p.printJSON(results)
	}
	t := &screen.Table{Header: []string{"BENCH", "NAME", "ASKED", "STATE", "RUNS", "HEADLINE"}, Right: map[string]bool{"RUNS": true}}
	for _, b := range benches {
		n := b.Counts()
		t.Add(b.ID, b.Name(), b.Asked.Local().Format(time.DateTime), standing(b), fmt.Sprintf("%d/%d", n.Ended(), n.Planned), headline(b))
	}
	return t.Write(p.stdout)
}

// recent reads the benches that were asked for since then, newest first.
func recent(ctx context.Context, client *connection.Client, since time.Time) ([]*follow.Bench, error) {
	known := map[string]*follow.Bench{}
	caughtUp := make(chan struct{})
	view, err := client.Bus.Watch(ctx, bus.View{
		Types: follow.Types(), Since: since,
		See: func(_ context.Context, s bus.Seen) {
			id := events.BenchOf(s.Event)
			if known[id] == nil {
				known[id] = follow.New(id)
			}
			known[id].Apply(s.Event)
		},
		CaughtUp: sync.OnceFunc(func() { close(caughtUp) }),
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-caughtUp:
	case <-ctx.Done():
	}
	view.Stop() // before what it wrote is read
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var benches []*follow.Bench
	for _, b := range known {
		if b.Request != nil {
			benches = append(benches, b)
		}
	}
	slices.SortFunc(benches, func(a, b *follow.Bench) int { return b.Asked.Compare(a.Asked) })
	return benches, nil
}

// standing is a bench's state in a word.
func standing(b *follow.Bench) string {
	switch end := b.End.(type) {
	case events.BenchReported:
		return string(end.Verdict)
	case events.BenchUnplaced:
		return "unplaced"
	case events.BenchCancelled:
		return "cancelled"
	}
	switch {
	case b.Cancel != nil:
		return "stopping"
	case b.Placed == nil:
		return "requested"
	case len(b.Runs()) == 0:
		return "queued" // no worker has come to it
	}
	return "running"
}

func headline(b *follow.Bench) string {
	if end, ok := b.End.(events.BenchReported); ok {
		return end.Headline
	}
	return ""
}
