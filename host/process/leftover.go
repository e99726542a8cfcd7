package process

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fiord-bench/fiord/host/runner"
)

// leftover is a fio of this host whose worker has died.
type leftover struct {
	key      runner.Key
	host     string
	doubtful bool
}

// Leftovers implements runner.Runner. A leftover's exit status is lost with
// the worker that started it, so Wait returns one that is unknown.
func (r *Runner) Leftovers(_ context.Context) ([]runner.Process, error) {
	var out []runner.Process
	for i, host := range append([]string{r.host}, r.opts.Former...) {
		found, err := scan(host)
		if err != nil {
			return nil, err
		}
		byText := func(a, b runner.Key) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
		for _, k := range slices.SortedFunc(maps.Keys(found), byText) {
			out = append(out, &leftover{key: k, host: host, doubtful: i > 0})
		}
	}
	return out, nil
}

// Doubtful implements what runner.Doubtful asks.
func (l *leftover) Doubtful() bool { return l.doubtful }

// String names the processes, for whoever has to end them by hand.
func (l *leftover) String() string {
	pids, err := l.pids()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("processes %v", pids)
}

// Key implements runner.Process.
func (l *leftover) Key() runner.Key { return l.key }

// Wait implements runner.Process.
func (l *leftover) Wait(ctx context.Context, _ func(runner.Progress)) (runner.Exit, error) {
	exit := runner.Exit{}.Lost("the worker that started fio was gone when it ended")
	stop, kill := ctx.Done(), (<-chan time.Time)(nil)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		pids, err := l.pids()
		if err != nil {
			return exit, err
		}
		if len(pids) == 0 {
			exit.Ended = time.Now()
			return exit, nil
		}
		select {
		case <-tick.C:
		case <-stop:
			exit.Stopped, stop = true, nil
			grace := runner.GraceOf(ctx)
			if kill = time.After(grace); grace > 0 {
				signal(pids, syscall.SIGINT)
			}
		case <-kill:
			signal(pids, syscall.SIGKILL)
			kill = time.After(100 * time.Millisecond) // for any forked meanwhile
		}
	}
}

// clear kills until nothing is left. What forks while it is being killed is
// found at the next look.
func (l *leftover) clear() error {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		pids, err := l.pids()
		if err != nil || len(pids) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v of run %s cannot be killed", pids, l.key.Run)
		}
		signal(pids, syscall.SIGKILL)
	}
}

func (l *leftover) pids() ([]int, error) {
	found, err := scan(l.host)
	return found[l.key], err
}

func signal(pids []int, s syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, s)
	}
}

// scan finds every process whose environment says that it is a fio of host.
// Processes of others whose environment this user may not read are not ours.
func scan(host string) (map[runner.Key][]int, error) {
	entries, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	found := map[runner.Key][]int{}
	for _, path := range entries {
		env, err := os.ReadFile(path) //nolint:gosec // a path of /proc
		if err != nil || len(env) == 0 {
			continue // gone, a zombie, or not ours
		}
		key, of := identify(env)
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && of == host && key.Run != "" {
			found[key] = append(found[key], pid)
		}
	}
	return found, nil
}

// identify reads the marks that command has put into fio's environment.
func identify(env []byte) (key runner.Key, host string) {
	for _, kv := range bytes.Split(env, []byte{0}) {
		name, value, _ := bytes.Cut(kv, []byte{'='})
		switch string(name) {
		case envRun:
			key.Run = string(value)
		case envAttempt:
			key.Attempt, _ = strconv.Atoi(string(value))
		case envHost:
			host = string(value)
		}
	}
	return key, host
}
