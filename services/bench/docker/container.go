package docker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/fiord-bench/fiord/host/runner"
)

// Start implements runner.Runner.
func (e *Engine) Start(ctx context.Context, inv runner.Invocation) (runner.Process, error) {
	begun := time.Now()
	if e.remote {
		if err := checkRemote(inv); err != nil {
			return nil, err
		}
	}
	if err := e.ensureImage(ctx); err != nil {
		return nil, err
	}
	if err := e.ensureVolumes(ctx, inv.Volumes); err != nil {
		return nil, err
	}
	c := &fio{engine: e, key: inv.Key, dir: inv.Dir, fresh: fresh(inv.Volumes)}
	var err error
	if c.id, err = e.create(ctx, inv); err != nil {
		e.removeVolumes(c.fresh)
		return nil, err
	}
	if err := c.launch(ctx); err != nil {
		c.remove()
		return nil, err
	}
	c.overhead = time.Since(begun)
	return c, nil
}

// Leftovers implements runner.Runner. Containers of ours that were made but
// never started, or only asked for a version, are removed on the way.
func (e *Engine) Leftovers(ctx context.Context) ([]runner.Process, error) {
	out, err := e.marked(ctx, e.cfg.Host, false)
	for _, former := range e.cfg.Former {
		if err != nil {
			return nil, err
		}
		var more []runner.Process
		more, err = e.marked(ctx, former, true)
		out = append(out, more...)
	}
	return out, err
}

// marked lists the containers of a mark. What is doubtful is not removed.
func (e *Engine) marked(ctx context.Context, mark string, doubtful bool) ([]runner.Process, error) {
	list, err := e.api.ContainerList(ctx, container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", LabelHost+"="+mark)),
	})
	if err != nil {
		return nil, e.failure("list containers", err)
	}
	var out []runner.Process
	for _, found := range list {
		attempt, err := strconv.Atoi(found.Labels[LabelAttempt])
		c := &fio{
			engine: e, id: found.ID, dir: found.Labels[LabelDir], doubtful: doubtful,
			key: runner.Key{Run: found.Labels[LabelRun], Attempt: attempt},
		}
		if names := found.Labels[LabelFresh]; names != "" {
			c.fresh = strings.Split(names, ",")
		}
		if err != nil || found.State == container.StateCreated {
			if doubtful {
				e.cfg.Log.Warn("a container that an older fiord made, or another on this machine, is left alone: remove it if it is not wanted", "container", found.ID)
			} else {
				c.remove()
			}
			continue
		}
		out = append(out, c)
	}
	return out, nil
}

// fio is one container of ours.
type fio struct {
	engine   *Engine
	id       string
	key      runner.Key
	dir      string
	fresh    []string // volumes that go with it
	overhead time.Duration
	doubtful bool
}

// Doubtful implements what runner.Doubtful asks.
func (c *fio) Doubtful() bool { return c.doubtful }

// String names the container, for whoever has to remove it by hand.
func (c *fio) String() string { return "container " + c.id }

// remove takes away the container and what was made for it alone.
func (c *fio) remove() {
	c.engine.remove(c.id)
	c.engine.removeVolumes(c.fresh)
}

// Key implements runner.Process.
func (c *fio) Key() runner.Key { return c.key }

func (c *fio) launch(ctx context.Context) error {
	if c.engine.remote {
		if err := c.engine.copyIn(ctx, c.id, c.dir); err != nil {
			return err
		}
	}
	return c.engine.start(ctx, c.id)
}

// Wait implements runner.Process.
func (c *fio) Wait(ctx context.Context, seen func(runner.Progress)) (runner.Exit, error) {
	// The engine is talked to beyond ctx: stopping, reading what was kept and
	// removing are what is left to do when ctx has ended.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	logs := c.follow(work, seen)

	exit := runner.Exit{}
	ended := make(chan error, 1)
	go func() { ended <- c.engine.await(work, c.id, &exit) }()

	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		if errors.Is(context.Cause(ctx), runner.Leave) {
			cancel()
			logs.finish(0)
			c.engine.cfg.Log.Debug("container is left running", "run_id", c.key.Run, "awaiting", <-ended)
			return exit, runner.ErrLeft
		}
		exit.Stopped = c.stop(work, runner.GraceOf(ctx), ended, &err)
	}
	logs.finish(logPatience)
	if err != nil {
		return exit, err // the container stays for Leftovers
	}
	removing := time.Now()
	if c.engine.remote {
		if err = c.engine.copyOut(work, c.id, c.dir); exit.Unknown != "" {
			err = nil // what could be copied decides, and nothing can be of a container that is gone
		}
	}
	exit.OutOfMem = exit.OutOfMem || exit.Memory > 0 && !exit.Stopped && lostAJob(c.dir)
	c.remove()
	exit.Overheads = c.overhead + time.Since(removing)
	return exit, err
}

// logPatience is how long the engine may take to hand over the last lines
// after the container has ended.
const logPatience = 2 * time.Second

// stop asks, waits the grace and kills. It reports whether fio was indeed
// stopped, rather than ended by itself just before.
func (c *fio) stop(ctx context.Context, grace time.Duration, ended <-chan error, result *error) bool {
	if grace > 0 {
		asked := c.kill(ctx, "SIGINT")
		select {
		case *result = <-ended:
			return asked
		case <-time.After(grace):
		}
	}
	c.kill(ctx, "SIGKILL")
	*result = <-ended
	return true
}

func (c *fio) kill(ctx context.Context, signal string) bool {
	err := c.engine.api.ContainerKill(ctx, c.id, signal)
	if err != nil && !errdefs.IsConflict(err) && !errdefs.IsNotFound(err) {
		c.engine.cfg.Log.Warn("signal does not reach the container", "run_id", c.key.Run, "signal", signal, "error", err)
	}
	return err == nil
}

// engineAway is how long an engine may be gone (restarted, say) while a
// container of ours runs, before the wait is given up.
const engineAway = 2 * time.Minute

// await blocks until the container has ended and reads how. It outlives
// restarts of the engine.
func (e *Engine) await(ctx context.Context, id string, exit *runner.Exit) error {
	var lostAt time.Time
	for {
		status, errs := e.api.ContainerWait(ctx, id, container.WaitConditionNotRunning)
		var err error
		select {
		case <-status:
			err = e.inspectEnd(ctx, id, exit)
		case err = <-errs:
		}
		switch {
		case err == nil:
			return nil
		case errdefs.IsNotFound(err):
			*exit = exit.Lost("container " + short(id) + " is gone: it was removed from outside")
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case lostAt.IsZero():
			lostAt = time.Now()
		case time.Since(lostAt) > engineAway:
			return fmt.Errorf("%w: wait for container %s: %w", runner.ErrUnavailable, short(id), err)
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// unseen is the status that engines note for a container whose end they did not
// see (containerd's UnknownExitStatus). fio's own count of failed jobs could be
// the same: what it wrote decides in either case.
const unseen = 255

var errStillRunning = errors.New("container is still running")

func (e *Engine) inspectEnd(ctx context.Context, id string, exit *runner.Exit) error {
	info, err := e.api.ContainerInspect(ctx, id)
	if err != nil {
		return err
	}
	if info.State.Running {
		return errStillRunning
	}
	fill(exit, id, info)
	return nil
}

// fill translates how an engine says that a container ended.
func fill(exit *runner.Exit, id string, info container.InspectResponse) {
	exit.Code, exit.OutOfMem, exit.Memory = info.State.ExitCode, info.State.OOMKilled, info.HostConfig.Memory
	exit.Started, _ = time.Parse(time.RFC3339Nano, info.State.StartedAt)
	exit.Ended, _ = time.Parse(time.RFC3339Nano, info.State.FinishedAt)
	if info.State.ExitCode == unseen {
		*exit = exit.Lost("the engine lost sight of container " + short(id) + ", as when its host goes down")
		return
	}
	if sig := info.State.ExitCode - 128; sig > 0 && sig < 32 {
		// A shell's convention that engines keep: 128 plus the signal. fio
		// itself never exits with such a status; after SIGINT it says 128.
		exit.Code, exit.Signal = -1, signalName(sig)
	}
}

func short(id string) string {
	if len(id) > 12 {
		return id[:12]
	}
	return id
}
