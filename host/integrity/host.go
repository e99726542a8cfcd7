package integrity

import (
	"math"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/hostseries"
)

// Thresholds of the checks of the host.
const (
	// stolen is the share of all CPUs' time that a hypervisor may take.
	stolen = 0.05
	// saturated is the idle share below which somebody else's CPU time is at
	// fio's cost.
	saturated = 0.1
	// held is the share of a run that a limit of CPU time may hold fio up.
	held = 0.01
	// clockDrop is how far the CPUs' clock may fall below its highest, and
	// clockTime for which share of the time.
	clockDrop, clockTime = 0.8, 0.2
)

// Meanwhile is what the host did while fio ran.
type Meanwhile struct {
	Series hostseries.Series
	CPUs   int // online
	// Others is the share of all CPUs that others than fio may use where none
	// is left idle; 0 for any, those of other machines on the hypervisor too.
	Others float64
	// Held, of the run's length, is how long a limit of CPU time kept fio from
	// running, in Periods of Enforced.
	Held              time.Duration
	Periods, Enforced uint64
	// Limited says that the bench itself asked for that limit.
	Limited bool
}

// host judges what happened beside fio.
func (j *judge) host() {
	m := j.Meanwhile
	if m == nil {
		return
	}
	j.limited(m)
	if len(m.Series.Samples) == 0 {
		return
	}
	j.heat(m.Series)
	j.clock(m.Series)
	j.processors(m)
	j.device(m.Series)
}

// limited tells of a limit of CPU time. One that the bench asked for is part of
// what it measures: it is told and does not count against the run.
func (j *judge) limited(m *Meanwhile) {
	if m.Enforced == 0 || m.Held.Seconds() <= held*j.runtime().Seconds() {
		return
	}
	state, whose := events.IntegritySuspect, "a limit of CPU time"
	if m.Limited {
		state, whose = events.IntegrityOK, "the bench's own limits.cpus"
	}
	j.find("throttled", state, "%s held fio up for %s of its %s, in %d of %d periods",
		whose, m.Held.Round(time.Millisecond), j.runtime(), m.Periods, m.Enforced)
}

// runtime is that of the longest job.
func (j *judge) runtime() time.Duration {
	var longest time.Duration
	for i := range j.Output.Jobs {
		for _, d := range j.Output.Jobs[i].Directions() {
			longest = max(longest, time.Duration(d.RuntimeMS)*time.Millisecond)
		}
	}
	return longest
}

func (j *judge) heat(s hostseries.Series) {
	times := 0.0
	for _, one := range s.Samples {
		if one.Throttles > 0 { // unknown is not
			times += one.Throttles
		}
	}
	if times > 0 {
		j.find("throttled", events.IntegritySuspect, "the CPUs were slowed down for their heat %.0f times", times)
	}
}

// clock compares how fast the CPUs ran with the fastest they did, while they
// had work: idle ones may slow down.
func (j *judge) clock(s hostseries.Series) {
	var highest, slow, busy, lowest float64
	for _, one := range s.Samples {
		highest = math.Max(highest, positive(one.FreqMean))
	}
	lowest = highest
	for _, one := range s.Samples {
		if !(one.FreqMean > 0) || !(one.CPU.Idle < 50) {
			continue
		}
		busy += one.Span.Seconds()
		if one.FreqMean < clockDrop*highest {
			slow += one.Span.Seconds()
			lowest = math.Min(lowest, one.FreqMean)
		}
	}
	if busy > 0 && slow > clockTime*busy {
		j.find("throttled", events.IntegritySuspect, "the CPUs ran below %.0f%% of their %.0f MHz for %.0f s of %.0f s, at %.0f MHz at the slowest",
			100*clockDrop, highest, slow, busy, lowest)
	}
}

func positive(v float64) float64 {
	if v > 0 {
		return v
	}
	return 0
}

// processors tells of CPU time that went elsewhere.
func (j *judge) processors(m *Meanwhile) {
	var used, idle, steal, span float64
	for _, one := range m.Series.Samples {
		if math.IsNaN(one.CPU.Idle) {
			continue
		}
		w := one.Span.Seconds()
		span += w
		used += w * (one.CPU.User + one.CPU.System) / 100
		idle += w * (one.CPU.Idle + one.CPU.IOWait) / 100
		steal += w * one.CPU.Steal / 100
	}
	if span == 0 || m.Others == 0 {
		return
	}
	if steal/span > stolen {
		j.find("busy_neighbour", events.IntegritySuspect, "the hypervisor gave %.1f%% of the CPUs' time to others", 100*steal/span)
	}
	others := used/span - j.ownCPU()/span/float64(max(1, m.CPUs))
	if idle/span < saturated && others > m.Others {
		j.find("busy_neighbour", events.IntegritySuspect, "other processes took %.1f of %d CPUs, and %.1f%% was left idle",
			others*float64(m.CPUs), m.CPUs, 100*idle/span)
	}
}

// ownCPU is the CPU time of fio's jobs in seconds.
func (j *judge) ownCPU() float64 {
	total := 0.0
	for i := range j.Output.Jobs {
		r := &j.Output.Jobs[i]
		ran := r.RuntimeMS
		for _, d := range r.Directions() {
			ran = max(ran, d.RuntimeMS)
		}
		total += (r.CPU.User + r.CPU.System) / 100 * float64(ran) / 1000
	}
	return total
}
