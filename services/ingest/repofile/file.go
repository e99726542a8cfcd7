package repofile

import (
	"maps"
	"slices"

	"github.com/fiord-bench/fiord/events"
)

// Name is the file's place in a repository.
const Name = "fiord.yaml"

// File is a fiord.yaml.
type File struct {
	// Version of the format: 1.
	Version int `json:"version" jsonschema:"required,enum=1"`
	// On says what starts the benches. Without it every push to a branch does.
	On *On `json:"on,omitempty"`
	// Supersede says which benches of a branch a newer push to it cancels:
	// those that wait (queued, the default), those that run as well (running),
	// or none. The branch that others are compared with never loses a bench.
	Supersede string `json:"supersede,omitempty" jsonschema:"enum=queued,enum=running,enum=none"`
	// Benches to run, each for itself.
	Benches []Bench `json:"benches" jsonschema:"required,minItems=1,maxItems=50"`

	name string           // as the author knows the file
	at   map[string]place // where its values stand
}

// Problem is something wrong with the value at a path, such as
// benches[0].targets.pool, or with the nearest thing around it that stands in
// the file. It is for what can only be found out beyond the file: the author is
// shown the line all the same.
func (f *File) Problem(at, rule, message string) events.Problem {
	p := nearest(f.at, at)
	return events.Problem{File: f.name, Line: p.line, Column: p.column, Rule: rule, Option: at, Message: message}
}

// On says what starts the benches.
type On struct {
	// Push filters pushes to branches and tags.
	Push *Push `json:"push,omitempty"`
	// PullRequest filters pull and merge requests, where the operator lets them in.
	PullRequest *PullRequest `json:"pull_request,omitempty"`
	// Schedule lists times to measure the default branch, or another, at.
	Schedule []Schedule `json:"schedule,omitempty" jsonschema:"maxItems=20"`
}

// Push filters pushes. Patterns are globs in which ** crosses slashes; a pattern
// that starts with ! takes back what those before it let in.
type Push struct {
	// Branches that count; all of them when neither branches nor tags are given.
	Branches []string `json:"branches,omitempty" jsonschema:"minItems=1"`
	// Tags that count; none of them when not given.
	Tags []string `json:"tags,omitempty" jsonschema:"minItems=1"`
	// Paths of which one at least has to have changed. A new branch, a tag and a
	// push whose predecessor is unknown count as changing everything.
	Paths []string `json:"paths,omitempty" jsonschema:"minItems=1"`
}

// PullRequest filters pull and merge requests.
type PullRequest struct {
	// Branches that a request may be for; all of them when not given.
	Branches []string `json:"branches,omitempty" jsonschema:"minItems=1"`
	// Paths of which one at least has to be touched by the request.
	Paths []string `json:"paths,omitempty" jsonschema:"minItems=1"`
}

// Schedule is a time that comes again. A cron expression alone stands for one
// with every other field left out.
type Schedule struct {
	// Cron expression: five fields, or @daily and the like.
	Cron string `json:"cron" jsonschema:"required"`
	// Timezone of the expression, such as Europe/Berlin; UTC when left out.
	Timezone string `json:"timezone,omitempty"`
	// Branch to measure; the default branch when left out.
	Branch string `json:"branch,omitempty"`
	// Missed says what becomes of ticks during an outage: made up for once on
	// return (once, the default), or left out (skip).
	Missed string `json:"missed,omitempty" jsonschema:"enum=once,enum=skip"`
}

// short takes the short form, a cron expression alone.
func (s *Schedule) short(text string) { s.Cron = text }

// Bench is one thing to measure.
type Bench struct {
	// Name of the bench; results of one name are compared with each other.
	Name string `json:"name" jsonschema:"required,maxLength=100"`
	// Jobs are fio job files: paths in the repository, or https URLs.
	Jobs []string `json:"jobs" jsonschema:"required,minItems=1,maxItems=100"`
	// Matrix of fio options: each combination of values is measured.
	Matrix map[string][]events.Scalar `json:"matrix,omitempty"`
	// Vars are values that stand in the job files in the place of ${NAME}.
	Vars map[string]string `json:"vars,omitempty" jsonschema:"maxProperties=100"`
	// Repeat every combination so often. When left out: six times if it is compared,
	// which finds a shift even with one run lost, and once otherwise.
	Repeat int `json:"repeat,omitempty" jsonschema:"minimum=1,maximum=1000"`
	// Targets say where; one slot of the pool "default" when left out.
	Targets events.Targets `json:"targets,omitzero"`
	// Volume is name or name@profile for the volume driver.
	Volume string `json:"volume,omitempty" jsonschema:"maxLength=255"`
	// VolumeDriver names the driver; the host's choice when left out.
	VolumeDriver string `json:"volume_driver,omitempty"`
	// VolumeOptions go to the driver as they are.
	VolumeOptions map[string]string `json:"volume_options,omitempty"`
	// Limits bound the container.
	Limits events.Limits `json:"limits,omitzero"`
	// Timeout ends one run that takes longer.
	Timeout events.Duration `json:"timeout,omitzero"`
	// Deadline after which runs that have not started expire.
	Deadline events.Duration `json:"deadline,omitzero"`
	// Compare says what the results are held against.
	Compare *events.Compare `json:"compare,omitempty"`
	// Measure says how carefully.
	Measure *events.Measure `json:"measure,omitempty"`
}

// Runs is how many times fio is started on each host: files times the
// combinations of the matrix times repeats, at most.
func (b Bench) Runs() int {
	n := b.Measure.Repeats(b.repeats())
	n *= len(b.Jobs)
	for _, values := range b.Matrix {
		if n *= len(values); n > 1<<30 {
			return 1 << 30 // far above any cap; keeps the product from wrapping
		}
	}
	return n
}

// repeats is how often each point is measured; 0 where its spread decides alone.
func (b Bench) repeats() int {
	if b.Repeat == 0 {
		return events.DefaultRepeat(b.Compare, b.Measure)
	}
	return b.Repeat
}

// JobKey tells apart what a job file becomes by the values of its variables.
func JobKey(name string, vars map[string]string) string {
	if len(vars) == 0 {
		return name
	}
	key := name
	for _, v := range slices.Sorted(maps.Keys(vars)) {
		key += "\x00" + v + "=" + vars[v]
	}
	return key
}

// Request is the bench as an event asks for it, with its jobs still missing.
func (b Bench) Request() events.BenchRequested {
	return events.BenchRequested{
		Name: b.Name, Matrix: b.Matrix, Repeat: b.repeats(), Targets: b.Targets, Limits: b.Limits,
		Volume: b.Volume, VolumeDriver: b.VolumeDriver, VolumeOptions: b.VolumeOptions,
		Timeout: b.Timeout, Deadline: b.Deadline, Compare: b.Compare, Measure: b.Measure,
	}
}

// Baselines are the branches that the benches are compared with.
func (f *File) Baselines() []string {
	var names []string
	for _, b := range f.Benches {
		if b.Compare != nil {
			names = append(names, b.Compare.Baseline)
		}
	}
	return names
}
