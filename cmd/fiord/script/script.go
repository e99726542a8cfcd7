// Package script lets a command of any language react to an event: the event
// is its standard input, the artifacts that the event points at are files, and
// its exit code says what becomes of the event.
package script

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// TryLater is the exit code of a command that wants the event again later,
// without it counting as an attempt: EX_TEMPFAIL of sysexits.h.
const TryLater = 75

// stopWait is what a command gets between SIGTERM and SIGKILL.
const stopWait = 10 * time.Second

// Command is what runs for each event.
type Command struct {
	// Args are the program and its arguments. {NAME} in an argument becomes the
	// path of a file with the artifact of that name; see [Files].
	Args []string
	// Store holds the artifacts.
	Store *artifacts.Store
	// Secret finds a secret by name, for files that are templates until here.
	Secret func(name string) (string, error)
	// RetryAfter is the delay that TryLater asks for.
	RetryAfter time.Duration
	// Environ is the command's environment, besides the event's variables.
	Environ []string
	// Stdout and Stderr take the command's output.
	Stdout, Stderr io.Writer
}

// Handle is a [bus.Handler]: exit code 0 settles the event, TryLater puts it
// off, any other counts as a failed attempt. A store that is away holds the
// event; an argument that names no artifact of the event ends it, since no
// retry would mend that.
func (c Command) Handle(ctx context.Context, d *bus.Delivery) error {
	dir, err := os.MkdirTemp("", "fiord-on-")
	if err != nil {
		return fmt.Errorf("make folder for the event's files: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // the next reboot clears what is left
	files := Files{Dir: dir, Store: c.Store, Secret: c.Secret}
	args, err := files.Expand(ctx, c.Args, d.Event.Data)
	if err != nil {
		return classify(err)
	}
	stdin, err := events.Marshal(d.Event)
	if err != nil {
		return bus.Permanent(err)
	}
	return c.settle(ctx, c.run(ctx, args, dir, stdin, d))
}

func (c Command) run(ctx context.Context, args []string, dir string, stdin []byte, d *bus.Delivery) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the person's own command
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Stdout, cmd.Stderr = c.Stdout, c.Stderr
	cmd.Env = append(append([]string{}, c.Environ...),
		"FIORD_EVENT_ID="+d.Event.ID, "FIORD_EVENT_TYPE="+string(d.Event.Type), "FIORD_EVENT_SUBJECT="+d.Event.Subject,
		"FIORD_EVENT_ATTEMPT="+strconv.Itoa(d.Attempt), "FIORD_EVENT_REPLAYED="+strconv.FormatBool(d.Replayed),
		"FIORD_EVENT_FILES="+dir)
	// A group of its own, so that what the command started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = stopWait
	err := cmd.Run()
	if cmd.Process != nil && ctx.Err() != nil {
		// Who started children that do not heed SIGTERM leaves none behind.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	return err
}

// settle turns the end of a command into the bus's words. Being stopped together
// with fiord is no fault of the event's.
func (c Command) settle(ctx context.Context, err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("run command: it took longer than --timeout allows: %w", err)
	case ctx.Err() != nil:
		return bus.RetryAfter(fmt.Errorf("fiord on was stopped, and the command with it: %w", err), 0)
	case errors.As(err, &exit) && exit.ExitCode() == TryLater:
		return bus.RetryAfter(fmt.Errorf("the command asks to be tried later (exit code %d)", TryLater), c.RetryAfter)
	case errors.Is(err, exec.ErrNotFound):
		return bus.Permanent(fmt.Errorf("run command: %w", err))
	}
	return fmt.Errorf("run command: %w", err)
}

// classify tells outages from mistakes.
func classify(err error) error {
	if errors.Is(err, ErrNoFile) {
		return bus.Permanent(err)
	}
	return bus.ForClaim(err)
}
