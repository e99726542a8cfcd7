package dropin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/cmd/fiord/foreign"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/result"
)

// wish is what fio-genplots is asked to draw, in the terms of fio2gnuplot.
type wish struct {
	Title     string
	Bandwidth bool   // -b: logs of bandwidth
	IOPS      bool   // -i: logs of IOPS
	Pattern   string // -p: only logs whose names match
	Draw      bool   // -g: figures, and not only numbers
	Output    string // -o: what the names of figures of several logs end in
	Dir       string // -d: where figures go, from the folder of the logs
	Names     []string
}

// kinds are the kinds of logs that are wanted. A pattern picks of both kinds,
// and so does no wish at all.
func (w wish) kinds() []string {
	switch {
	case w.Bandwidth && !w.IOPS:
		return []string{"bw"}
	case w.IOPS && !w.Bandwidth:
		return []string{"iops"}
	default:
		return []string{"bw", "iops"}
	}
}

// picks tells whether a log is wanted.
func (w wish) picks(name, kind string) (bool, error) {
	l, ok := job.ParseLogName(name)
	if !ok || l.Kind != kind {
		return false, nil
	}
	if len(w.Names) > 0 && slices.Contains(w.Names, name) {
		return true, nil
	}
	if w.Pattern == "" {
		return len(w.Names) == 0, nil
	}
	match, err := filepath.Match(w.Pattern, name)
	if err != nil {
		return false, fmt.Errorf("pattern %q: %w", w.Pattern, err)
	}
	return match, nil
}

// output is what the names of figures of several logs end in: the pattern
// without its stars, as fio2gnuplot has it, and the kind where two are drawn.
func (w wish) output(kind string) string {
	if w.Pattern == "" {
		out := cmp.Or(w.Output, "result")
		if len(w.kinds()) > 1 {
			out += "_" + kind
		}
		return out
	}
	out := strings.NewReplacer("-*-", "-", "*", "-").Replace(w.Pattern)
	out = strings.ReplaceAll(out, "--", "-")
	out = strings.Trim(strings.ReplaceAll(out, ".log", ""), "-")
	out = strings.Map(func(r rune) rune {
		if r == '/' || r == '?' || r == '[' || r == ']' {
			return '-'
		}
		return r
	}, out)
	if out == "" {
		out = "default"
	}
	if len(w.kinds()) > 1 && !strings.Contains(out, kind) {
		out += "_" + kind
	}
	return out
}

// trace is one log, read.
type trace struct {
	Name   string
	Series []figure.Series
	Flags  []string
}

// traces reads the wanted logs of a kind in a folder, not below it.
func traces(ctx context.Context, in fs.FS, w wish, kind string) ([]trace, error) {
	entries, err := fs.ReadDir(in, ".")
	if err != nil {
		return nil, err
	}
	found, err := foreign.Find(ctx, topOnly{in})
	if err != nil {
		return nil, err
	}
	var out []trace
	for _, e := range entries {
		wanted, err := w.picks(e.Name(), kind)
		if err != nil {
			return nil, err
		}
		if !wanted || !e.Type().IsRegular() {
			continue
		}
		t, err := readTrace(ctx, in, e.Name(), kind, documentOf(found, in, e.Name()))
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// documentOf returns what is known of the job that wrote a log, nil if nothing.
// The summary is left out: it is of all jobs, and the log of one.
func documentOf(found *foreign.Found, in fs.FS, log string) *result.Document {
	i := slices.IndexFunc(found.Runs, func(r foreign.Run) bool { return r.Result != "" && slices.Contains(r.Logs, log) })
	if i < 0 {
		return nil
	}
	f, err := in.Open(found.Runs[i].Result)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	out, err := result.Read(f)
	if err != nil {
		return nil
	}
	d := out.Document()
	d.Summary = result.Summary{}
	return d
}

func readTrace(ctx context.Context, in fs.FS, name, kind string, doc *result.Document) (trace, error) {
	t := trace{Name: name}
	open := func(context.Context) (io.ReadCloser, error) { return in.Open(name) }
	run, err := reading.Read(ctx, doc, []reading.Log{{Name: name, Open: open}}, reading.Options{})
	if err != nil {
		return t, err
	}
	rates := run.IOPS
	if kind == "bw" {
		rates = run.Bandwidth
	}
	for _, dir := range reading.Directions() {
		if s, ok := rates[dir]; ok {
			s.Name = strings.TrimSuffix(name, ".log") + " " + dir
			t.Series = append(t.Series, s)
		}
	}
	for _, flag := range run.Flags {
		if doc != nil || !strings.Contains(flag, "summary could not be read") {
			t.Flags = append(t.Flags, flag)
		}
	}
	return t, nil
}

// numbers are what fio2gnuplot writes of all traces together.
type numbers struct {
	min, max, mean, deviation float64
	n                         int
}

func count(all []trace) numbers {
	out := numbers{min: math.Inf(1), max: math.Inf(-1)}
	var sum, squares float64
	for _, t := range all {
		for _, s := range t.Series {
			for _, v := range s.Values {
				out.n++
				sum, squares = sum+v, squares+v*v
				out.min, out.max = min(out.min, v), max(out.max, v)
			}
		}
	}
	if out.n == 0 {
		return numbers{}
	}
	out.mean = sum / float64(out.n)
	out.deviation = math.Sqrt(max(0, squares/float64(out.n)-out.mean*out.mean))
	return out
}

// writeNumbers writes them under the names that fio2gnuplot has.
func writeNumbers(path string, all []trace) error {
	c := count(all)
	text := fmt.Sprintf("min=%.2f\nmax=%.2f\navg=%.2f\nstddev=%.2f\nvalues_count=%d\ndisks_count=%d\n", c.min, c.max, c.mean, c.deviation, c.n, len(all))
	return os.WriteFile(path, []byte(text), 0o644) //nolint:gosec // others read the volume
}

// topOnly is a folder without those below it.
type topOnly struct{ fs.FS }

// ReadDir lists files alone.
func (t topOnly) ReadDir(name string) ([]fs.DirEntry, error) {
	if name != "." {
		return nil, errors.ErrUnsupported
	}
	entries, err := fs.ReadDir(t.FS, name)
	return slices.DeleteFunc(entries, fs.DirEntry.IsDir), err
}
