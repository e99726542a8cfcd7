package dropin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/fiord-bench/fiord/cmd/fiord/foreign"
)

// Exit codes.
const (
	ExitOK     = 0
	ExitFailed = 1 // fio failed, or its results could not be drawn
	ExitInput  = 2 // nothing was started or deleted: a setting or job file is wrong
)

// Command is one call of a command with its surroundings.
type Command struct {
	Env    map[string]string
	Data   string // the data folder; DataDir in an image
	Dir    string // the working directory
	Listen string // address of the page
	Fio    string // name or path of fio
	Stdout io.Writer
	Stderr io.Writer

	// OnListen, if set, is told the page's address.
	OnListen func(string)
}

// Tools are the names by which the commands are called.
func Tools() []string { return []string{"fiotools-aio", "fio-tool", "fio-genplots", "fio-plotserve"} }

// Run runs the command of a name and returns its exit code. It ends when the
// command does, or soon after ctx.
func (c *Command) Run(ctx context.Context, tool string, args []string) int {
	code, err := ExitInput, error(nil)
	switch tool {
	case "fiotools-aio":
		code, err = c.allInOne(ctx, args)
	case "fio-tool":
		code, err = c.tool(ctx, args)
	case "fio-genplots":
		code, err = c.genPlots(ctx, args)
	case "fio-plotserve":
		code, err = c.plotServe(ctx, args)
	default:
		err = fmt.Errorf("%s: want one of %s", tool, strings.Join(Tools(), ", "))
	}
	if err != nil {
		_, _ = fmt.Fprintf(c.Stderr, "%s: %v\n", tool, err)
	}
	return code
}

// say prints a line for whoever watches.
func (c *Command) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.Stdout, format+"\n", args...)
}

var errNoArguments = errors.New("takes no arguments: it is told what to do by variables (" + varJobs + ", " + varRemote + ", " + varTitle + ")")

// allInOne runs the job files, draws, and serves.
func (c *Command) allInOne(ctx context.Context, args []string) (int, error) {
	if len(args) > 0 {
		return ExitInput, errNoArguments
	}
	s, err := c.prepare(ctx)
	if err != nil {
		return ExitInput, err
	}
	serving := func() error { return nil }
	if s.settings.Serve == serveAlways {
		if serving, err = c.serve(ctx, c.Data, s.settings.Title, s.board); err != nil {
			return ExitInput, err
		}
	}
	code, err := s.measure(ctx)
	if err != nil { // the page shows it, and the exit code will tell
		s.say("%v", err)
		s.board.set("", []string{err.Error()})
	}
	if s.settings.Serve == serveSuccess && code == ExitOK {
		if serving, err = c.serve(ctx, c.Data, s.settings.Title, s.board); err != nil {
			return ExitFailed, err
		}
	}
	return code, serving()
}

// measure runs and draws, and returns the exit code.
func (s *session) measure(ctx context.Context) (int, error) {
	failures, err := s.run(ctx)
	if err != nil {
		return ExitFailed, err
	}
	s.board.set("drawing", failures)
	if ctx.Err() != nil { // there is no time left to draw
		return ExitFailed, nil
	}
	if err := s.report(ctx, failures); err != nil {
		return ExitFailed, err
	}
	s.board.set("", nil)
	if len(failures) > 0 {
		return ExitFailed, nil
	}
	return ExitOK, nil
}

// report draws everything in the data folder.
func (s *session) report(ctx context.Context, failures []string) error {
	root, err := os.OpenRoot(s.Data)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	found, err := foreign.Find(ctx, root.FS())
	if err != nil {
		return err
	}
	title := s.settings.Title
	if title == "" {
		title = "fio"
	}
	report, err := foreign.Write(ctx, root.FS(), found, s.Data, foreign.Options{Title: title, Problems: failures, PNG: true})
	if err != nil {
		return err
	}
	for _, r := range report.Runs {
		s.say("%s", r.Line())
		for _, flag := range r.Flags {
			s.say("  ! %s", flag)
		}
	}
	for _, w := range []wish{
		{Title: strings.TrimSpace(s.settings.Title + " bandwidth"), Bandwidth: true, Pattern: "*_bw*", Draw: true},
		{Title: strings.TrimSpace(s.settings.Title + " IOPS"), IOPS: true, Pattern: "*_iops*", Draw: true},
	} {
		if err := s.draw(ctx, s.Data, w); err != nil && !errors.Is(err, errNoLogs) {
			return err
		}
	}
	return nil
}

// tool runs the job files.
func (c *Command) tool(ctx context.Context, args []string) (int, error) {
	if len(args) > 0 {
		return ExitInput, errNoArguments
	}
	s, err := c.prepare(ctx)
	if err != nil {
		return ExitInput, err
	}
	failures, err := s.run(ctx)
	if err != nil || len(failures) > 0 {
		return ExitFailed, err
	}
	return ExitOK, nil
}

// plotServe serves a folder until ctx ends.
func (c *Command) plotServe(ctx context.Context, args []string) (int, error) {
	dir := c.Dir
	switch {
	case len(args) == 1 && !strings.HasPrefix(args[0], "-"):
		if dir = args[0]; !filepath.IsAbs(dir) {
			dir = filepath.Join(c.Dir, dir)
		}
	case len(args) > 0:
		return ExitInput, errors.New("want one folder to serve, or none for the working directory")
	}
	wait, err := c.serve(ctx, dir, "", &board{})
	if err != nil {
		return ExitInput, err
	}
	return ExitOK, wait()
}
