package foreign

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/hist"
	"github.com/fiord-bench/fiord/host/summary"
	"github.com/fiord-bench/fiord/verdict"
)

// Sample is the results below one folder, to be compared with those of another.
type Sample struct {
	// Name is the folder's, as the caller knows it.
	Name string
	// Runs are the results in the order of their names. A run's point is not set
	// before [Match].
	Runs []verdict.Run
	// Passed are files and results that could not be read.
	Passed []Passed

	options []map[string]string // of each run
}

// NewSample reads the results that were found in a folder. Logs are not needed:
// what is compared is in the results.
func NewSample(ctx context.Context, name string, in fs.FS, found *Found) (*Sample, error) {
	s := &Sample{Name: name, Passed: slices.Clone(found.Passed)}
	for i := range found.Runs {
		r := &found.Runs[i]
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if r.Result == "" {
			s.Passed = append(s.Passed, Passed{r.Name, "logs without a result: their numbers are not compared"})
			continue
		}
		one, err := r.sample(in)
		if err != nil {
			s.Passed = append(s.Passed, Passed{r.Result, err.Error()})
			continue
		}
		s.Runs, s.options = append(s.Runs, one), append(s.options, r.options)
	}
	return s, nil
}

// sample reads what a result contributes to a comparison.
func (r *Run) sample(in fs.FS) (verdict.Run, error) {
	all, err := (&search{in: in}).parse(r.Result)
	if err != nil {
		return verdict.Run{}, err
	}
	if r.Index >= len(all) {
		return verdict.Run{}, fmt.Errorf("%s has changed since it was found", r.Result)
	}
	out := all[r.Index]
	r.plan(in, out)
	s, integrity := summary.Of(out.Document()), judge(out)
	one := verdict.Run{
		Run: r.Name, Job: r.job, Integrity: integrity.State, Faults: verdict.Faults(integrity),
		Values: verdict.Values(s), LatencyOf: verdict.LatencyOf(s), Tails: map[string]*hist.Histogram{},
	}
	for _, dir := range s.Directions() {
		if h, _ := out.Histogram(dir); h != nil {
			one.Tails[dir] = h
		}
	}
	return one, nil
}

// Bench is the sample as a bench that completed.
func (s *Sample) Bench() verdict.Bench {
	n := len(s.Runs)
	return verdict.Bench{Bench: s.Name, Counts: events.Counts{Planned: n, Completed: n}, Runs: s.Runs}
}

// Difference is an option that has one value in all of a sample and another in
// all of the next.
type Difference struct {
	Option string `json:"option"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Match sets the points of all runs: the options that vary within a sample, so
// that a sweep is compared point by point. An option that is one value in all
// of the first sample and another in all of the last is what the comparison is
// about: it is returned, and keeps nothing apart. The file that was measured and
// its folder never make a point.
func Match(samples []*Sample) []Difference {
	var point []string
	var out []Difference
	for _, option := range shaping {
		if option == "filename" || option == "directory" {
			continue
		}
		if slices.ContainsFunc(samples, func(s *Sample) bool { return len(s.values(option)) > 1 }) {
			point = append(point, option)
			continue
		}
		first, last := samples[0].values(option), samples[len(samples)-1].values(option)
		if len(first) == 1 && len(last) == 1 && first[0] != last[0] {
			out = append(out, Difference{option, first[0], last[0]})
		}
	}
	for _, s := range samples {
		for i := range s.Runs {
			if s.options[i] == nil {
				continue // of a bench, which knows its points
			}
			p := events.Point{}
			for _, option := range point {
				if v := s.options[i][option]; v != "" {
					p[option] = v
				}
			}
			s.Runs[i].Point = p.Key()
		}
	}
	return out
}

// values lists the values that an option has in a sample, an unset one as "".
func (s *Sample) values(option string) []string {
	seen := map[string]bool{}
	for _, o := range s.options {
		if o != nil {
			seen[o[option]] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Add appends the runs of another sample. Those of a bench have no options, but
// points.
func (s *Sample) Add(other *Sample) {
	options := append([]map[string]string(nil), other.options...)
	for len(options) < len(other.Runs) {
		options = append(options, nil)
	}
	s.Runs, s.options = append(s.Runs, other.Runs...), append(s.options, options...)
	s.Passed = append(s.Passed, other.Passed...)
}

// Keep leaves only what was found in one file, by its path.
func (f *Found) Keep(file string) {
	f.Runs = slices.DeleteFunc(f.Runs, func(r Run) bool { return r.Result != file })
	f.Passed = slices.DeleteFunc(f.Passed, func(p Passed) bool { return p.Path != file })
}
