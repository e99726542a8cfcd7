package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/internal/service/tracing"
)

// Exit codes of a service's program.
const (
	exitOK       = 0
	exitFailed   = 1
	exitSettings = 2 // nothing was started: the settings are wrong
)

// Main is the whole of a service's program: it reads the settings, runs the
// service until SIGINT or SIGTERM, and returns the exit code. defaults is the
// service's own Config; a method Validate on it is called, and NATSUser asked for the
// user that it is on NATS where that is not the name.
func Main[C any, S Runner](name string, defaults C, build func(C, Deps) (S, error)) int {
	syscall.Umask(0o077) // what a service writes is for its user alone
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// After the first signal the next one has its default effect: it kills.
	context.AfterFunc(ctx, stop)
	p := program[C, S]{name: name, own: defaults, build: build, environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr}
	return p.run(ctx, os.Args[1:])
}

// program is Main with its surroundings as fields.
type program[C any, S Runner] struct {
	name           string
	own            C
	build          func(C, Deps) (S, error)
	environ        []string
	stdout, stderr io.Writer

	common Common
	flags  *pflag.FlagSet
	set    *config.Set
	// onApp, if set, sees the app before it runs; tests need its address.
	onApp func(*App)
}

func (p *program[C, S]) run(ctx context.Context, args []string) int {
	done, err := p.configure(args)
	if err != nil {
		fmt.Fprintf(p.stderr, "%s: settings are wrong, nothing was started:\n  %s\n",
			p.name, strings.ReplaceAll(err.Error(), "\n", "\n  "))
		return exitSettings
	}
	if done {
		return exitOK
	}
	if err := p.serve(ctx); err != nil {
		fmt.Fprintf(p.stderr, "%s: %v\n", p.name, err)
		return exitFailed
	}
	return exitOK
}

// configure reads the settings; done says that the arguments asked for
// something that has been answered.
func (p *program[C, S]) configure(args []string) (done bool, err error) {
	p.common = DefaultCommon()
	p.set, err = config.New([]config.Section{
		{Value: &p.common},
		{Name: p.name, Value: &p.own, Bare: true},
	}, Siblings()...)
	if err != nil {
		return false, err
	}
	p.flags = pflag.NewFlagSet(p.name, pflag.ContinueOnError)
	p.flags.SortFlags = false
	p.flags.SetOutput(p.stderr)
	file := p.flags.String("config", environValue(p.environ, config.FileVariable), "YAML file with settings ("+config.FileVariable+")")
	version := p.flags.Bool("version", false, "print the version and end")
	table := p.flags.String("write-config-table", "", "write the table of settings into this README and end")
	_ = p.flags.MarkHidden("write-config-table")
	p.set.AddFlags(p.flags)
	if err := p.flags.Parse(args); err != nil {
		return errors.Is(err, pflag.ErrHelp), ignoreHelp(err)
	}
	switch {
	case p.flags.NArg() > 0:
		return false, fmt.Errorf("unexpected argument %q: settings are flags, see --help", p.flags.Arg(0))
	case *version:
		_, err := fmt.Fprintln(p.stdout, Version())
		return true, err
	case *table != "":
		return true, config.WriteTable(*table, p.set.Markdown(p.name+"."))
	}
	err = p.set.Load(config.Source{File: *file, Environ: p.environ, Flags: p.flags})
	p.common.Trace.FromEnvironment = tracing.InEnvironment(p.environ)
	return false, err
}

func (p *program[C, S]) serve(ctx context.Context) error {
	user := ""
	if named, ok := any(p.own).(interface{ NATSUser() (string, error) }); ok {
		var err error
		if user, err = named.NATSUser(); err != nil {
			return err
		}
	}
	app, err := New(Options{
		Name: p.name, User: user, Common: p.common, LogOutput: p.stderr,
		Build: func(d Deps) (Runner, error) { return p.build(p.own, d) },
	})
	if err != nil {
		return err
	}
	if p.onApp != nil {
		p.onApp(app)
	}
	return app.Run(ctx)
}

func ignoreHelp(err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return nil
	}
	return err
}

// environValue looks a variable up in the form of os.Environ; the last wins.
func environValue(environ []string, name string) (value string) {
	for _, pair := range environ {
		if v, ok := strings.CutPrefix(pair, name+"="); ok {
			value = v
		}
	}
	return value
}
