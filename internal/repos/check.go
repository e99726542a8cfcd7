package repos

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/limit"
	"github.com/fiord-bench/fiord/internal/volume"
)

// RulePolicy is the rule of the problems that Check reports.
const RulePolicy = "policy"

// Check reports what a bench asks for beyond its rule. Problems name the bench
// and the option; the caller knows the file.
func (r Rule) Check(b events.BenchRequested) []events.Problem {
	c := checker{bench: b.Name, subject: r.subject()}
	t := b.Targets
	for _, h := range t.Hosts {
		c.that(r.AllowsHost(h), "targets.hosts", "host %q", h, r.Hosts)
	}
	if t.Group != "" {
		c.that(matches(r.Groups, t.Group), "targets.group", "group %q", t.Group, r.Groups)
	}
	if pool := cmp.Or(t.Pool, "default"); len(t.Hosts) == 0 && t.Group == "" {
		c.that(r.allowsPool(pool), "targets.pool", "pool %q", pool, r.Pools)
	}
	if b.Volume != "" {
		c.that(matches(r.Volumes, b.Volume), "volume", "volume %q", b.Volume, r.Volumes)
	}
	if b.VolumeDriver != "" {
		c.that(matches(r.VolumeDrivers, b.VolumeDriver), "volume_driver", "volume driver %q", b.VolumeDriver, r.VolumeDrivers)
	}
	if _, profile, named := strings.Cut(b.Volume, "@"); named && len(r.VolumeProfiles) > 0 {
		c.that(matches(r.VolumeProfiles, profile), "volume", "volume profile %q", profile, r.VolumeProfiles)
	}
	c.volumeOptions(r.VolumeOptions, b.VolumeOptions)
	if len(c.problems) == 0 { // what no host would do, whoever asks
		c.problems = append(c.problems, volume.Request{Volume: b.Volume, Driver: b.VolumeDriver, Options: b.VolumeOptions}.Static()...)
		c.problems = append(c.problems, limit.Static(b.Limits)...)
	}
	for i, j := range b.Jobs {
		if j.URL != "" {
			c.that(r.AllowsURL(j.URL), fmt.Sprintf("jobs[%d]", i), "job file %q", j.URL, r.URLs)
		}
	}
	if runs := Runs(b); r.MaxRuns > 0 && runs > r.MaxRuns {
		c.fail("matrix", "fio would be started %d times on each host, %s may %d: fewer values, repeats or files", runs, c.subject, r.MaxRuns)
	}
	c.atMost("timeout", b.Timeout.Std(), r.MaxTimeout)
	c.atMost("deadline", b.Deadline.Std(), r.MaxDeadline)
	return c.problems
}

// Bound fills in the limits that a bench left open.
func (r Rule) Bound(b *events.BenchRequested) {
	if b.Timeout == 0 {
		b.Timeout = events.Duration(r.MaxTimeout)
	}
	if b.Deadline == 0 {
		b.Deadline = events.Duration(r.MaxDeadline)
	}
}

// Runs is how often a bench starts fio on each host, at most.
func Runs(b events.BenchRequested) int {
	n := b.Measure.Repeats(b.Repeat)
	if len(b.Only) > 0 {
		return n * len(b.Only)
	}
	n *= max(len(b.Jobs), 1)
	for _, values := range b.Matrix {
		if n *= len(values); n > 1<<30 {
			return 1 << 30 // far above any cap; keeps the product from wrapping
		}
	}
	return n
}

type checker struct {
	bench    string
	subject  string // of the rule
	problems []events.Problem
}

func (c *checker) fail(option, format string, args ...any) {
	c.problems = append(c.problems, events.Problem{
		Rule: RulePolicy, Option: option, Message: fmt.Sprintf("bench %q: ", c.bench) + fmt.Sprintf(format, args...),
	})
}

func (c *checker) that(ok bool, option, what, value string, allowed []string) {
	if ok {
		return
	}
	may := "none is"
	if len(allowed) > 0 {
		may = "allowed are " + strings.Join(allowed, ", ")
	} else if option == "targets.pool" {
		may = `allowed is "default"`
	}
	c.fail(option, what+" is not allowed to %s (%s): ask the operator, or choose another", value, c.subject, may)
}

func (c *checker) atMost(option string, value, limit time.Duration) {
	if limit > 0 && value > limit {
		c.fail(option, "%s of %v is longer than the %v that %s may", option, value, limit, c.subject)
	}
}
