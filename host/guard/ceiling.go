package guard

import (
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/fio/job"
)

// Ceilings bound what jobs may take of the machine. 0 is no ceiling.
type Ceilings struct {
	Jobs      int64         // processes or threads of fio at once
	Memory    uint64        // bytes that options decide
	OpenFiles int64         // at once
	Duration  time.Duration // of one job file
}

// ceilings refuses jobs that would take more of the machine than its owner
// allows, before fio takes it.
func (c *checker) ceilings() {
	most, d := c.guard.policy.Ceilings, c.request.File.Demand()
	number := func(n int64) string { return fmt.Sprint(n) }
	bytes := func(n int64) string { return size(positive(n)) }
	seconds := func(n int64) string { return (time.Duration(n) * time.Second).String() }
	c.ceiling(d.Jobs, most.Jobs, "max_jobs", "run %s jobs at once", number)
	c.ceiling(d.Memory, int64(min(most.Memory, 1<<62)), "max_memory", "take %s of memory", bytes) //nolint:gosec // bounded
	c.ceiling(d.OpenFiles, most.OpenFiles, "max_open_files", "have %s files open at once", number)
	c.ceiling(d.Duration, int64(most.Duration/time.Second), "max_duration", "take %s", seconds)
}

func (c *checker) ceiling(n job.Need, most int64, setting, does string, show func(int64) string) {
	switch {
	case most == 0:
	case n.Unknown != "":
		c.refuse(n.Pos, n.Option, RuleCeiling, "%s, so it cannot be held against this host's ceiling of %s (%s)", n.Unknown, show(most), setting)
	case n.Count > most:
		c.refuse(n.Pos, n.Option, RuleCeiling, "the jobs would "+does+", %s of that by job %s; this host allows %s (%s)",
			show(n.Count), show(n.Share), n.Job, show(most), setting)
	}
}
