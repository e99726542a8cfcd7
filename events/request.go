package events

import (
	"fmt"
	"slices"
	"strings"
)

// MaxInline bounds the job files that travel inside an event, in bytes, all of
// them together.
const MaxInline = 32 << 10

// Job is one fio job file: exactly one of Claim, URL and Inline is set.
type Job struct {
	// Name people know the file by, such as jobs/randread.fio.
	Name string `json:"name"`
	// Claim points at a stored job file.
	Claim *ClaimCheck `json:"claim,omitempty"`
	// URL is fetched once, when the bench is placed, and its content kept.
	URL string `json:"url,omitempty"`
	// Inline is the content itself.
	Inline string `json:"inline,omitempty"`
	// Side of a bench that confirms another; empty in any other bench.
	Side Side `json:"side,omitempty" jsonschema:"enum=before,enum=after"`
}

// Targets says where a bench is measured.
type Targets struct {
	// Hosts by name. A host that is absent is waited for until the deadline.
	Hosts []string `json:"hosts,omitempty"`
	// Group of the Ansible inventory.
	Group string `json:"group,omitempty"`
	// Pool of workers, any of which may take a slot. With no other selector
	// the pool is "default".
	Pool string `json:"pool,omitempty"`
	// Where are constraints on facts, such as architecture==x86_64.
	Where []string `json:"where,omitempty"`
	// Count is "all" or the number of hosts to take from those that match;
	// hosts and group default to all.
	Count string `json:"count,omitempty" jsonschema:"pattern=^(all|[1-9][0-9]*)$"`
	// Slots spreads the points of a pool bench over so many workers.
	Slots int `json:"slots,omitempty" jsonschema:"minimum=0,maximum=1000"`
	// Synchronised starts the same invocation on all hosts together. It takes
	// targets that name hosts, whose lists are alike: hosts, group or count.
	Synchronised bool `json:"synchronised,omitempty"`
}

// Limits bound a container; zero values mean the host's own.
type Limits struct {
	// CPUs, fractions allowed.
	CPUs float64 `json:"cpus,omitempty" jsonschema:"minimum=0"`
	// Memory of the container.
	Memory Bytes `json:"memory,omitempty"`
	// Pids is the most processes and threads.
	Pids int `json:"pids,omitempty" jsonschema:"minimum=0"`
	// DeviceReadIOPS by device path, per second.
	DeviceReadIOPS map[string]uint64 `json:"device_read_iops,omitempty"`
	// DeviceWriteIOPS by device path, per second.
	DeviceWriteIOPS map[string]uint64 `json:"device_write_iops,omitempty"`
	// DeviceReadBPS by device path, per second.
	DeviceReadBPS map[string]Bytes `json:"device_read_bps,omitempty"`
	// DeviceWriteBPS by device path, per second.
	DeviceWriteBPS map[string]Bytes `json:"device_write_bps,omitempty"`
}

// Compare says what a bench is held against.
type Compare struct {
	// Baseline is a branch, a tag or a bench id.
	Baseline string `json:"baseline"`
	// Metrics that decide: iops, bw, lat, p50, p95, p99, p999.
	Metrics []string `json:"metrics,omitempty"`
	// Threshold is the smallest relative shift worth telling, such as 5%.
	Threshold string `json:"threshold,omitempty" jsonschema:"pattern=^[0-9]+([.][0-9]+)?%$"`
	// Decide are the metrics that must be decided: one that stays open makes the
	// bench inconclusive. Others may stay open. The rates among Metrics when left
	// out, or all of Metrics if there is no rate.
	Decide []string `json:"decide,omitempty"`
	// Confirm measures what regressed again before it is reported: side by side
	// with the baseline's job files where these are others, else in a session of
	// its own later. When left out, it does; false reports at the first look.
	Confirm *bool `json:"confirm,omitempty"`
	// BlockUndecided makes the commit status of an inconclusive bench a failure,
	// which blocks a merge where the forge requires the status. Otherwise it is
	// neutral, or a success whose text says that nothing was decided.
	BlockUndecided bool `json:"block_undecided,omitempty"`
}

// Measure says how carefully a bench is measured, beyond what the job files say.
type Measure struct {
	// Precondition writes everything that the jobs measure, files or whole
	// devices, from end to end before the first sample. The host's guard judges
	// that like any other writing.
	Precondition bool `json:"precondition,omitempty"`
	// Passes of Precondition; 0 means one.
	Passes int `json:"precondition_passes,omitempty" jsonschema:"minimum=0,maximum=10"`
	// DropCaches before each sample, where the host's owner allows it.
	DropCaches bool `json:"drop_caches,omitempty"`
	// Warmup runs the job so long before each sample; not recorded.
	Warmup Duration `json:"warmup,omitzero"`
	// SteadyState is fio's own criterion, such as iops_slope:0.3%.
	SteadyState string `json:"steady_state,omitempty"`
	// Spread repeats until the confidence interval's half width is below this
	// share of the median, such as 3%; Repeat is then the least, MaxRepeat the most.
	Spread string `json:"spread,omitempty" jsonschema:"pattern=^[0-9]+([.][0-9]+)?%$"`
	// SpreadOf is the figure whose interval it is: iops, bw, lat, p50, p95, p99 or
	// p999, of each direction; empty means iops.
	SpreadOf string `json:"spread_of,omitempty" jsonschema:"enum=iops,enum=bw,enum=lat,enum=p50,enum=p95,enum=p99,enum=p999"`
	// MaxRepeat caps Spread; 0 means 10.
	MaxRepeat int `json:"max_repeat,omitempty" jsonschema:"minimum=0,maximum=1000"`
}

// Origin is the commit that a bench was asked for by.
type Origin struct {
	Repo Repo `json:"repo"`
	// Push is the id of the push, when there was one.
	Push string `json:"push,omitempty"`
	// Ref in full.
	Ref string `json:"ref"`
	// Commit measured.
	Commit string `json:"commit"`
	// Pull request number, if it is one.
	Pull int `json:"pull,omitempty"`
}

// BenchRequested asks for a bench. Its id is [BenchID] of the event.
type BenchRequested struct {
	// Name of the bench within its repository; results of one name are compared.
	Name string `json:"name"`
	// Jobs are the fio job files; each is one more dimension of the matrix.
	Jobs []Job `json:"jobs" jsonschema:"minItems=1,maxItems=100"`
	// Matrix of fio options: each combination of values is a point.
	Matrix map[string][]Scalar `json:"matrix,omitempty"`
	// Only are the samples to measure, in this order, in place of every job file
	// at every point of the matrix, which is then empty.
	Only []Sample `json:"only,omitempty" jsonschema:"maxItems=200"`
	// Repeat every point so often; 0 means once.
	Repeat int `json:"repeat,omitempty" jsonschema:"minimum=0,maximum=1000"`
	// Targets say where; empty means one slot of the pool "default".
	Targets Targets `json:"targets,omitzero"`
	Limits  Limits  `json:"limits,omitzero"`
	// Volume is name or name@profile for the volume driver.
	Volume string `json:"volume,omitempty"`
	// VolumeDriver names the driver; empty means the host's choice.
	VolumeDriver string `json:"volume_driver,omitempty"`
	// VolumeOptions go to the driver as they are.
	VolumeOptions map[string]string `json:"volume_options,omitempty"`
	// Timeout ends one run that takes longer; 0 means the host's own limit.
	Timeout Duration `json:"timeout,omitzero"`
	// Deadline, counted from placement, after which runs that have not started
	// expire; 0 means inventory's own.
	Deadline Duration `json:"deadline,omitzero"`
	Compare  *Compare `json:"compare,omitempty"`
	Measure  *Measure `json:"measure,omitempty"`
	// Origin is the commit measured, nil for a person or script.
	Origin *Origin `json:"origin,omitempty"`
	// Requester is who asks, and by what right.
	Requester *Requester `json:"requester,omitempty"`
	// RerunOf is the bench that this one repeats.
	RerunOf string `json:"rerun_of,omitempty"`
	// Attempt counts reruns; 0 and 1 are the first.
	Attempt int `json:"attempt,omitempty" jsonschema:"minimum=0"`
	// Confirms is the bench whose regression this one measures again before it
	// is told. Such a bench has no history, status or notice of its own.
	Confirms string `json:"confirms,omitempty"`
}

// EventType is bench.requested.
func (BenchRequested) EventType() Type { return TypeBenchRequested }

// Validate reports the fields at fault.
func (d BenchRequested) Validate() error {
	c := checking(d.EventType())
	c.text("name", d.Name, 100)
	d.checkJobs(c)
	d.checkOnly(c)
	for _, option := range sortedKeys(d.Matrix) {
		values := d.Matrix[option]
		c.that(option != "", "matrix", "has an option without a name")
		c.that(len(values) > 0, "matrix."+option, "has no values")
		for i, v := range values {
			c.text(fmt.Sprintf("matrix.%s[%d]", option, i), string(v), 1024)
		}
	}
	c.that(d.Repeat >= 0 && d.Repeat <= 1000, "repeat", "is %d, must be 0 to 1000", d.Repeat)
	d.Targets.check(c)
	c.that(d.Limits.CPUs >= 0, "limits.cpus", "is %v, must not be negative", d.Limits.CPUs)
	c.that(d.Limits.Pids >= 0, "limits.pids", "is %d, must not be negative", d.Limits.Pids)
	c.optional("volume", d.Volume, 255)
	c.that(d.Timeout >= 0, "timeout", "is negative")
	c.that(d.Deadline >= 0, "deadline", "is negative")
	if d.Compare != nil {
		d.Compare.check(c)
	}
	if d.Measure != nil {
		d.Measure.check(c)
	}
	if o := d.Origin; o != nil {
		o.Repo.check(c, "origin.repo")
		c.that(strings.HasPrefix(o.Ref, "refs/"), "origin.ref", "is %.80q, must start with refs/", o.Ref)
		c.sha("origin.commit", o.Commit)
	}
	d.Requester.check(c)
	c.optionalID("rerun_of", d.RerunOf)
	c.atLeast("attempt", d.Attempt, 0)
	c.optionalID("confirms", d.Confirms)
	return c.err()
}

func (d BenchRequested) checkOnly(c *check) {
	c.count("only", len(d.Only), MaxSamples)
	c.that(len(d.Only) == 0 || len(d.Matrix) == 0, "only", "stands beside a matrix: the samples name their points")
	names, seen := map[string]bool{}, map[string]bool{}
	for _, j := range d.Jobs {
		names[j.Name] = true
	}
	for i, s := range d.Only {
		at, key := fmt.Sprintf("only[%d]", i), s.Job+";"+s.Point.Key()
		c.that(names[s.Job], at+".job", "is %.80q, which is none of jobs", s.Job)
		c.that(!seen[key], at, "is there a second time; to measure it more often, set repeat")
		seen[key] = true
		for _, option := range sortedKeys(s.Point) {
			c.that(option != "", at+".point", "has an option without a name")
			c.text(at+".point."+option, s.Point[option], 1024)
		}
	}
}

func (d BenchRequested) checkJobs(c *check) {
	c.that(len(d.Jobs) > 0, "jobs", "is empty: name at least one fio job file")
	c.count("jobs", len(d.Jobs), 100)
	inline, names := 0, map[string]bool{}
	for i, j := range d.Jobs {
		at := fmt.Sprintf("jobs[%d]", i)
		c.text(at+".name", j.Name, 500)
		c.that(!names[j.Name], at+".name", "is %.80q a second time", shown(j.Name))
		c.secretless(at+".name", j.Name)
		names[j.Name] = true
		if j.Side != "" {
			oneOf(c, at+".side", j.Side, SideBefore, SideAfter)
		}
		ways := 0
		if j.Claim != nil {
			ways++
			c.claim(at+".claim", j.Claim)
		}
		if j.URL != "" {
			ways++
			c.url(at+".url", j.URL, "https", "http")
		}
		if j.Inline != "" {
			ways++
		}
		c.that(ways == 1, at, "has %d of claim, url and inline, must have exactly one", ways)
		inline += len(j.Inline)
	}
	c.that(inline <= MaxInline, "jobs", "carry %d bytes inline, at most %d are allowed: store the files and send claim checks", inline, MaxInline)
}

func (t Targets) check(c *check) {
	c.count("targets.hosts", len(t.Hosts), 1000)
	c.texts("targets.hosts", t.Hosts, 253)
	c.optional("targets.group", t.Group, 253)
	c.optional("targets.pool", t.Pool, 100)
	c.count("targets.where", len(t.Where), 50)
	c.texts("targets.where", t.Where, 500)
	selectors := 0
	for _, set := range []bool{len(t.Hosts) > 0, t.Group != "", t.Pool != ""} {
		if set {
			selectors++
		}
	}
	c.that(selectors <= 1, "targets", "name more than one of hosts, group and pool")
	c.that(t.Count == "" || t.Count == "all" || isCount(t.Count), "targets.count", "is %.20q, must be all or a number from 1", t.Count)
	c.that(t.Slots >= 0 && t.Slots <= 1000, "targets.slots", "is %d, must be 0 to 1000", t.Slots)
	c.that(!t.Synchronised || len(t.Hosts) > 0 || t.Group != "" || t.Count != "", "targets.synchronised",
		"needs hosts, group or count: who takes the slots of a pool, and when, is open, and each measures points of its own")
}

func isCount(s string) bool {
	return len(s) < 7 && s[0] >= '1' && strings.Trim(s, "0123456789") == ""
}

func (m Compare) check(c *check) {
	c.text("compare.baseline", m.Baseline, 1024)
	for i, name := range m.Metrics {
		oneOf(c, fmt.Sprintf("compare.metrics[%d]", i), name, MetricFigures()...)
	}
	metrics := m.Metrics
	if len(metrics) == 0 {
		metrics = DefaultMetrics()
	}
	for i, name := range m.Decide {
		c.that(slices.Contains(metrics, name), fmt.Sprintf("compare.decide[%d]", i), "is %.20q, which is not compared: it must be among metrics (%s)", name, strings.Join(metrics, ", "))
	}
	c.percent("compare.threshold", m.Threshold)
}

// Repeats is how often each point is planned, when it is to be repeated at least
// so often. A spread is told by three at least, and by DefaultMaxRepeat at most
// unless MaxRepeat says otherwise.
func (m *Measure) Repeats(least int) int {
	least = max(least, 1)
	switch {
	case m == nil || m.Spread == "":
		return least
	case m.MaxRepeat > 0:
		return max(least, m.MaxRepeat)
	}
	return max(least, DefaultMaxRepeat)
}

// ComparedRepeat is how often a point is measured that is to be compared, where
// fiord.yaml or fiord run do not say: the least with which a shift can be reported with one run lost.
const ComparedRepeat = 6

// DefaultRepeat is how often each point is measured when who asks for a bench does not
// say: 0, which is once, if it is compared with nothing or if a spread decides.
func DefaultRepeat(c *Compare, m *Measure) int {
	if c == nil || c.Baseline == "" || m != nil && m.Spread != "" {
		return 0
	}
	return ComparedRepeat
}

// DefaultMaxRepeat caps how often a point is repeated to reach its spread.
const DefaultMaxRepeat = 10

func (m Measure) check(c *check) {
	c.that(m.Warmup >= 0, "measure.warmup", "is negative")
	c.that(m.Passes >= 0 && m.Passes <= 10, "measure.precondition_passes", "is %d, must be 0 to 10", m.Passes)
	c.that(m.Passes == 0 || m.Precondition, "measure.precondition_passes", "is set and measure.precondition is not")
	c.percent("measure.spread", m.Spread)
	if m.SpreadOf != "" {
		oneOf(c, "measure.spread_of", m.SpreadOf, "iops", "bw", "lat", "p50", "p95", "p99", "p999")
	}
	c.that(m.MaxRepeat >= 0 && m.MaxRepeat <= 1000, "measure.max_repeat", "is %d, must be 0 to 1000", m.MaxRepeat)
}

func (c *check) percent(field, value string) {
	number, ok := strings.CutSuffix(value, "%")
	ok = ok && number != "" && strings.Trim(number, "0123456789.") == "" && strings.Count(number, ".") <= 1
	c.that(value == "" || ok, field, "is %.20q, not a percentage such as 5%%", value)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
