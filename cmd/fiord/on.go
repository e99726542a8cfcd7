package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/script"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/service/logging"
)

// onFlags say how a script reacts.
type onFlags struct {
	name        string
	secrets     []string
	concurrency int
	attempts    int
	timeout     time.Duration
	retryAfter  time.Duration
	history     bool
}

func (p *program) onCommand() *cobra.Command {
	var f onFlags
	c := &cobra.Command{
		Use:   "on TYPE... -- COMMAND [ARG...]",
		Short: "Run a command for each event, durably",
		Long: `Run a command for each event, durably.

The event is the command's standard input, as a CloudEvent. {NAME} in an
argument becomes the path of a file with the event's artifact of that name,
fetched and verified: {hosts.yaml}, {side/agent.yml}, {result.json}. Exit code 0
settles the event, 75 asks for it again later, anything else is a failed
attempt; after the last one the event is a dead letter (fiord dead ls).

The reaction has a name and goes on where it stopped. Several commands of one
name share the work.

A file may be a template that needs secrets, such as a cloud's keys. It is
rendered here: a secret is what --secret names a file for, or else the variable
of that name in this command's environment. FIORD_ variables are never given.

  fiord on inventory.generated -- ansible-playbook -i {hosts.yaml} site.yml`,
		RunE: func(c *cobra.Command, args []string) error {
			dash := c.ArgsLenAtDash()
			if dash < 1 || dash == len(args) {
				return badInput(errors.New("fiord on: want event types, then --, then a command (see fiord on --help)"))
			}
			return p.on(c.Context(), f, args[:dash], args[dash:])
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.name, "name", "", "name of the reaction (default: from the types and the command)")
	flags.StringArrayVar(&f.secrets, "secret", nil, "NAME=FILE: secret for files that are templates until here; give it again for more")
	flags.IntVar(&f.concurrency, "concurrency", 1, "events handled at once")
	flags.IntVar(&f.attempts, "attempts", 8, "failed attempts before an event is given up")
	flags.DurationVar(&f.timeout, "timeout", time.Hour, "longest time for one event")
	flags.DurationVar(&f.retryAfter, "retry-after", 30*time.Second, "delay that exit code 75 asks for")
	flags.BoolVar(&f.history, "history", false, "a new reaction begins with the oldest event instead of the next one")
	return c
}

func (p *program) on(ctx context.Context, f onFlags, names, command []string) error {
	types, err := parseTypes(names)
	if err != nil {
		return badInput(err)
	}
	name, err := f.reactionName(types, command)
	if err != nil {
		return badInput(err)
	}
	lookup, err := p.secrets(f.secrets)
	if err != nil {
		return badInput(err)
	}
	if f.attempts < 1 || f.concurrency < 1 || f.timeout <= 0 || f.retryAfter < 0 {
		return badInput(errors.New("fiord on: --attempts and --concurrency must be at least 1, --timeout more than 0, --retry-after not negative"))
	}
	// Otherwise each event would be given up on in turn.
	if _, err := exec.LookPath(command[0]); err != nil {
		return badInput(fmt.Errorf("fiord on: %w", err))
	}
	client, err := p.connectWith(ctx, p.logger())
	if err != nil {
		return err
	}
	defer client.Close()
	c := script.Command{
		Args: command, Store: client.Store, Secret: lookup, RetryAfter: f.retryAfter,
		Environ: p.environ, Stdout: p.stdout, Stderr: p.stderr,
	}
	running, err := client.Bus.React(ctx, bus.Reaction{
		Service: "on", Name: name, Types: types, Handle: c.Handle, OnDead: bus.OwesNothing,
		Concurrency: f.concurrency, MaxAttempts: f.attempts, Timeout: f.timeout, OnlyNew: !f.history,
		ConfirmAck: true,
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.stderr, "fiord: on-%s waits for %s\n", name, strings.Join(names, ", "))
	<-running.Done()
	return nil
}

// logger tells of what happens to events on standard error, for a person.
func (p *program) logger() *slog.Logger {
	return logging.New(p.stderr, logging.Config{Format: "text", Level: slog.LevelWarn})
}

func parseTypes(names []string) ([]events.Type, error) {
	var types []events.Type
	for _, name := range names {
		typ, err := parseType(name)
		if err != nil {
			return nil, err
		}
		types = append(types, typ)
	}
	return types, nil
}

// legalName is what a durable consumer's name takes.
var legalName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// reactionName is the person's, or derived from what the reaction does: the
// same words at the next start mean the same reaction.
func (f onFlags) reactionName(types []events.Type, command []string) (string, error) {
	if f.name == "" {
		parts := append([]string{}, command...)
		for _, t := range types {
			parts = append(parts, string(t))
		}
		return "x" + events.HashID(parts...)[:12], nil
	}
	if !legalName.MatchString(f.name) {
		return "", fmt.Errorf("--name %q: want 1 to 40 lower-case letters, digits and hyphens", f.name)
	}
	return f.name, nil
}

// secrets reads name=FILE at each use, so that a secret can be replaced while
// the command runs. What has no file is looked for in the environment, without
// fiord's own credentials: which names are asked for, an event says.
func (p *program) secrets(list []string) (func(string) (string, error), error) {
	files := map[string]string{}
	for _, pair := range list {
		name, file, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--secret %q: want name=FILE", pair)
		}
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("--secret %s: %w", name, err)
		}
		files[name] = file
	}
	return func(name string) (string, error) {
		file, ok := files[name]
		if !ok {
			if value := p.variable(name, ""); value != "" && !strings.HasPrefix(name, "FIORD_") {
				return value, nil
			}
			return "", fmt.Errorf("no secret %s: give its file with --secret %s=FILE, or set the variable", name, name)
		}
		text, err := os.ReadFile(file) //nolint:gosec // the person names the file
		return strings.TrimRight(string(text), "\r\n"), err
	}, nil
}
