package lint

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/constraint"
	"github.com/fiord-bench/fiord/internal/fetch"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/ingest/checkout"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
)

// Options of Folder.
type Options struct {
	// Rule of the operator to hold the benches to; nil to leave policy out.
	Rule *repos.Rule
	// Fio is the command to ask; empty to leave it out. It is asked only about
	// files that have no other problem: fio loads what a job file tells it to.
	Fio string
	// Vars are values for a job file by itself; a bench names its own.
	Vars map[string]string
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
	l := newLinter(ctx, filepath.Dir(path), o)
	src, err := l.tree.ReadFile(filepath.Base(path)) // as a push: no link is followed
	if errors.Is(err, checkout.ErrNotFound) {
		return Result{}, fmt.Errorf("%w: %w: a push without it measures nothing; name the repository's folder, or single job files", fs.ErrNotExist, err)
	}
	if err != nil {
		return Result{}, fmt.Errorf("lint: %w", err)
	}
	file, err := repofile.Parse(filepath.Base(path), src)
	var problems repofile.Problems
	if errors.As(err, &problems) {
		l.result.Problems = problems
		return l.result, nil
	}
	if err != nil {
		return Result{}, err
	}
	for i := range file.Benches {
		if err := l.bench(file, i); err != nil {
			return Result{}, err
		}
	}
	return l.result, l.unknownToGit()
}

// JobFile checks one job file by itself.
func JobFile(ctx context.Context, path string, o Options) (Result, error) {
	l := newLinter(ctx, filepath.Dir(path), o)
	_, err := l.job(filepath.Base(path), o.Vars, func(err error) events.Problem {
		return events.Problem{File: filepath.Base(path), Rule: "missing", Message: fit(err.Error())}
	})
	return l.result, err
}

type linter struct {
	ctx    context.Context
	opts   Options
	tree   checkout.Folder
	files  map[string]File
	read   []string // from the folder
	result Result
}

func newLinter(ctx context.Context, root string, o Options) *linter {
	return &linter{
		ctx: ctx, opts: o, tree: checkout.Folder{Root: root, MaxFile: checkout.Defaults().MaxFile}, files: map[string]File{},
	}
}

func (l *linter) bench(f *repofile.File, i int) error {
	b := f.Benches[i]
	req := b.Request()
	for k, name := range b.Jobs {
		j, err := l.job(name, b.Vars, func(err error) events.Problem { return Missing(f, i, k, err) })
		if err != nil {
			return err
		}
		l.result.Problems = append(l.result.Problems, Matrix(f, i, name, j)...)
		asked := events.Job{Name: name}
		if isURL(name) {
			asked.URL = name
		}
		req.Jobs = append(req.Jobs, asked)
	}
	if l.opts.Rule != nil {
		l.result.Problems = append(l.result.Problems, Policy(f, i, *l.opts.Rule, req)...)
	}
	for k, w := range b.Targets.Where {
		l.where(f, fmt.Sprintf("benches[%d].targets.where[%d]", i, k), w)
	}
	return nil
}

func (l *linter) where(f *repofile.File, at, condition string) {
	list, err := constraint.Lint(condition)
	if err != nil {
		return // told by the parser of fiord.yaml already
	}
	for _, a := range list {
		message := fmt.Sprintf("condition %q: %s", a.Constraint, a.Problem)
		if a.Instead != "" {
			message += fmt.Sprintf(": write %q", a.Instead)
		}
		l.result.Advice = append(l.result.Advice, f.Problem(at, "where", fit(message)))
	}
}

// job checks a job file once, however many benches name it. Missing words the
// problem of one that cannot be had.
func (l *linter) job(name string, vars map[string]string, missing func(error) events.Problem) (File, error) {
	key := repofile.JobKey(name, vars)
	if f, done := l.files[key]; done {
		return f, nil
	}
	src, open, err := l.get(name, missing)
	if err != nil || src == nil {
		l.files[key] = File{}
		return File{}, err
	}
	f := Job(name, src, open, vars)
	switch {
	case f.Content == nil || l.opts.Fio == "":
	case f.loadsLibrary():
		l.result.Unchecked = append(l.result.Unchecked, name+": fio is not asked about a file whose engine is a library to load")
	default:
		f.Problems = append(f.Problems, askFio(l.ctx, l.opts.Fio, name, f.Content)...)
	}
	l.result.Problems = append(l.result.Problems, f.Problems...)
	l.result.Advice = append(l.result.Advice, f.Advice...)
	l.files[key] = f
	return f, nil
}

// get reads a job file; nil without an error says that it is among the
// problems, or unchecked.
func (l *linter) get(name string, missing func(error) events.Problem) ([]byte, Open, error) {
	if isURL(name) {
		return l.download(name, missing)
	}
	src, err := l.tree.ReadFile(name)
	if err != nil {
		l.result.Problems = append(l.result.Problems, missing(err))
		return nil, nil, nil
	}
	l.read = append(l.read, name)
	return src, l.include, nil
}

// include reads a file that a job file includes; package job wants its absence
// in the form of package fs.
func (l *linter) include(name string) ([]byte, error) {
	name = path.Clean(name)
	src, err := l.tree.ReadFile(name)
	if errors.Is(err, checkout.ErrNotFound) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if err == nil {
		l.read = append(l.read, name)
	}
	return src, err
}

func (l *linter) download(name string, missing func(error) events.Problem) ([]byte, Open, error) {
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
		l.result.Problems = append(l.result.Problems, missing(err))
	}
	return nil, nil, nil
}

// unknownToGit advises about files that are in the folder and would not be in
// the push: the commonest surprise after a clean lint. A folder that is no work
// tree of git, or a machine without git, gives no advice.
func (l *linter) unknownToGit() error {
	if len(l.read) == 0 {
		return nil
	}
	args := append([]string{"-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "ls-files", "-z", "--cached", "--"}, l.read...)
	cmd := exec.CommandContext(l.ctx, "git", args...)
	cmd.Dir = l.tree.Root
	cmd.Env = append(os.Environ(), "GIT_LITERAL_PATHSPECS=1")
	out, err := cmd.Output()
	if err != nil {
		return l.ctx.Err()
	}
	known := strings.Split(string(out), "\x00")
	slices.Sort(l.read) // an included file is read more than once
	for _, name := range slices.Compact(l.read) {
		if !slices.Contains(known, name) {
			l.result.Advice = append(l.result.Advice, events.Problem{
				File: name, Rule: "git", Message: "git does not know the file, so that a push will not bring it: git add it",
			})
		}
	}
	return nil
}

func isURL(name string) bool { return strings.Contains(name, "://") }
