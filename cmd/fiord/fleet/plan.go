package fleet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// seed makes every fleet the same.
const seed = 17

// repeats of each point: what a verdict needs.
const repeats = 5

// profile is a bench that is measured again and again.
type profile struct {
	name, workload string
	hosts          []string
	hour           float64 // of the day
	times          int     // in all, spread over the days
	// depths are the values of iodepth; none leaves the job file as it is.
	depths []string
	// pushed benches come from commits, others from a schedule.
	pushed bool
}

// profiles are what the fleet measures: 400 benches.
func profiles() []profile {
	return []profile{
		{"nvme-randread", "randread", []string{"nvme-1", "nvme-2", "nvme-3", "nvme-4"}, 1.5, 90, nil, false},
		{"fast-randwrite", "randwrite", []string{"fast-1", "fast-2", "log-1"}, 3, 90, nil, false},
		{"bulk-seqread", "seqread", []string{"bulk-1", "bulk-2"}, 4.2, 60, nil, false},
		{"oltp", "mixed", []string{"nvme-2", "fast-1", "log-1"}, 10, 80, []string{"4", "16"}, true},
		{"edge-mixed", "mixed", []string{"edge-1", "edge-2", "cold-1"}, 14, 80, nil, true},
	}
}

// planned is one bench to be made.
type planned struct {
	profile
	number, day int
	at          time.Time
	rng         *rand.Rand
}

// plan lists all benches, oldest first.
func plan(end time.Time) []planned {
	var out []planned
	for _, p := range profiles() {
		for i := range p.times {
			day := i * days / p.times
			rng := rand.New(rand.NewPCG(seed, uint64(len(out))))
			out = append(out, planned{p, i, day, at(end, day, p.hour+rng.Float64()), rng})
		}
	}
	slices.SortFunc(out, func(a, b planned) int { return a.at.Compare(b.at) })
	for len(out) > 0 && out[len(out)-1].at.After(end) { // of today, what has not come yet was measured in the night
		last := &out[len(out)-1]
		last.at = end.Add(-time.Duration(20+last.rng.IntN(60)) * time.Minute)
		slices.SortFunc(out, func(a, b planned) int { return a.at.Compare(b.at) })
	}
	return out
}

// origin is the commit that the bench was asked for by. What a schedule measures
// has one too: the head of the branch.
func (p planned) origin() *events.Origin {
	if p.name == "edge-mixed" && p.number%9 == 4 {
		return nil // by hand
	}
	name := map[bool]string{true: "platform/database", false: "storage/profiles"}[p.pushed]
	step := p.number
	if !p.pushed {
		step /= 7 // the profiles change once a week
	}
	hash := events.HashID("commit", name, p.name, fmt.Sprint(step))
	commit := fmt.Sprintf("%x", hash)[:40]
	return &events.Origin{Ref: "refs/heads/main", Commit: commit, Repo: events.Repo{
		Forge: "gitea", Name: name, CloneURL: "https://git.example.org/" + name + ".git", WebURL: "https://git.example.org/" + name, DefaultBranch: "main",
	}}
}

// request asks for the bench.
func (p planned) request() events.BenchRequested {
	r := events.BenchRequested{
		Name: p.name, Repeat: repeats, Jobs: []events.Job{{Name: "jobs/" + p.name + ".fio", Inline: p.job()}},
		Targets: events.Targets{Hosts: p.hosts}, Compare: &events.Compare{Baseline: "main", Metrics: []string{"iops", "p99"}, Threshold: "5%", Confirm: new(false)},
		Origin: p.origin(), Requester: &events.Requester{Right: events.RightSchedule, Name: "storage/profiles"},
	}
	if len(p.depths) > 0 {
		r.Matrix = map[string][]events.Scalar{"iodepth": {}}
		for _, d := range p.depths {
			r.Matrix["iodepth"] = append(r.Matrix["iodepth"], events.Scalar(d))
		}
	}
	switch {
	case r.Origin == nil:
		r.Requester, r.Compare = &events.Requester{Right: events.RightPerson, Name: events.Administrator}, nil
	case p.pushed:
		r.Requester = &events.Requester{Right: events.RightRepository, Name: r.Origin.Repo.Name}
	}
	return r
}

// job is the job file that was measured, with the runtime of the made-up run.
func (p planned) job() string {
	options := map[string]string{
		"randread":  "rw=randread\nbs=4k\niodepth=32",
		"randwrite": "rw=randwrite\nbs=4k\niodepth=8",
		"seqread":   "rw=read\nbs=128k\niodepth=8",
		"mixed":     "rw=randrw\nrwmixread=70\nbs=8k\niodepth=16",
	}[p.workload]
	return strings.Join([]string{"[" + p.workload + "]", "ioengine=libaio", "direct=1", "size=16g", "time_based=1", "runtime=60", options, ""}, "\n")
}

// points are those of the matrix; one without options where there is none.
func (p planned) points() []events.Point {
	if len(p.depths) == 0 {
		return []events.Point{nil}
	}
	var out []events.Point
	for _, d := range p.depths {
		out = append(out, events.Point{"iodepth": d})
	}
	return out
}

// stretched is how a run of the bench on a host differs from the measured one.
// rate is what was measured, in I/Os per second.
func (p planned) stretched(h host, point events.Point, rate float64) stretch {
	s := stretch{Rate: h.Model.IOPS[p.workload] / rate, Tail: 1}
	s.Time = 1 / s.Rate
	if h.Model.Name == disk.Name {
		s.Tail = .6
	}
	if point["iodepth"] == "4" {
		s.Rate, s.Time, s.Tail = s.Rate*.46, s.Time*.54, s.Tail*.8
	}
	apply := func(c stretch) { s.Rate, s.Time, s.Tail = s.Rate*c.Rate, s.Time*c.Time, s.Tail*c.Tail }
	for _, c := range changes() {
		if c.host == h.Name && p.day >= c.day {
			apply(c.stretch)
		}
	}
	apply(h.wear(p.day))
	wobble := math.Exp(p.rng.NormFloat64() * h.Model.Noise)
	apply(stretch{wobble, 1 / wobble, math.Exp(p.rng.NormFloat64() * h.Model.Noise * 2)})
	return s
}

// drift is how all of a day's runs on a host lie beside the level: sessions differ
// more than the runs within one.
func (p planned) drift(h host) float64 { return math.Exp(p.rng.NormFloat64() * h.Model.Noise) }
