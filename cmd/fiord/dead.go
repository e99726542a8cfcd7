package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/internal/bus"
)

func (p *program) deadCommand() *cobra.Command {
	c := &cobra.Command{Use: "dead", Short: "Look after events that a reaction gave up on"}
	var filter deadFilter
	list := &cobra.Command{
		Use: "ls", Short: "List dead letters, oldest first", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.deadList(c.Context(), filter) },
	}
	list.Flags().StringVar(&filter.reaction, "reaction", "", "only those of this reaction, such as plot-draw")
	list.Flags().StringVar(&filter.event, "type", "", "only those of this type of event, such as run.completed")
	list.Flags().DurationVar(&filter.since, "since", 0, "only those given up on within so long; 0 for all")
	c.AddCommand(list,
		&cobra.Command{
			Use: "show NUMBER", Short: "Show a dead letter: the reason, the attempts, the event", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error { return p.deadShow(c.Context(), args[0]) },
		},
		p.deadChange("redrive", "Give dead letters back to the reactions that gave up on them", (*bus.Bus).Redrive),
		p.deadChange("purge", "Delete dead letters", (*bus.Bus).Purge),
	)
	return c
}

// deadFilter is which dead letters are listed.
type deadFilter struct {
	reaction, event string
	since           time.Duration
}

func (f deadFilter) takes(l bus.DeadLetter) bool {
	return (f.event == "" || f.event == l.EventType || f.event == short(l.EventType)) && (f.since <= 0 || time.Since(l.At) <= f.since)
}

func (p *program) deadList(ctx context.Context, filter deadFilter) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	letters := []bus.DeadLetter{}
	for letter, err := range client.Bus.DeadLetters(ctx, filter.reaction) {
		if err != nil {
			return err
		}
		if filter.takes(letter) {
			letters = append(letters, letter)
		}
	}
	if p.json {
		return p.printJSON(letters)
	}
	if len(letters) == 0 {
		_, err := fmt.Fprintln(p.stdout, "no dead letters")
		return err
	}
	t := &screen.Table{Header: []string{"NUMBER", "REACTION", "EVENT", "AT", "ATTEMPTS", "REASON"}, Right: map[string]bool{"NUMBER": true, "ATTEMPTS": true}}
	for _, l := range letters {
		t.Add(fmt.Sprint(l.Number), l.Reaction, short(l.EventType), l.At.Local().Format(time.DateTime), fmt.Sprint(len(l.Attempts)), l.Reason)
	}
	return t.Write(p.stdout)
}

func short(eventType string) string {
	return strings.TrimSuffix(strings.TrimPrefix(eventType, "dev.fiord."), ".v1")
}

func (p *program) deadShow(ctx context.Context, text string) error {
	number, err := letterNumber(text)
	if err != nil {
		return err
	}
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	l, err := client.Bus.DeadLetter(ctx, number)
	if err != nil {
		return badInput(err)
	}
	if p.json {
		return p.printJSON(l)
	}
	if _, err := fmt.Fprintf(p.stdout, "dead letter %d of %s, %s\nevent %s %s (sequence %d, given back %d times)\nreason: %s\n",
		l.Number, l.Reaction, l.At.Local().Format(time.DateTime), short(l.EventType), l.EventID, l.Sequence, l.Redrives, screen.Clean(l.Reason)); err != nil {
		return err
	}
	for _, a := range l.Attempts {
		if _, err := fmt.Fprintf(p.stdout, "  %s  delivery %d: %s\n", a.At.Local().Format(time.DateTime), a.Delivery, screen.Clean(a.Error)); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(p.stdout, "%s\n", screen.Clean(string(l.Body)))
	return err
}

// deadChange is a command that does one thing to letters given by number, or
// to all letters of a reaction.
func (p *program) deadChange(verb, help string, change func(*bus.Bus, context.Context, uint64) error) *cobra.Command {
	var reaction string
	c := &cobra.Command{
		Use: verb + " NUMBER... | --reaction NAME", Short: help,
		RunE: func(c *cobra.Command, args []string) error {
			if (len(args) == 0) == (reaction == "") {
				return badInput(fmt.Errorf("name letters by number, or a reaction with --reaction (fiord dead ls shows both)"))
			}
			client, err := p.connect(c.Context())
			if err != nil {
				return err
			}
			defer client.Close()
			numbers, err := letterNumbers(c.Context(), client, args, reaction)
			if err != nil {
				return err
			}
			for _, number := range numbers {
				if err := change(client.Bus, c.Context(), number); err != nil {
					return fmt.Errorf("%s %d: %w", verb, number, err)
				}
			}
			if p.json {
				return p.printJSON(map[string]any{verb: numbers})
			}
			_, err = fmt.Fprintf(p.stdout, "%s: %s\n", verb, screen.Plural(len(numbers), "letter"))
			return err
		},
	}
	c.Flags().StringVar(&reaction, "reaction", "", "all letters of this reaction, such as plot-draw")
	return c
}

func letterNumbers(ctx context.Context, client *connection.Client, args []string, reaction string) ([]uint64, error) {
	var numbers []uint64
	for _, arg := range args {
		number, err := letterNumber(arg)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, number)
	}
	if reaction == "" {
		return numbers, nil
	}
	for letter, err := range client.Bus.DeadLetters(ctx, reaction) {
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, letter.Number)
	}
	return numbers, nil
}

func letterNumber(text string) (uint64, error) {
	number, err := strconv.ParseUint(text, 10, 64)
	if err != nil || number == 0 {
		return 0, badInput(fmt.Errorf("%q is not the number of a dead letter (fiord dead ls lists them)", text))
	}
	return number, nil
}
