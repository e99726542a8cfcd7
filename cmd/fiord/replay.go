package main

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/screen"
)

func (p *program) replayCommand() *cobra.Command {
	var from, to uint64
	c := &cobra.Command{
		Use:   "replay REACTION --from SEQUENCE [--to SEQUENCE]",
		Short: "Give a stretch of events to one reaction again; it finds its work done",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if from == 0 {
				return badInput(errors.New("--from is missing: the sequence of the first event (fiord watch --json shows sequences)"))
			}
			if to != 0 && to < from {
				return badInput(fmt.Errorf("--from %d --to %d is no stretch of the stream (fiord watch --json shows sequences)", from, to))
			}
			client, err := p.connect(c.Context())
			if err != nil {
				return err
			}
			defer client.Close()
			if to == 0 {
				to = from
			}
			n, err := client.Bus.Replay(c.Context(), args[0], from, to)
			if errors.Is(err, jetstream.ErrConsumerNotFound) {
				return badInput(fmt.Errorf("no reaction is called %q: it is service and name, such as plot-draw (fiord dead ls and nats consumer ls FIORD show names)", screen.Clean(args[0])))
			}
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(map[string]any{"reaction": args[0], "replayed": n})
			}
			_, err = fmt.Fprintf(p.stdout, "replayed %s to %s\n", screen.Plural(n, "event"), args[0])
			return err
		},
	}
	c.Flags().Uint64Var(&from, "from", 0, "sequence of the first event")
	c.Flags().Uint64Var(&to, "to", 0, "sequence of the last event (default: the first)")
	return c
}
