package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/events"
)

func (p *program) publishCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "publish TYPE --data FILE|-",
		Short: "Publish one validated event from a script",
		Long: `Publish one validated event from a script.

TYPE is the noun and verb, as in bench.requested, or the full type. The data is
JSON as fiord schema TYPE describes it; a field that the schema does not know is
an error. Prints the event's id, and for bench.requested the bench's. The data
folder of the fiord to publish to is .fiord or that of FIORD_DATA.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return p.publishEvent(c.Context(), args[0], file) },
	}
	// This hides the flag of the data folder, which FIORD_DATA still names.
	c.Flags().StringVar(&file, "data", "-", "file with the event's data as JSON; - for standard input")
	return c
}

func (p *program) publishEvent(ctx context.Context, name, file string) error {
	typ, err := parseType(name)
	if err != nil {
		return badInput(err)
	}
	raw, err := p.readInput(file)
	if err != nil {
		return badInput(err)
	}
	data, err := events.DecodeData(typ, raw, true)
	if err != nil {
		return badInput(fmt.Errorf("%s: %w", file, err))
	}
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	e, sequence, err := publish(ctx, client, data)
	if err != nil {
		return err
	}
	published := map[string]any{"id": e.ID, "type": e.Type, "sequence": sequence}
	if typ == events.TypeBenchRequested {
		published["bench"] = events.BenchID(e)
	}
	if p.json {
		return p.printJSON(published)
	}
	if bench, ok := published["bench"]; ok {
		_, err = fmt.Fprintf(p.stdout, "%s bench %s\n", e.ID, bench)
		return err
	}
	_, err = fmt.Fprintln(p.stdout, e.ID)
	return err
}

// parseType takes bench.requested as well as dev.fiord.bench.requested.v1.
func parseType(name string) (events.Type, error) {
	if strings.Count(name, ".") == 1 {
		name = "dev.fiord." + name + ".v1"
	}
	typ, err := events.Parse(name)
	if err != nil && !strings.Contains(name, ".") {
		return "", fmt.Errorf("%w: %q: want noun and verb, as in run.completed (fiord schema lists them)", events.ErrUnknownType, name)
	}
	return typ, err
}

// readInput reads a file, or standard input for -, as far as an event may be long.
func (p *program) readInput(file string) ([]byte, error) {
	in := p.stdin
	if file != "-" {
		f, err := os.Open(file) //nolint:gosec // the person names the file
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // only read
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, events.MaxData+1))
	if err != nil {
		return nil, fmt.Errorf("read event data: %w", err)
	}
	return raw, nil
}
