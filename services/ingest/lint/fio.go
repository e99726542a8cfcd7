package lint

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
)

// fioTimeout bounds one parse; fio takes milliseconds.
const fioTimeout = 10 * time.Second

// builtIn are names of engines. Anything else is the path of a library, which
// fio loads, and thereby runs, while it parses.
var builtIn = regexp.MustCompile(`^[a-z0-9_-]+$`)

func (f File) loadsLibrary() bool {
	return slices.ContainsFunc(f.parsed.Jobs(), func(j *job.Job) bool {
		return slices.ContainsFunc(j.Options, func(o *job.Option) bool {
			return o.Name == "ioengine" && !builtIn.MatchString(o.Value)
		})
	})
}

// askFio lets fio itself parse a job file. Nothing is run or opened: --parse-only
// ends before that. Its environment is empty, as ${VARIABLES} are on a host.
func askFio(ctx context.Context, fio, name string, content []byte) []events.Problem {
	failed := func(message string) []events.Problem {
		return []events.Problem{{File: name, Rule: "fio", Message: fit(message)}}
	}
	dir, err := os.MkdirTemp("", "fiord-lint-")
	if err != nil {
		return failed("fio could not be asked: " + err.Error())
	}
	defer func() { _ = os.RemoveAll(dir) }() // in the system's temporary folder
	file := filepath.Join(dir, "job.fio")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return failed("fio could not be asked: " + err.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, fioTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, fio, "--parse-only", file)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit) && ctx.Err() == nil:
		return failed("fio refuses the file: " + firstLines(out.String(), 3))
	default:
		return failed("fio could not be asked: " + err.Error())
	}
}

func firstLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[:min(n, len(lines))], "; ")
}
