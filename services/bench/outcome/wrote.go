package outcome

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/host/runner"
)

// Wrote is what a fio left in its folder, for when its exit status is not known.
type Wrote int

// The kinds of what is left.
const (
	Unfinished Wrote = iota // no report, a part of one, or that of a fio that was made to end
	Failed                  // a report with a section's error
	Whole                   // the report of a fio that did all it was to do
)

// String is a word for logs.
func (w Wrote) String() string { return [...]string{"unfinished", "failed", "whole"}[w] }

// interrupted is what fio prints when a signal makes it end before its time. It
// writes a report all the same.
const interrupted = "terminating on signal"

// WroteOf judges the folder of an attempt whose fio is gone. What cannot be read
// is unfinished.
func WroteOf(dir string) Wrote {
	for _, name := range []string{runner.OutputFile, runner.StderrFile} {
		if said, err := says(filepath.Join(dir, name), interrupted); said || err != nil {
			return Unfinished
		}
	}
	f, err := os.Open(filepath.Join(dir, runner.OutputFile)) //nolint:gosec // the attempt's own
	if err != nil {
		return Unfinished
	}
	defer func() { _ = f.Close() }()
	output, err := result.Read(f)
	if err != nil || output.Cut || len(output.Jobs) == 0 {
		return Unfinished
	}
	for i := range output.Jobs {
		if output.Jobs[i].Error != 0 {
			return Failed
		}
	}
	return Whole
}

// ReportedAt is when fio wrote its report, the zero time if it left none.
func ReportedAt(dir string) time.Time {
	info, err := os.Stat(filepath.Join(dir, runner.OutputFile))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// says reports whether a line of a file holds words.
func says(path, words string) (bool, error) {
	f, err := os.Open(path) //nolint:gosec // the attempt's own
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		if strings.Contains(line, words) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}
