package place

import (
	"fmt"
	"slices"

	"github.com/fiord-bench/fiord/events"
)

// Request is a bench to place.
type Request struct {
	// Bench is its id.
	Bench string
	// Data is the request as it came, already validated.
	Data events.BenchRequested
	// Files are the job files, one for each of Data.Jobs.
	Files []events.ClaimCheck
	// MaxRuns bounds the runs of one bench; 0 means DefaultMaxRuns.
	MaxRuns int
}

// DefaultMaxRuns is far above what can be measured in a day, and keeps the
// placement document at some tens of megabytes.
const DefaultMaxRuns = 100_000

// Decision is who measures what, in which order.
type Decision struct {
	Slots []Slot
	// Excluded are hosts that were selected and don't measure, and why.
	Excluded []Exclusion
}

// Slot is one list of runs for one owner.
type Slot struct {
	// Host or Pool, exactly one of both.
	Host, Pool string
	Runs       []events.Invocation
}

// Hosts counts the hosts that were named.
func (d Decision) Hosts() int {
	named := 0
	for _, s := range d.Slots {
		if s.Host != "" {
			named++
		}
	}
	return named
}

// Runs counts the runs of all slots.
func (d Decision) Runs() int {
	runs := 0
	for _, s := range d.Slots {
		runs += len(s.Runs)
	}
	return runs
}

// Decide places a bench on a fleet. Its error is an *Unplaced.
func Decide(r Request, f Fleet) (Decision, error) {
	if u := checkMatrix(r.Data.Matrix); u != nil {
		return Decision{}, u
	}
	chosen, err := choose(r.Bench, r.Data.Targets, f, r.Data.Confirms != "")
	if err != nil {
		return Decision{}, err
	}
	spread := chosen.owners[0].pool != "" && len(chosen.owners) > 1
	perSlot := r.perSlot()
	if spread {
		// A slot more than there are points would be a list of nothing.
		chosen.owners = chosen.owners[:min(len(chosen.owners), perSlot)]
	}
	lists := len(chosen.owners)
	if spread {
		lists = 1
	}
	most := r.MaxRuns
	if most == 0 {
		most = DefaultMaxRuns
	}
	if repeats := Repeats(r.Data); perSlot > most/(lists*repeats) {
		return Decision{}, refuse(RuleMatrix, "matrix", "%d job files and points, %d repeats, %d hosts: more than %d runs in one bench", perSlot, repeats, lists, most)
	}
	d := Decision{Excluded: chosen.excluded}
	points := expand(r)
	for i, o := range chosen.owners {
		mine := points
		if spread {
			mine = deal(points, i, len(chosen.owners))
		}
		d.Slots = append(d.Slots, Slot{Host: o.host, Pool: o.pool, Runs: r.invocations(i, o, mine)})
	}
	return d, nil
}

// Repeats is how often each point is planned. With a spread to reach, the most
// is planned, and the worker leaves out what it no longer needs.
func Repeats(d events.BenchRequested) int {
	return d.Measure.Repeats(d.Repeat)
}

// sample is one thing to measure: a job file at a point of the matrix.
type sample struct {
	job   int
	point events.Point
	key   string // of both, for the run's id
}

// perSlot is how many samples there are, counted before they are listed: a
// matrix may be larger than any list.
func (r Request) perSlot() int {
	if n := len(r.Data.Only); n > 0 {
		return n
	}
	return len(r.Data.Jobs) * size(r.Data.Matrix)
}

// expand lists the samples: files in the request's order, within a file the
// options in alphabetical order with the last one changing fastest, values in
// the request's order. A request that names its samples gets them in its own
// order.
func expand(r Request) []sample {
	var samples []sample
	for _, only := range r.Data.Only {
		job := slices.IndexFunc(r.Data.Jobs, func(j events.Job) bool { return j.Name == only.Job })
		samples = append(samples, sample{job, only.Point, sampleKey(only.Job, only.Point)})
	}
	if len(samples) > 0 {
		return samples
	}
	options := sortedKeys(r.Data.Matrix)
	for job := range r.Data.Jobs {
		points := []events.Point{nil}
		for _, option := range options {
			points = multiply(points, option, r.Data.Matrix[option])
		}
		for _, p := range points {
			samples = append(samples, sample{job, p, sampleKey(r.Data.Jobs[job].Name, p)})
		}
	}
	return samples
}

func multiply(points []events.Point, option string, values []events.Scalar) []events.Point {
	longer := make([]events.Point, 0, len(points)*len(values))
	for _, p := range points {
		for _, v := range values {
			q := make(events.Point, len(p)+1)
			for k, old := range p {
				q[k] = old
			}
			q[option] = string(v)
			longer = append(longer, q)
		}
	}
	return longer
}

// deal gives every n-th sample to slot i, so that neighbours in the matrix,
// which take about as long, end up in different slots.
func deal(samples []sample, i, n int) []sample {
	var mine []sample
	for ; i < len(samples); i += n {
		mine = append(mine, samples[i])
	}
	return mine
}

// invocations lists the runs of one slot: all samples, again for each repeat, in the
// order that the repeat has.
func (r Request) invocations(slot int, o owner, samples []sample) []events.Invocation {
	repeats := Repeats(r.Data)
	runs := make([]events.Invocation, 0, repeats*len(samples))
	order := newOrder(r)
	for repeat := range repeats {
		for _, s := range order.of(repeat, samples) {
			runs = append(runs, events.Invocation{
				RunRef: events.RunRef{
					Bench: r.Bench, Run: events.RunID(r.Bench, slot, s.key, repeat),
					Name: r.Data.Name, Job: r.Data.Jobs[s.job].Name, Slot: slot, Index: len(runs),
					Point: s.point, Repeat: repeat, Host: o.host, Pool: o.pool,
				},
				File: r.Files[s.job],
			})
		}
	}
	return runs
}

// sampleKey tells samples apart. The job file is a dimension of the matrix like
// any option, and no option of fio's is called "job file".
func sampleKey(job string, point events.Point) string {
	return events.Point{"job file": job}.Key() + ";" + point.Key()
}

// size is how many points a matrix has, and at least one. It stops counting
// where no bench could follow.
func size(matrix map[string][]events.Scalar) int {
	const plenty = 1 << 30
	n := 1
	for _, values := range matrix {
		if n *= len(values); n > plenty {
			return plenty
		}
	}
	return n
}

// checkMatrix refuses a value that is there twice: both would be one run.
func checkMatrix(matrix map[string][]events.Scalar) *Unplaced {
	for _, option := range sortedKeys(matrix) {
		seen := map[events.Scalar]bool{}
		for _, v := range matrix[option] {
			if seen[v] {
				return refuse(RuleMatrix, "matrix."+option, "%s has the value %s twice; to measure it more often, set repeat", option, v)
			}
			seen[v] = true
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// String reads like "3 slots, 90 runs".
func (d Decision) String() string { return fmt.Sprintf("%d slots, %d runs", len(d.Slots), d.Runs()) }
