package foreign

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/result"
)

// Limits of a search.
const (
	// MaxFiles are looked at, and MaxRuns taken.
	MaxFiles = 200_000
	MaxRuns  = 2000
	// sniffed is how much of a file is searched for the mark of fio's JSON:
	// text may stand before it.
	sniffed = 1 << 20
)

// ErrTooMany means that a folder holds more than a search takes.
var ErrTooMany = errors.New("too many files")

// Run is one run that was found: a result, logs, or both.
type Run struct {
	// Name is the path of the result without its ending, or else the path that
	// the names of the logs begin with.
	Name string
	// Result is the path of fio's JSON, empty if there are only logs. A file may
	// hold several: Index counts them from 0.
	Result string
	Index  int
	// Logs are their paths.
	Logs []string
	// Notes say what had to be decided.
	Notes []string

	job      string            // names of its jobs
	options  map[string]string // that all jobs agree on
	prefixes []string          // that its logs are named by, without folders
	finished time.Time
	files    []string // job files beside the result
}

// Passed is a file that looks like fio's and was not taken.
type Passed struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// Found is what a folder holds.
type Found struct {
	Runs   []Run    // by name
	Passed []Passed // by path
}

// Find searches a folder tree. Links are not followed, and what is hidden is
// left alone.
func Find(ctx context.Context, in fs.FS) (*Found, error) {
	s := search{in: in, results: map[string][]int{}, logs: map[string][]string{}, jobs: map[string][]string{}}
	err := fs.WalkDir(in, ".", func(p string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return s.visit(p, d, err)
	})
	if err != nil {
		return nil, fmt.Errorf("search for results: %w", err)
	}
	s.assign()
	s.name()
	slices.SortFunc(s.found.Runs, func(a, b Run) int { return natural(a.Name, b.Name) })
	return &s.found, nil
}

// search is a search under way.
type search struct {
	in      fs.FS
	files   int
	found   Found
	results map[string][]int    // runs with a result by folder
	logs    map[string][]string // by folder and prefix
	jobs    map[string][]string // job files by folder
}

func (s *search) visit(p string, d fs.DirEntry, err error) error {
	switch {
	case err != nil:
		if p == "." {
			return err
		}
		s.pass(p, err)
		return nil
	case p != "." && strings.HasPrefix(d.Name(), "."):
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	case !d.Type().IsRegular():
		return nil
	}
	if s.files++; s.files > MaxFiles || len(s.found.Runs) > MaxRuns {
		return fmt.Errorf("%w: more than %d, or more than %d results: name a folder further down", ErrTooMany, MaxFiles, MaxRuns)
	}
	if l, ok := job.ParseLogName(d.Name()); ok {
		if strings.HasPrefix(l.Prefix, "agg-") {
			s.found.Passed = append(s.found.Passed, Passed{p, "sums over all jobs (--bandwidth-log), which the logs of the jobs hold as well"})
			return nil
		}
		at := path.Join(path.Dir(p), l.Prefix)
		s.logs[at] = append(s.logs[at], p)
		return nil
	}
	if path.Ext(p) == ".fio" {
		s.jobs[path.Dir(p)] = append(s.jobs[path.Dir(p)], p)
	}
	return s.result(p)
}

// name keeps runs apart whose names would be the same, such as those of out.json
// and out.txt, or of a file with several results.
func (s *search) name() {
	count := map[string]int{}
	for _, r := range s.found.Runs {
		count[r.Name]++
	}
	taken := map[string]bool{}
	for i := range s.found.Runs {
		r := &s.found.Runs[i]
		if count[r.Name] > 1 && r.Result != "" && r.Result != r.Name {
			r.Name = r.Result
		}
		unique := r.Name
		for n := 2; taken[unique]; n++ {
			unique = fmt.Sprintf("%s#%d", r.Name, n)
		}
		r.Name = unique
		taken[unique] = true
		r.files = s.jobs[path.Dir(r.Result)]
	}
}

func (s *search) pass(p string, why error) {
	s.found.Passed = append(s.found.Passed, Passed{p, why.Error()})
}

// drawn are the endings of files that are no text of fio's.
var drawn = []string{".png", ".svg", ".html", ".md", ".fio", ".zst", ".csv"}

// stem is a path without the endings that results go by. Others may tell runs
// apart: out.fio-0, out.fio-1.
func stem(p string) string {
	p = strings.TrimSuffix(p, ".gz")
	switch ext := path.Ext(p); ext {
	case ".json", ".txt", ".out", ".output", ".log", ".result", ".fio":
		return strings.TrimSuffix(p, ext)
	}
	return p
}

// result takes a file if it holds fio's JSON.
func (s *search) result(p string) error {
	if slices.Contains(drawn, path.Ext(p)) {
		return nil
	}
	is, err := s.marked(p)
	if err != nil {
		s.pass(p, err)
	}
	if !is {
		return nil
	}
	all, err := s.parse(p)
	if err != nil {
		s.pass(p, err)
		return nil
	}
	for i, out := range all {
		run := Run{Name: stem(p), Result: p, Index: i, finished: out.Time}
		if len(all) > 1 {
			run.Name = fmt.Sprintf("%s#%d", run.Name, i+1)
			run.Notes = []string{fmt.Sprintf("result %d of %d in %s", i+1, len(all), path.Base(p))}
		}
		run.learn(out)
		s.results[path.Dir(p)] = append(s.results[path.Dir(p)], len(s.found.Runs))
		s.found.Runs = append(s.found.Runs, run)
	}
	return nil
}

// marked tells whether a file holds what every output of fio's begins with, in
// JSON or in the formats that cannot be read.
func (s *search) marked(p string) (bool, error) {
	f, err := s.in.Open(p)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	head, err := io.ReadAll(io.LimitReader(f, sniffed))
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		z, zipped := gzip.NewReader(bytes.NewReader(head))
		if zipped != nil {
			return false, err // of another tool's
		}
		head, _ = io.ReadAll(io.LimitReader(z, sniffed)) // the rest lies beyond what was read
	}
	return result.FioText(head), err
}

func (s *search) parse(p string) ([]*result.Output, error) {
	f, err := s.in.Open(p)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return result.ReadRuns(f)
}

// assign gives each group of logs to the result that it belongs to, in the same
// folder or the one above. Groups that belong to none become runs.
func (s *search) assign() {
	for _, at := range slices.Sorted(maps.Keys(s.logs)) {
		logs := s.logs[at]
		dir, prefix := path.Split(at)
		dir = path.Clean(dir)
		run := s.owner(dir, prefix)
		if run == nil && dir != "." {
			run = s.owner(path.Dir(dir), prefix)
		}
		if run != nil {
			run.Logs = append(run.Logs, logs...)
			continue
		}
		s.found.Runs = append(s.found.Runs, Run{Name: at, Logs: logs, Notes: []string{"no result of fio's belongs to these logs"}})
	}
	for i := range s.found.Runs {
		slices.SortFunc(s.found.Runs[i].Logs, natural)
	}
	slices.SortFunc(s.found.Passed, func(a, b Passed) int { return cmp.Compare(a.Path, b.Path) })
}

// owner finds the run in a folder whose logs have a prefix: the one whose jobs
// say so, the one that is named alike, or the only one if its jobs say nothing.
func (s *search) owner(dir, prefix string) *Run {
	in := s.results[dir]
	var said []*Run
	for _, i := range in {
		if slices.Contains(s.found.Runs[i].prefixes, prefix) {
			said = append(said, &s.found.Runs[i])
		}
	}
	if len(said) > 0 {
		newest := slices.MaxFunc(said, func(a, b *Run) int { return a.finished.Compare(b.finished) })
		if len(said) > 1 {
			newest.Notes = append(newest.Notes, fmt.Sprintf("%d results name the logs %s_*: they were taken for the newest's, which overwrote the others", len(said), prefix))
		}
		return newest
	}
	for _, i := range in {
		if r := &s.found.Runs[i]; path.Base(r.Name) == prefix {
			return r
		}
	}
	if len(in) == 1 && len(s.found.Runs[in[0]].prefixes) == 0 {
		only := &s.found.Runs[in[0]]
		only.Notes = append(only.Notes, fmt.Sprintf("the logs %s_* were taken for this run's, because no other result is beside them", prefix))
		return only
	}
	return nil
}
