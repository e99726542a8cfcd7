package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/cmd/fiord/up"
	"github.com/fiord-bench/fiord/internal/service"
)

// program is one call of the command with its surroundings.
type program struct {
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer

	// Flags of every command.
	data       string
	connection string
	json       bool

	// onUp, if set, is told when fiord up is ready; tests wait for it.
	onUp func(connection.Connection)
	// onStack, if set, sees the stack of fiord up before it runs.
	onStack func(*up.Stack)
}

// Variables that stand for flags of every command.
const (
	dataVariable       = "FIORD_DATA"
	connectionVariable = "FIORD_CONNECTION"
)

// exitError ends the command with a code of its own. An err of nil says
// nothing, because everything has been said.
type exitError struct {
	code follow.Outcome
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// badInput marks what the person who typed the command can mend.
func badInput(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{follow.BadInput, err}
}

// run executes the command line and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return int(follow.AllWell)
	}
	code := follow.RunsFailed
	var exit *exitError
	if errors.As(err, &exit) {
		code = exit.code
		if exit.err == nil {
			return int(code)
		}
	}
	_, _ = fmt.Fprintf(p.stderr, "fiord: %s\n", screen.CleanLines(err.Error()))
	return int(code)
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "fiord",
		Short:         "Push a fio job file; get honest plots from every host that should run it",
		Version:       service.Version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return badInput(fmt.Errorf("%w (see %s --help)", err, c.CommandPath()))
	})
	flags := root.PersistentFlags()
	flags.StringVar(&p.data, "data", p.variable(dataVariable, ".fiord"), "data folder of fiord up, where the other commands find it ("+dataVariable+")")
	flags.StringVar(&p.connection, "connection", p.variable(connectionVariable, ""), "file that says where a fiord is, instead of the data folder's ("+connectionVariable+")")
	flags.BoolVar(&p.json, "json", false, "print JSON")
	root.AddCommand(p.commands()...)
	for _, c := range root.Commands() {
		asBadInput(c)
	}
	asGroup(root)
	strictHelp(root)
	return root
}

// strictHelp makes help on what is no command a mistake as well.
func strictHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		panic(err) // cobra has just made it
	}
	help.Run = nil
	help.RunE = func(_ *cobra.Command, args []string) error {
		topic, rest, err := root.Find(args)
		if err != nil || len(rest) > 0 {
			return badInput(fmt.Errorf("%s has no command %q (see %s --help)", cmp.Or(topic, root).CommandPath(), args[len(args)-max(len(rest), 1)], root.Name()))
		}
		topic.InitDefaultHelpFlag()
		return topic.Help()
	}
}

// asGroup makes a command that only holds others show its help, and refuse what
// is none of them: a misspelt command is a mistake, not a question.
func asGroup(c *cobra.Command) {
	if !c.HasSubCommands() {
		return
	}
	for _, sub := range c.Commands() {
		asGroup(sub)
	}
	c.SuggestionsMinimumDistance = 2
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := "see " + c.CommandPath() + " --help"
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean " + strings.Join(near, " or ") + "?"
		}
		return badInput(fmt.Errorf("%s has no command %q (%s)", c.CommandPath(), args[0], hint))
	}
}

// asBadInput makes wrong arguments end with the exit code of bad input.
func asBadInput(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if check(c, args) != nil {
				return badInput(fmt.Errorf("%s given: want %s (see %s --help)", arguments(len(args)), c.UseLine(), c.CommandPath()))
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		asBadInput(sub)
	}
}

func arguments(n int) string {
	if n == 0 {
		return "no arguments"
	}
	return screen.Plural(n, "argument")
}

// variable is a variable of the environment, or fallback.
func (p *program) variable(name, fallback string) string {
	for _, pair := range p.environ {
		if value, ok := strings.CutPrefix(pair, name+"="); ok && value != "" {
			return value
		}
	}
	return fallback
}

// dataDir is the data folder as an absolute path.
func (p *program) dataDir() (string, error) {
	dir, err := filepath.Abs(p.data)
	if err != nil {
		return "", fmt.Errorf("find data folder: %w", err)
	}
	return dir, nil
}

// connect opens a connection to the running fiord.
func (p *program) connect(ctx context.Context) (*connection.Client, error) {
	return p.connectWith(ctx, nil)
}

// connectWith is connect for commands that stay: log tells of outages.
func (p *program) connectWith(ctx context.Context, log *slog.Logger) (*connection.Client, error) {
	dir, err := p.dataDir()
	if err != nil {
		return nil, err
	}
	c, err := connection.Find(p.connection, dir, p.environ)
	if err != nil {
		return nil, badInput(err)
	}
	return connection.Open(ctx, c, log)
}

// printJSON prints v, indented when a person looks at it.
func (p *program) printJSON(v any) error {
	encoder := json.NewEncoder(p.stdout)
	encoder.SetEscapeHTML(false)
	if _, terminal := p.terminal(p.stdout); terminal {
		encoder.SetIndent("", "  ")
	}
	return encoder.Encode(v)
}

// terminal says whether w is a terminal, and how its width is found.
func (p *program) terminal(w io.Writer) (width func() int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) { //nolint:gosec // a descriptor fits
		return nil, false
	}
	return func() int {
		columns, _, err := term.GetSize(int(f.Fd())) //nolint:gosec // as above
		if err != nil {
			return 0 // no limit
		}
		return columns
	}, true
}

// commands are all that work.
func (p *program) commands() []*cobra.Command {
	return []*cobra.Command{
		p.upCommand(),
		p.demoCommand(),
		p.runCommand(),
		p.publishCommand(),
		p.watchCommand(),
		p.showCommand(),
		p.diffCommand(),
		p.runsCommand(),
		p.hostsCommand(),
		p.versionCommand(),
		p.doctorCommand(),
		p.cancelCommand(),
		p.acceptCommand(),
		p.approveCommand(),
		p.silenceCommand(),
		p.rerunCommand(),
		p.deadCommand(),
		p.replayCommand(),
		p.checkCommand(),
		p.schemaCommand(),
		p.lintCommand(),
		p.importCommand(),
		p.compareCommand(),
		p.onCommand(),
		p.discoverCommand(), p.inventoryCommand(),
		p.gcCommand(),
		p.credsCommand(),
		p.provisionCommand(),
	}
}
