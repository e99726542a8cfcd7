package repofile

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/internal/constraint"
	"github.com/fiord-bench/fiord/internal/limit"
	"github.com/fiord-bench/fiord/internal/volume"
)

// MaxRuns bounds how often one bench may start fio on each host.
const MaxRuns = 10_000

// complain adds a problem at a path, or at the nearest thing around it that
// stands in the file.
func (d *decoder) complain(at, rule, format string, args ...any) {
	for _, bad := range d.bad {
		if bad == "" || at == bad || strings.HasPrefix(at, bad+".") || strings.HasPrefix(at, bad+"[") {
			return
		}
	}
	d.failAt(nearest(d.at, at), rule, at, sentence(at, fmt.Sprintf(format, args...)))
}

// nearest is the place of the value at a path, or of what is around it.
func nearest(places map[string]place, at string) place {
	p, ok := places[at]
	for !ok && at != "" {
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
		p, ok = places[at]
	}
	return p
}

func (d *decoder) has(at string) bool { _, ok := d.at[at]; return ok }

// check holds a decoded file to the rules that its types don't state.
func (d *decoder) check(f *File) {
	switch {
	case !d.has("version"):
		d.complain("version", "missing", "version is missing: write version: 1")
	case f.Version != 1:
		d.complain("version", "value", "version %d is not known: this fiord reads version 1", f.Version)
	}
	d.oneOf("supersede", f.Supersede, "queued", "running", "none")
	if f.On != nil {
		d.checkOn(f.On)
	}
	if !d.has("benches") {
		d.complain("benches", "missing", "benches are missing: name at least one, with its jobs")
	}
	if len(f.Benches) > 50 {
		d.complain("benches", "limit", "there are %d benches, at most 50 are taken", len(f.Benches))
		return
	}
	first := map[string]int{}
	for i, b := range f.Benches {
		at := fmt.Sprintf("benches[%d]", i)
		if j, twice := first[b.Name]; twice && b.Name != "" {
			d.complain(at+".name", "value", "bench %q is there already, as number %d: results of one name are compared with each other", b.Name, j+1)
		}
		first[b.Name] = i
		d.checkBench(b, at)
	}
}

func (d *decoder) checkOn(on *On) {
	if p := on.Push; p != nil {
		d.patterns("on.push.branches", p.Branches)
		d.patterns("on.push.tags", p.Tags)
		d.patterns("on.push.paths", p.Paths)
	}
	if p := on.PullRequest; p != nil {
		d.patterns("on.pull_request.branches", p.Branches)
		d.patterns("on.pull_request.paths", p.Paths)
	}
	if len(on.Schedule) > 20 {
		d.complain("on.schedule", "limit", "there are %d schedules, at most 20 are taken", len(on.Schedule))
	}
	for i, s := range on.Schedule {
		d.checkSchedule(s, fmt.Sprintf("on.schedule[%d]", i))
	}
}

func (d *decoder) patterns(at string, patterns []string) {
	for i, p := range patterns {
		item := fmt.Sprintf("%s[%d]", at, i)
		glob, negated := strings.CutPrefix(p, "!")
		switch {
		case glob == "":
			d.complain(item, "value", "is an empty pattern")
		case negated && i == 0:
			d.complain(item, "value", `takes back what nothing let in: put a pattern such as "**" before it`)
		case !doublestar.ValidatePattern(glob):
			d.complain(item, "value", "%q is no glob: close every [ and {", abbreviate(p))
		}
	}
}

func (d *decoder) checkSchedule(s Schedule, at string) {
	if s.Cron == "" {
		d.complain(at+".cron", "missing", "cron is missing: write an expression such as 0 3 * * *")
	} else if ticks, err := ParseSchedule(s); err != nil {
		d.complain(at, "value", "%v", err)
	} else if ticks.Next(time.Now()).IsZero() {
		d.complain(at+".cron", "value", "%q names a date that never comes", abbreviate(s.Cron))
	}
	d.oneOf(at+".missed", s.Missed, "once", "skip")
}

func (d *decoder) oneOf(at, value string, words ...string) {
	if value != "" && !slices.Contains(words, value) {
		d.complain(at, "value", "is %q, must be %s", abbreviate(value), strings.Join(words, " or "))
	}
}

// benchName keeps names fit for commit statuses, file names and links.
var benchName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._/+-]*$`)

func (d *decoder) checkBench(b Bench, at string) {
	if b.Name != "" && !benchName.MatchString(b.Name) {
		d.complain(at+".name", "value", "%q is no name: letters, digits, spaces and ._/+- are taken", abbreviate(b.Name))
	}
	if d.has(at+".repeat") && b.Repeat < 1 {
		d.complain(at+".repeat", "value", "is %d, must be 1 to 1000", b.Repeat)
	}
	for i, j := range b.Jobs {
		d.checkJob(j, fmt.Sprintf("%s.jobs[%d]", at, i))
	}
	for option := range b.Matrix {
		d.checkOption(option, at+".matrix."+option)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Vars)) {
		if err := job.CheckVariable(name, b.Vars[name]); err != nil {
			d.complain(at+".vars."+name, "value", "%v", err)
		}
	}
	for i, w := range b.Targets.Where {
		if _, err := constraint.Parse(w); err != nil {
			d.complain(fmt.Sprintf("%s.targets.where[%d]", at, i), "value", "%v", err)
		}
	}
	for _, p := range (volume.Request{Volume: b.Volume, Driver: b.VolumeDriver, Options: b.VolumeOptions}).Static() {
		d.complain(at+"."+p.Option, p.Rule, "%s", p.Message)
	}
	for _, p := range limit.Static(b.Limits) {
		d.complain(at+"."+p.Option, p.Rule, "%s", p.Message)
	}
	if runs := b.Runs(); runs > MaxRuns {
		d.complain(at+".matrix", "limit", "fio would be started %d times on each host, at most %d are taken: "+
			"fewer values, repeats or files", runs, MaxRuns)
	}
	d.contract(b, at)
}

func (d *decoder) checkJob(j, at string) {
	switch {
	case strings.Contains(j, "://"):
		if !strings.HasPrefix(j, "https://") && !strings.HasPrefix(j, "http://") {
			d.complain(at, "value", "%q is no https URL", abbreviate(j))
		}
	case j == "" || path.IsAbs(j) || path.Clean(j) != j || j == ".." || strings.HasPrefix(j, "../"):
		d.complain(at, "value", "%q is no path in the repository: start at its root, without ./ and ../", abbreviate(j))
	}
}

func (d *decoder) checkOption(option, at string) {
	if d.options == nil {
		d.options = map[string]bool{}
		for _, spec := range job.Specs() {
			for _, name := range append(spec.Aliases, spec.Name) {
				d.options[name] = true
			}
		}
	}
	if d.options[option] || len(d.problems) >= maxProblems {
		return
	}
	hint := didYouMean(option, slices.Collect(maps.Keys(d.options)))
	if strings.HasPrefix(hint, ": possible") {
		hint = ": fio --cmdhelp lists them"
	}
	d.complain(at, "unknown", "fio has no option %q%s", abbreviate(option), hint)
}

// contract holds the bench to the contract of the event that will ask for it.
func (d *decoder) contract(b Bench, at string) {
	req := b.Request()
	for _, j := range b.Jobs {
		req.Jobs = append(req.Jobs, events.Job{Name: j, Inline: "-"})
	}
	var invalid *events.Invalid
	if !errors.As(req.Validate(), &invalid) {
		return
	}
	for _, f := range invalid.Fields {
		field := strings.TrimSuffix(f.Field, ".name")
		if f.Field == "name" {
			field = f.Field
		}
		d.complain(at+"."+field, "value", "%s.%s %s", at, field, f.Problem)
	}
}
