package result

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/fio/job"
)

// Section is what is measured: a job of the file with all its copies, or what
// group_reporting puts together.
type Section struct {
	// Name is the job's, unique in the run; of a group those of its jobs, a+b.
	Name  string `json:"name"`
	Host  string `json:"host,omitempty"` // of a client/server run
	Group int    `json:"group"`          // fio's groupid
	// Copies are the jobs that fio ran at once; 0 when the result does not say.
	Copies int `json:"copies,omitempty"`
	// StartMS is when its measurement began, behind ramp_time, counted from
	// that of the run's first section. RuntimeMS is that of its longest direction.
	StartMS   int64 `json:"start_ms"`
	RuntimeMS int64 `json:"runtime_ms"`
	// Entries are the indexes of its jobs in the document.
	Entries []int `json:"entries"`
	// FirstLog is the number of its first copy in the names of logs, and LastLog
	// that of the last; 0 when unknown.
	FirstLog int `json:"first_log,omitempty"`
	LastLog  int `json:"last_log,omitempty"`

	Read  *Figures `json:"read,omitempty"`
	Write *Figures `json:"write,omitempty"`
	Trim  *Figures `json:"trim,omitempty"`
	Mixed *Figures `json:"mixed,omitempty"` // with unified_rw_reporting
	// Sync are the calls of fsync and its kin. They move no bytes.
	Sync *Figures `json:"sync,omitempty"`
	// CPUPerIO is the processor time that one I/O took, in ns, and
	// SwitchesPerIO its context switches; nil when fio does not say.
	CPUPerIO      *float64 `json:"cpu_ns_per_io,omitempty"`
	SwitchesPerIO *float64 `json:"context_switches_per_io,omitempty"`
}

// EndMS is when the section's measurement ended.
func (s *Section) EndMS() int64 { return s.StartMS + s.RuntimeMS }

// Direction returns the figures of read, write, trim, mixed or sync, nil if
// there are none.
func (s *Section) Direction(name string) *Figures {
	switch name {
	case "read":
		return s.Read
	case "write":
		return s.Write
	case "trim":
		return s.Trim
	case "mixed":
		return s.Mixed
	case "sync":
		return s.Sync
	}
	return nil
}

// part is a section as it is planned: by the job file or by fio's own options.
type part struct {
	name          string
	host          string
	group         int
	copies, first int
	entries       []int
	after         []int // indexes of parts that had to end before
	delay, ramp   time.Duration
}

// parts plans the sections: by the job file where it fits the result.
func (o *Output) parts() []part {
	if o.Job != nil {
		if parts, ok := o.planned(); ok {
			return parts
		}
	}
	return o.inferred()
}

// planned takes the sections from the job file. It reports false when fio's
// entries are not those that the file makes.
func (o *Output) planned() ([]part, bool) {
	schedule := o.Job.Schedule()
	entry, last := -1, -1
	var parts []part
	at := make([]int, len(schedule)) // part of each job
	for i := range schedule {
		l := &schedule[i]
		first := entry + 1
		for range l.Copies {
			if l.Silent {
				break
			}
			if entry < 0 || !l.Grouped || last != l.Group {
				entry++
			}
			last = l.Group
		}
		joined := l.Grouped && first > entry && !l.Silent
		if joined { // its group's entry, which an earlier job began
			at[i] = len(parts) - 1
			p := &parts[at[i]]
			p.name += "+" + l.Name
			p.copies += l.Copies
			continue
		}
		at[i] = len(parts)
		p := part{name: l.Name, group: l.Group, copies: l.Copies, first: l.First, delay: l.Delay, ramp: l.Ramp}
		for n := first; n <= entry; n++ {
			p.entries = append(p.entries, n)
		}
		for _, n := range l.After {
			if !slices.Contains(p.after, at[n]) {
				p.after = append(p.after, at[n])
			}
		}
		parts = append(parts, p)
	}
	if entry+1 != len(o.Jobs) {
		return nil, false
	}
	for i, p := range parts {
		if len(p.entries) > 0 && o.Jobs[p.entries[0]].Name != firstName(schedule, at, i) {
			return nil, false
		}
		for _, e := range p.entries {
			if o.Jobs[e].Host != "" || o.Jobs[e].Group != p.group {
				return nil, false
			}
		}
	}
	return parts, true
}

// firstName is what fio calls the first job of a part.
func firstName(schedule []job.Scheduled, at []int, part int) string {
	for i := range schedule {
		if at[i] == part && !schedule[i].Silent {
			return schedule[i].Job.Name
		}
	}
	return ""
}

// Fits tells whether the result can be that of a job file: whether fio's entries
// are those that the file makes, by number, group and name.
func (o *Output) Fits(file *job.File) bool {
	with := *o
	with.Job = file
	_, ok := with.planned()
	return ok
}

// inferred takes the sections from what fio says of its jobs. Up to 3.35 it
// leaves options without a value out: a new group counts as a stonewall then.
func (o *Output) inferred() []part {
	var parts []part
	seen := map[string]int{}
	number := 1
	for i := range o.Jobs {
		j := &o.Jobs[i]
		if n := len(parts) - 1; n >= 0 && o.copyOf(i, &parts[n]) {
			parts[n].entries = append(parts[n].entries, i)
			parts[n].copies++
			number++
			continue
		}
		p := part{name: j.Name, host: j.Host, group: j.Group, copies: 1, first: number, entries: []int{i},
			delay: o.duration(i, "startdelay"), ramp: o.duration(i, "ramp_time")}
		if j.Host != "" {
			p.first = 0 // logs are numbered for each host
		}
		if j.Grouped {
			p.copies = max(o.integer(i, "numjobs"), 1)
		}
		number += p.copies
		key := j.Host + "\x00" + j.Name
		if seen[key]++; seen[key] > 1 {
			p.name = fmt.Sprintf("%s#%d", j.Name, seen[key])
		}
		p.after = o.waitsFor(i, parts)
		parts = append(parts, p)
	}
	return parts
}

// copyOf tells whether an entry is one more copy of a part's job (numjobs).
func (o *Output) copyOf(i int, p *part) bool {
	j, first := &o.Jobs[i], &o.Jobs[p.entries[0]]
	return !j.Grouped && !first.Grouped && j.Name == first.Name && j.Host == first.Host && j.Group == first.Group &&
		p.copies < o.integer(p.entries[0], "numjobs") && slices.Equal(j.Options, first.Options)
}

// waitsFor lists the parts that had to end before entry i began.
func (o *Output) waitsFor(i int, parts []part) []int {
	j := &o.Jobs[i]
	var after []int
	wall := len(parts) > 0 && j.waits(&o.Jobs[i-1])
	name := o.option(i, "wait_for")
	for n, p := range parts {
		if p.host != j.Host {
			continue
		}
		before := &o.Jobs[p.entries[0]]
		switch {
		case name != "" && before.Name == name, name == "" && wall:
			after = append(after, n)
		case name == "" && !wall && j.Group == before.Group:
		case name == "" && !wall:
			for _, m := range parts[len(parts)-1].after { // the same wall keeps it
				if m == n && parts[len(parts)-1].group == j.Group {
					after = append(after, n)
				}
			}
		}
	}
	return after
}

// option is a job's own option or else a global one.
func (o *Output) option(i int, name string) string {
	if v, ok := o.Jobs[i].Option(name); ok {
		return v
	}
	for _, globals := range o.Globals {
		for _, s := range globals {
			if s.Name == name {
				return s.Value
			}
		}
	}
	return ""
}

func (o *Output) integer(i int, name string) int {
	n, _ := strconv.Atoi(o.option(i, name))
	return n
}

func (o *Output) duration(i int, name string) time.Duration {
	text, _, _ := strings.Cut(o.option(i, name), "-")
	d, err := job.ParseTime(strings.TrimSpace(text), time.Second)
	if err != nil {
		return 0
	}
	return d
}

// Sections returns the run's sections in the order of their jobs, each with its
// place in time: by fio's own start times since 3.36, and else by the plan and
// the times that what came before took.
func (o *Output) Sections() []Section {
	parts := o.parts()
	starts := o.starts(parts)
	sections := make([]Section, 0, len(parts))
	for i, p := range parts {
		if len(p.entries) == 0 {
			continue // stats=0
		}
		s := Section{Name: p.name, Host: p.host, Group: p.group, Copies: p.copies, Entries: p.entries, StartMS: starts[i], RuntimeMS: o.longest(p)}
		if p.first > 0 {
			s.FirstLog, s.LastLog = p.first, p.first+max(p.copies, 1)-1
		}
		o.measure(&s)
		sections = append(sections, s)
	}
	return sections
}

// starts places the parts in time, in ms since the first measurement began.
func (o *Output) starts(parts []part) []int64 {
	starts, ends := make([]int64, len(parts)), make([]int64, len(parts))
	for i, p := range parts {
		begin := p.delay.Milliseconds()
		for _, n := range p.after {
			begin = max(begin, ends[n])
		}
		starts[i] = begin + p.ramp.Milliseconds()
		ends[i] = starts[i] + o.longest(p)
	}
	if told, ok := o.toldStarts(parts); ok {
		starts = told
	}
	least := int64(math.MaxInt64)
	for i, p := range parts {
		if len(p.entries) > 0 {
			least = min(least, starts[i])
		}
	}
	for i := range starts {
		starts[i] = max(starts[i]-least, 0)
	}
	return starts
}

// toldStarts are those that fio prints; false when it does not for all.
func (o *Output) toldStarts(parts []part) ([]int64, bool) {
	starts := make([]int64, len(parts))
	for i, p := range parts {
		for n, e := range p.entries {
			at := o.Jobs[e].Start
			if at.IsZero() {
				return nil, false
			}
			if n == 0 || at.UnixMilli() < starts[i] {
				starts[i] = at.UnixMilli()
			}
		}
	}
	return starts, true
}

// longest is the runtime of a part's longest direction, in ms.
func (o *Output) longest(p part) int64 {
	var ms int64
	for _, e := range p.entries {
		ms = max(ms, o.Jobs[e].longest())
	}
	return ms
}

// measure adds a section's jobs up.
func (o *Output) measure(s *Section) {
	jobs := make([]Job, 0, len(s.Entries))
	for _, e := range s.Entries {
		jobs = append(jobs, o.Jobs[e])
	}
	s.Read, s.Write = figures(jobs, ofReads), figures(jobs, ofWrites)
	s.Trim, s.Mixed = figures(jobs, ofTrims), figures(jobs, ofMixed)
	s.Sync = syncFigures(jobs, s.RuntimeMS)
	s.CPUPerIO, s.SwitchesPerIO = costs(jobs)
}

// costs are the processor time in ns and the context switches for each I/O.
func costs(jobs []Job) (cpu, switches *float64) {
	var ios, ns, ctx float64
	for i := range jobs {
		j := &jobs[i]
		for name, d := range j.Directions() {
			if name != "mixed" || j.Read.IsZero() && j.Write.IsZero() && j.Trim.IsZero() { // else counted already
				ios += float64(d.IOs)
			}
		}
		ns += (j.CPU.User + j.CPU.System) / 100 * float64(max(j.RuntimeMS, j.longest())) * 1e6
		ctx += float64(j.CPU.ContextSwitches)
	}
	if ios == 0 {
		return nil, nil
	}
	if ns > 0 {
		cpu = new(ns / ios)
	}
	return cpu, new(ctx / ios)
}

// together tells whether sections ran at the same time: the time that all of
// them ran is nearly all the time that any of them did.
func together(sections []*Section) bool {
	from, to := int64(math.MinInt64), int64(math.MaxInt64)
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, s := range sections {
		from, to = max(from, s.StartMS), min(to, s.EndMS())
		first, last = min(first, s.StartMS), max(last, s.EndMS())
	}
	return float64(to-from) >= sameTime*float64(last-first)
}

// sameTime is the share of the time of all that all must have run at once.
const sameTime = 0.9
