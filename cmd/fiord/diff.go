package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/facts"
)

// environmentFile is what a run leaves of where it was measured.
const environmentFile = "environment.json"

// maxEnvironment bounds what is read of one; they are some kilobytes.
const maxEnvironment = 4 << 20

func (p *program) diffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "Show what differs between the environments of two runs",
		Long: `Show what differs between the environments in which two runs were measured:
kernel, mitigations, processors, file system, device with its firmware and
queue, engine and fio.

Each is the id of a run, the id of a bench (its first run), or an
environment.json. What differs at any two moments, such as load and free memory,
is left out.`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return p.diff(c.Context(), args[0], args[1]) },
	}
}

func (p *program) diff(ctx context.Context, before, after string) error {
	var client *connection.Client
	defer func() {
		if client != nil {
			client.Close()
		}
	}()
	var both [2]facts.Environment
	for i, name := range []string{before, after} {
		raw, err := os.ReadFile(name) //nolint:gosec // the caller's own choice
		if errors.Is(err, fs.ErrNotExist) && events.IsID(name) {
			if client == nil {
				if client, err = p.connect(ctx); err != nil {
					return err
				}
			}
			raw, err = environmentOf(ctx, client, name)
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%s is neither the id of a run or bench nor a file (fiord runs lists benches)", screen.Clean(name))
		}
		if err != nil {
			return badInput(err)
		}
		if err := json.Unmarshal(raw, &both[i]); err != nil {
			return badInput(fmt.Errorf("%s is no %s: %w", screen.Clean(name), environmentFile, err))
		}
		if both[i].HostClass == "" {
			return badInput(fmt.Errorf("%s is no %s: it has no host_class", screen.Clean(name), environmentFile))
		}
	}
	changes, err := facts.Diff(both[0], both[1])
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(struct {
			Changes []facts.Change `json:"changes"`
		}{append([]facts.Change{}, changes...)})
	}
	return p.printChanges(changes)
}

func (p *program) printChanges(changes []facts.Change) error {
	if len(changes) == 0 {
		_, err := fmt.Fprintln(p.stdout, "nothing differs")
		return err
	}
	t := &screen.Table{Header: []string{"", "BEFORE", "AFTER"}}
	for _, c := range changes {
		t.Add(screen.Clean(c.Name), orNone(c.Before), orNone(c.After))
	}
	return t.Write(p.stdout)
}

// orNone shows that a side has no such value.
func orNone(value string) string {
	if value == "" {
		return "-"
	}
	return screen.Clean(value)
}

// environmentOf fetches what the run with this id, or the first run of the bench
// with this id, was measured in.
func environmentOf(ctx context.Context, client *connection.Client, id string) ([]byte, error) {
	at, err := locate(ctx, client, id)
	if err != nil {
		return nil, err
	}
	if at.Bench == "" {
		return nil, fmt.Errorf("%s is neither a run nor a bench", id)
	}
	_, chain, err := load(ctx, client, at.Bench)
	if err != nil {
		return nil, err
	}
	for _, s := range chain {
		ref, kept := keptBy(s.Event)
		if ref.Run != id && at.Bench != id {
			continue
		}
		for _, a := range kept {
			if a.Name == environmentFile {
				return client.Store.ReadAll(ctx, a.ClaimCheck, maxEnvironment)
			}
		}
	}
	return nil, fmt.Errorf("%s has left no %s (fiord show %s)", id, environmentFile, id)
}

// keptBy returns which artifacts the end of a run names.
func keptBy(e events.Event) (events.RunRef, []events.Artifact) {
	switch d := e.Data.(type) {
	case events.RunCompleted:
		return d.RunRef, d.Artifacts
	case events.RunFailed:
		return d.RunRef, d.Artifacts
	case events.RunCancelled:
		return d.RunRef, d.Artifacts
	}
	return events.RunRef{}, nil
}
