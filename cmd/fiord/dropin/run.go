package dropin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/guard"
	"github.com/fiord-bench/fiord/host/process"
	"github.com/fiord-bench/fiord/host/runner"
)

// fileOutput is fio's own text, of all job files one after the other.
const fileOutput = "fio.output"

// hostToken marks processes of ours; a container has no others.
const hostToken = "fiotools"

// session is one call of fiotools-aio or fio-tool.
type session struct {
	*Command
	settings settings
	sys      block.System
	mounts   []block.Mount
	runner   *process.Runner
	scratch  string // hidden folder of fio's report, below the data folder
	plans    []planned
	board    *board
}

// prepare does all that can fail before anything is deleted or started, and then
// clears the data folder.
func (c *Command) prepare(ctx context.Context) (_ *session, err error) {
	s := &session{Command: c, sys: block.System{Root: "/"}, board: &board{}}
	if s.settings, err = settingsOf(c.Env, c.exists); err != nil {
		return nil, err
	}
	// The container that this runs in is the sandbox, and whoever started it chose
	// what it may touch; older engines let it have no other.
	if s.runner, err = process.New(c.Fio, hostToken, process.Options{Sandbox: process.Off}); err != nil {
		return nil, err
	}
	if s.mounts, err = s.sys.Mounts(); err != nil {
		return nil, err
	}
	if err := errors.Join(dataDir(c.Data), os.MkdirAll(c.Data, 0o755)); err != nil { //nolint:gosec // others read the volume
		return nil, err
	}
	var files map[string][]byte
	if len(s.settings.Remote) > 0 {
		c.say("downloading %d files", len(s.settings.Remote))
		if files, err = download(ctx, s.settings.Remote, s.settings.Private); err != nil {
			return nil, err
		}
	}
	if err := s.plan(files); err != nil {
		return nil, err
	}
	return s, s.empty(files)
}

// exists tells whether a name in JOBFILES is that of a file.
func (c *Command) exists(name string) bool {
	if !filepath.IsAbs(name) {
		name = filepath.Join(c.Data, name)
	}
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// plan makes a plan of each job file, and tells all that is wrong at once.
func (s *session) plan(files map[string][]byte) error {
	rules, err := policy(s.Data, s.settings, s.sys, s.mounts)
	if err != nil {
		return err
	}
	judge, err := guard.New(rules, s.sys)
	if err != nil {
		return err
	}
	s.scratch = filepath.Join(s.Data, ".fiord")
	p := &planner{data: s.Data, remote: files, window: s.settings.Window, env: s.environment(), guard: judge, sys: s.sys}
	var errs []error
	for _, name := range s.settings.Jobs {
		one, err := p.plan(name, s.scratch)
		if err != nil {
			errs = append(errs, err)
		}
		s.plans = append(s.plans, one)
	}
	return errors.Join(errs...)
}

// environment is what fio sees: the container's, and what the runner sets.
func (s *session) environment() map[string]string {
	out := map[string]string{
		"PATH": os.Getenv("PATH"), "LC_ALL": "C",
		"FIORD_RUN": s.key().Run, "FIORD_ATTEMPT": strconv.Itoa(s.key().Attempt), "FIORD_HOST": hostToken,
	}
	for _, pair := range pairs(s.Env) {
		k, v, _ := strings.Cut(pair, "=")
		out[k] = v
	}
	return out
}

// key marks the processes of a run; there is one at a time.
func (s *session) key() runner.Key { return runner.Key{Run: "dropin", Attempt: 1} }

// empty clears the data folder and puts what was downloaded there.
func (s *session) empty(files map[string][]byte) error {
	var keep []string
	for _, p := range s.plans {
		keep = append(keep, p.Files...)
	}
	if files != nil {
		keep = nil
	}
	left, err := clear(s.Data, keep, files != nil, s.mounts)
	for _, at := range left {
		s.say("left %s as it is: something is mounted there", at)
	}
	return errors.Join(err, fill(s.Data, files))
}

// run starts fio for one job file after the other. It returns what went wrong,
// a sentence each; an error is of our own making.
func (s *session) run(ctx context.Context) (failures []string, err error) {
	for _, p := range s.plans {
		failure := p.Name + ": not run, because fiotools was stopped"
		if ctx.Err() == nil {
			if failure, err = s.one(ctx, p); err != nil {
				return failures, fmt.Errorf("run %s: %w", p.Name, err)
			}
		}
		if failure != "" {
			s.say("%s", failure)
			failures = append(failures, failure)
		}
	}
	return failures, nil
}

// one runs one job file and keeps its results.
func (s *session) one(ctx context.Context, p planned) (failure string, err error) {
	if err := errors.Join(os.RemoveAll(s.scratch), os.Mkdir(s.scratch, 0o700)); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.scratch)) }()
	if err := os.WriteFile(filepath.Join(s.scratch, runner.JobFile), p.Text, 0o600); err != nil {
		return "", err
	}
	release, err := p.Grant.Hold()
	if err != nil {
		return fmt.Sprintf("%s: not run: %v", p.Name, err), nil
	}
	defer release()
	s.say("running %s", p.Name)
	s.board.set("running "+p.Name, nil)
	started, err := s.runner.Start(ctx, runner.Invocation{
		Key: s.key(), Host: hostToken, Dir: s.scratch, WorkDir: s.Data,
		Args: []string{"--output-format=normal,json+"}, Env: pairs(s.Env),
	})
	if err != nil {
		return "", err
	}
	exit, err := started.Wait(ctx, s.progress(p.Name))
	if err != nil {
		return "", err
	}
	return s.keep(p, exit)
}

// progressEvery is how often a line of progress is printed.
const progressEvery = 5 * time.Second

// progress shows on the page how far fio is, and prints a line now and then.
func (s *session) progress(name string) func(runner.Progress) {
	var said time.Time
	return func(p runner.Progress) {
		text := name
		if p.Percent >= 0 {
			text += fmt.Sprintf(": %.0f%%", p.Percent)
		}
		if p.ETA >= 0 {
			text += fmt.Sprintf(", %s left", p.ETA)
		}
		total := p.Total()
		text += fmt.Sprintf(", %.0f IOPS, %.1f MiB/s", total.IOPS, total.BytesPerSec/(1<<20))
		s.board.set("running "+text, nil)
		if time.Since(said) >= progressEvery {
			said = time.Now()
			s.say("%s", text)
		}
	}
}

// keep puts what fio left into the data folder, and says what went wrong.
func (s *session) keep(p planned, exit runner.Exit) (failure string, err error) {
	whole, err := splitFile(filepath.Join(s.scratch, runner.OutputFile), filepath.Join(s.Data, fileOutput), filepath.Join(s.Data, p.Stem+".json"))
	if err != nil {
		return "", err
	}
	complaints, err := os.ReadFile(filepath.Join(s.scratch, runner.StderrFile))
	if err != nil {
		return "", err
	}
	if len(complaints) > 0 {
		if _, err := s.Stderr.Write(complaints); err != nil {
			return "", err
		}
	}
	why := ""
	switch {
	case exit.Stopped:
		why = "fio was stopped"
	case exit.Unknown != "" && !whole:
		why = "fio was lost: " + exit.Unknown
	case exit.Unknown != "":
		return "", nil // its whole result decides
	case exit.Signal != "":
		why = "fio was ended by " + exit.Signal
	case exit.Code != 0:
		why = fmt.Sprintf("fio ended with status %d", exit.Code)
	case !whole:
		why = "fio left no whole result"
	default:
		return "", nil
	}
	if said := lastLines(string(complaints), 5); said != "" {
		why += ": " + said
	}
	return p.Name + ": " + why, nil
}

// pairs writes variables as the kernel wants them, without those that the
// runner sets.
func pairs(env map[string]string) []string {
	var out []string
	for _, k := range sorted(env) {
		if k != "PATH" && k != "LC_ALL" && !strings.HasPrefix(k, "FIORD_") {
			out = append(out, k+"="+env[k])
		}
	}
	return out
}
