package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
)

const (
	// lookedBack is how old a bench may be whose id is shortened or completed: as
	// long as events are kept by default.
	lookedBack = 30 * 24 * time.Hour
	// shortest is the fewest characters that stand for an id.
	shortest = 4
	// completed is how many ids the shell is offered.
	completed = 50
	// completionTime is how long the shell is kept waiting.
	completionTime = 5 * time.Second
)

// expand returns the id that begins with what was typed, if it is that of one
// bench or run. What is no beginning of an id is returned as it is.
func expand(ctx context.Context, client *connection.Client, typed string) (string, error) {
	if len(typed) < shortest || len(typed) >= events.IDLength || !isBeginning(typed) {
		return typed, nil
	}
	benches, err := recent(ctx, client, time.Now().Add(-lookedBack))
	if err != nil {
		return "", err
	}
	var found []string
	for _, b := range benches {
		if strings.HasPrefix(b.ID, typed) {
			found = append(found, b.ID)
		}
		for _, r := range b.Runs() {
			if strings.HasPrefix(r.Run, typed) {
				found = append(found, r.Run)
			}
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	switch len(found) {
	case 0:
		return typed, nil
	case 1:
		return found[0], nil
	}
	return "", badInput(fmt.Errorf("%s begins %s: %s", typed, screen.Plural(len(found), "id"), strings.Join(found[:min(len(found), 5)], ", ")))
}

// isBeginning reports whether a text could be the beginning of an id.
func isBeginning(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') })
}

// completeBench offers the shell the ids of the newest benches, with their names.
func (p *program) completeBench(c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(c.Context(), completionTime)
	defer cancel()
	client, err := p.connect(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer client.Close()
	benches, err := recent(ctx, client, time.Now().Add(-lookedBack))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var list []cobra.Completion
	for _, b := range benches {
		if strings.HasPrefix(b.ID, typed) && len(list) < completed {
			list = append(list, cobra.CompletionWithDesc(b.ID, screen.Clean(fmt.Sprintf("%s, %s, %s", b.Name(), standing(b), b.Asked.Local().Format(time.DateTime)))))
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completeHosts offers names of hosts and of their pools.
func (p *program) completeHosts(pools bool) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(c.Context(), completionTime)
		defer cancel()
		hosts, err := p.registered(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var list []string
		for _, h := range hosts {
			if pools {
				list = append(list, h.Pools...)
			} else {
				list = append(list, h.Name)
			}
		}
		slices.Sort(list)
		return slices.Compact(list), cobra.ShellCompDirectiveNoFileComp
	}
}
