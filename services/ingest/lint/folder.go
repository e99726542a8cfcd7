package lint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/constraint"
	"github.com/fiord-bench/fiord/internal/fetch"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/config"
)

// Options of Folder.
type Options struct {
	// Rule of the operator to hold the benches to; nil to leave policy out.
	Rule *repos.Rule
	// Fio is the command to ask; empty to leave it out. It is asked only about
	// files that have no other problem: fio loads what a job file tells it to.
	Fio string
	// Fetch gets job files by URL; nil leaves them unread.
	Fetch *fetch.Client
}

// Result is what was found.
type Result struct {
	// Problems would reject the push.
	Problems []events.Problem `json:"problems"`
	// Advice would not.
	Advice []events.Problem `json:"advice"`
	// Unchecked names job files that were not read, and why.
	Unchecked []string `json:"unchecked,omitempty"`
}

// Folder checks the fiord.yaml at a path, and every job file that it names
// relative to its folder.
func Folder(ctx context.Context, path string, o Options) (Result, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return Result{}, fmt.Errorf("lint: %w", err)
	}
	l := &linter{ctx: ctx, opts: o, root: filepath.Dir(path), files: map[string]File{}}
	file, err := config.Parse(filepath.Base(path), src)
	var problems config.Problems
	if errors.As(err, &problems) {
		l.result.Problems = problems
		return l.result, nil
	}
	if err != nil {
		return Result{}, err
	}
	for _, b := range file.Benches {
		if err := l.bench(b); err != nil {
			return Result{}, err
		}
	}
	return l.result, nil
}

// JobFile checks one job file by itself.
func JobFile(ctx context.Context, path string, o Options) (Result, error) {
	l := &linter{ctx: ctx, opts: o, root: filepath.Dir(path), files: map[string]File{}}
	_, err := l.job(filepath.Base(path))
	return l.result, err
}

type linter struct {
	ctx    context.Context
	opts   Options
	root   string
	files  map[string]File
	result Result
}

func (l *linter) bench(b config.Bench) error {
	req := b.Request()
	for _, name := range b.Jobs {
		f, err := l.job(name)
		if err != nil {
			return err
		}
		l.result.Problems = append(l.result.Problems, Matrix(b, name, f)...)
		j := events.Job{Name: name}
		if isURL(name) {
			j.URL = name
		}
		req.Jobs = append(req.Jobs, j)
	}
	if l.opts.Rule != nil {
		for _, p := range l.opts.Rule.Check(req) {
			p.File = config.Name
			l.result.Problems = append(l.result.Problems, p)
		}
	}
	for _, w := range b.Targets.Where {
		l.where(b.Name, w)
	}
	return nil
}

func (l *linter) where(bench, condition string) {
	list, err := constraint.Lint(condition)
	if err != nil {
		return // told by the parser of fiord.yaml already
	}
	for _, a := range list {
		message := fmt.Sprintf("bench %q, condition %q: %s", bench, a.Constraint, a.Problem)
		if a.Instead != "" {
			message += fmt.Sprintf(": write %q", a.Instead)
		}
		l.result.Advice = append(l.result.Advice, events.Problem{File: config.Name, Rule: "where", Option: "targets.where", Message: fit(message)})
	}
}

// job checks a job file once, however many benches name it.
func (l *linter) job(name string) (File, error) {
	if f, done := l.files[name]; done {
		return f, nil
	}
	src, open, err := l.read(name)
	if err != nil || src == nil {
		l.files[name] = File{}
		return File{}, err
	}
	f := Job(name, src, open)
	switch {
	case f.Content == nil || l.opts.Fio == "":
	case f.loadsLibrary():
		l.result.Unchecked = append(l.result.Unchecked, name+": fio is not asked about a file whose engine is a library to load")
	default:
		f.Problems = append(f.Problems, askFio(l.ctx, l.opts.Fio, name, f.Content)...)
	}
	l.result.Problems = append(l.result.Problems, f.Problems...)
	l.result.Advice = append(l.result.Advice, f.Advice...)
	l.files[name] = f
	return f, nil
}

// read gets a job file; nil without an error says that it is among the
// problems, or unchecked.
func (l *linter) read(name string) ([]byte, Open, error) {
	if isURL(name) {
		return l.download(name)
	}
	src, err := l.readFile(name)
	if err == nil {
		return src, l.readFile, nil
	}
	l.result.Problems = append(l.result.Problems, events.Problem{File: name, Rule: "missing", Message: fit(err.Error())})
	return nil, nil, nil
}

func (l *linter) download(name string) ([]byte, Open, error) {
	if l.opts.Fetch == nil {
		l.result.Unchecked = append(l.result.Unchecked, name+": job files by URL are not fetched")
		return nil, nil, nil
	}
	got, err := l.opts.Fetch.Get(l.ctx, name)
	switch {
	case err == nil:
		return got.Bytes, nil, nil
	case l.ctx.Err() != nil:
		return nil, nil, err
	case errors.Is(err, fetch.ErrUnavailable):
		l.result.Unchecked = append(l.result.Unchecked, err.Error())
	default:
		l.result.Problems = append(l.result.Problems, events.Problem{File: name, Rule: "missing", Message: fit(err.Error())})
	}
	return nil, nil, nil
}

// readFile reads below the root as a checkout of git objects would: links are
// not followed.
func (l *linter) readFile(name string) ([]byte, error) {
	if !fs.ValidPath(filepath.ToSlash(filepath.Clean(name))) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	at := l.root
	for part := range strings.SplitSeq(filepath.ToSlash(filepath.Clean(name)), "/") {
		at = filepath.Join(at, part)
		info, err := os.Lstat(at)
		if err != nil {
			return nil, err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return nil, fmt.Errorf("%s: %s is a symbolic link, which is not followed: name the file it points at", name, at)
		}
	}
	return os.ReadFile(at)
}

func isURL(name string) bool { return strings.Contains(name, "://") }
