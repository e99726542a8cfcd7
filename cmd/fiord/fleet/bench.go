package fleet

import (
	"fmt"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict"
)

// gap is the time between the starts of a host's runs.
const gap = 66 * time.Second

// made is a bench with its events, each with the time at which it was stored.
type made struct {
	planned
	id      string
	request events.Event
	list    []stored
	runs    []*run
	counts  events.Counts
	last    time.Time
}

type stored struct {
	event events.Event
	at    time.Time
}

// run is one run of a bench, complete or not.
type run struct {
	ref       events.RunRef
	host      host
	startedAt time.Time
	stretch   stretch
	completed *events.RunCompleted
}

// build makes the events of a bench up to the ends of its runs.
func (w *writer) build(p planned) (*made, error) {
	b := &made{planned: p}
	b.request = events.New("fiord/ingest", fmt.Sprintf("fleet %s %d", p.name, p.number), nil, p.request())
	if p.origin() == nil {
		b.request.Source = "fiord/cli"
	}
	b.id = events.BenchID(b.request)
	b.add(b.request, p.at)
	if b.unplaced() {
		return b, nil
	}
	for slot, name := range p.hosts {
		if err := w.slot(b, slot, w.hosts[name]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// add records an event at a time; the envelope says the same.
func (b *made) add(e events.Event, at time.Time) {
	e.Time = at.UTC().Truncate(time.Millisecond)
	b.list = append(b.list, stored{e, at})
	if at.After(b.last) {
		b.last = at
	}
}

// slot makes what one host did for the bench: all points in turn, again and again.
func (w *writer) slot(b *made, slot int, h host) error {
	drift, index := b.drift(h), 0
	for repeat := range repeats {
		for _, point := range b.points() {
			r := &run{host: h, startedAt: b.at.Add(20*time.Second + time.Duration(index)*gap), ref: events.RunRef{
				Bench: b.id, Run: events.RunID(b.id, slot, point.Key(), repeat), Name: b.name, Job: "jobs/" + b.name + ".fio",
				Slot: slot, Index: index, Point: point, Repeat: repeat, Host: h.Name, Attempt: 1,
			}}
			r.stretch = b.stretched(h, point, w.rates[b.workload])
			r.stretch.Rate, r.stretch.Time = r.stretch.Rate*drift, r.stretch.Time/drift
			b.runs = append(b.runs, r)
			b.counts.Planned++
			if err := w.end(b, r); err != nil {
				return err
			}
			index++
		}
	}
	return nil
}

// end makes a run's start and end.
func (w *writer) end(b *made, r *run) error {
	ends := r.startedAt.Add(61 * time.Second)
	hostClass, deviceClass := r.host.classes(b.day)
	switch {
	case b.superseded() && r.ref.Repeat > 0:
		r.ref.Attempt = 0
		b.counts.Cancelled++
		b.add(events.New("fiord/bench", r.ref.Run, &b.request, events.RunCancelled{RunRef: r.ref, Reason: "superseded by a newer push", By: "fiord/ingest", EndedAt: r.startedAt}), r.startedAt)
		return nil
	case r.host.Name == "edge-2" && b.day > deadDay:
		r.ref.Attempt = 0
		deadline := b.at.Add(6 * time.Hour)
		b.counts.Expired++
		b.add(events.New("fiord/inventory", r.ref.Run, &b.request, events.RunExpired{RunRef: r.ref, Deadline: deadline, Reason: "edge-2 has not been heard of since its last run"}), deadline)
		return nil
	}
	if r.ref.Repeat == 0 { // the others' starts would say the same
		b.started(r)
	}
	if r.host.Name == "edge-2" && b.day == deadDay {
		code := 1
		b.counts.Failed++
		b.add(events.New("fiord/bench", r.ref.Run, &b.request, events.RunFailed{
			RunRef: r.ref, Reason: "fio failed with exit status 1: edge-mixed: Input/output error (5) on /dev/sda", ExitCode: &code,
			Stderr: "fio: io_u error on file /dev/sda: Input/output error: read offset=4119834624, buflen=8192\n", EndedAt: ends,
		}), ends)
		return nil
	}
	r.completed = &events.RunCompleted{
		RunRef: r.ref, StartedAt: r.startedAt, EndedAt: ends, HostClass: hostClass, DeviceClass: deviceClass,
		Summary: r.stretch.summary(w.summaries[b.workload]), Integrity: b.integrity(), Artifacts: []events.Artifact{},
	}
	b.counts.Completed++
	return nil
}

// started says what a run was measured on.
func (b *made) started(r *run) {
	device := r.host.device(b.day)
	hostClass, deviceClass := r.host.classes(b.day)
	b.add(events.New("fiord/bench", r.ref.Run+" started", &b.request, events.RunStarted{
		RunRef: r.ref, Device: &device, HostClass: hostClass, DeviceClass: deviceClass, Facts: r.host.facts(b.day), Expected: events.Duration(time.Minute),
	}), r.startedAt)
}

// integrity is what the checks of a run say: now and then a neighbour was busy.
func (b *made) integrity() events.Integrity {
	if b.rng.Float64() > .025 {
		return events.Integrity{State: events.IntegrityOK}
	}
	mb := 20 + b.rng.IntN(300)
	return events.Integrity{State: events.IntegritySuspect, Findings: []events.Finding{{
		Check: "busy_neighbour", State: events.IntegritySuspect, Evidence: fmt.Sprintf("%d MB/s were written on the device, and fio's part was 0.0", mb),
	}}}
}

// superseded benches were overtaken by the next push.
func (b *made) superseded() bool { return b.name == "oltp" && b.number%37 == 20 }

// unplaced benches were asked for where no host was.
func (b *made) unplaced() bool { return b.name == "edge-mixed" && b.number == 22 }

// samples are what the bench contributes to a comparison.
func (b *made) samples() verdict.Bench {
	out := verdict.Bench{Bench: b.id, Counts: b.counts}
	for _, r := range b.runs {
		if c := r.completed; c != nil {
			out.Runs = append(out.Runs, verdict.Run{
				Run: r.ref.Run, Job: r.ref.Job, Point: r.ref.Point.Key(), Host: r.ref.Host, HostClass: c.HostClass, DeviceClass: c.DeviceClass,
				Integrity: c.Integrity.State, Faults: verdict.Faults(c.Integrity), Values: verdict.Values(c.Summary), LatencyOf: verdict.LatencyOf(c.Summary),
			})
		}
	}
	return out
}
