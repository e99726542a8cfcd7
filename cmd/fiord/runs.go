package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// benchFilter is which benches are listed.
type benchFilter struct {
	since                         time.Duration
	number                        int
	name, state, host, repository string
}

// states of a bench, as the list shows them: on its way, then ended.
var benchStates = []string{
	"requested", "queued", "running", "stopping", "unplaced", "cancelled",
	string(events.VerdictBaseline), string(events.VerdictUnchanged), string(events.VerdictImproved),
	string(events.VerdictRegressed), string(events.VerdictInconclusive), string(events.VerdictInvalid), string(events.VerdictFailed),
}

func (f benchFilter) check() error {
	switch {
	case f.since <= 0 || f.number < 0:
		return errors.New("fiord runs: --since must be more than 0, --number not negative")
	case f.state != "" && !slices.Contains(benchStates, f.state):
		return fmt.Errorf("fiord runs: --state is %q, want %s", f.state, strings.Join(benchStates, ", "))
	}
	for flag, pattern := range map[string]string{"name": f.name, "host": f.host, "repository": f.repository} {
		if !doublestar.ValidatePattern(pattern) {
			return fmt.Errorf("fiord runs: --%s %q is no pattern", flag, pattern)
		}
	}
	return nil
}

func (f benchFilter) takes(b *follow.Bench) bool {
	var repository string
	if b.Request.Origin != nil {
		repository = b.Request.Origin.Repo.Name
	}
	onHost := f.host == "" || slices.ContainsFunc(b.Runs(), func(r *follow.Run) bool { return matches(f.host, r.Host) })
	return onHost && matches(f.name, b.Name()) && matches(f.repository, repository) && (f.state == "" || f.state == standing(b))
}

func (p *program) runsCommand() *cobra.Command {
	var filter benchFilter
	c := &cobra.Command{
		Use:   "runs",
		Short: "List the benches, newest first",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := filter.check(); err != nil {
				return badInput(err)
			}
			return p.runs(c.Context(), filter)
		},
	}
	c.Flags().DurationVar(&filter.since, "since", 7*24*time.Hour, "benches asked for within so long")
	c.Flags().IntVarP(&filter.number, "number", "n", 20, "at most so many; 0 for all")
	c.Flags().StringVar(&filter.name, "name", "", "only benches of such a name, such as 'nightly*'")
	c.Flags().StringVar(&filter.state, "state", "", "only benches that are "+strings.Join(benchStates, ", "))
	c.Flags().StringVar(&filter.host, "host", "", "only benches with a run on such a host")
	c.Flags().StringVar(&filter.repository, "repository", "", "only benches that such a repository asked for, such as 'lab/**'")
	offer(c, "host", p.completeHosts(false))
	offer(c, "state", cobra.FixedCompletions(benchStates, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (p *program) runs(ctx context.Context, filter benchFilter) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	benches, err := recent(ctx, client, time.Now().Add(-filter.since))
	if err != nil {
		return err
	}
	benches = slices.DeleteFunc(benches, func(b *follow.Bench) bool { return !filter.takes(b) })
	if filter.number > 0 && len(benches) > filter.number {
		benches = benches[:filter.number]
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
