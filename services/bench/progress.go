package bench

import (
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/block"
	"github.com/fiord-bench/fiord/host/hoststat"
	"github.com/fiord-bench/fiord/host/runner"
)

// liveEvery is how often progress is shown at most.
const liveEvery = 900 * time.Millisecond

// show tells a phase of the run to whoever watches.
func (r *run) show(phase string) {
	p := r.live(phase)
	if phase == "ended" {
		p.Percent = 100
	}
	r.send(p)
}

// progress returns what fio's progress goes to, once a second. A run that lays
// its files out first says so: its rates are not the measured ones.
func (r *run) progress() func(runner.Progress) {
	var last time.Time
	times := hoststat.NewDiskTimes(block.System{}, r.disks)
	return func(p runner.Progress) {
		if p.Time.Sub(last) < liveEvery {
			return
		}
		last = p.Time
		phase := "running"
		if p.Ramping || p.Percent < 0 {
			phase = "layout"
		}
		live := r.live(phase)
		live.Percent, live.ETA = p.Percent, events.Duration(max(0, p.ETA))
		live.IOPS, live.BandwidthBytes = map[string]float64{}, map[string]float64{}
		for name, rate := range map[string]runner.Rate{"read": p.Read, "write": p.Write, "trim": p.Trim} {
			if rate != (runner.Rate{}) {
				live.IOPS[name], live.BandwidthBytes[name] = rate.IOPS, rate.BytesPerSec
			}
		}
		live.LatencyNS = times.Since()
		r.send(live)
	}
}

func (r *run) live(phase string) events.Progress {
	return events.Progress{
		Bench: r.inv.Bench, Run: r.inv.Run, Name: r.inv.Name, Job: r.inv.Job, Host: r.service.host,
		Index: r.inv.Index, Runs: len(r.list.Runs), Slot: r.inv.Slot, Point: r.inv.Point, Repeat: r.inv.Repeat,
		Attempt: r.inv.Attempt, Phase: phase, Percent: -1,
	}
}

func (r *run) send(p events.Progress) {
	if err := r.service.bus.Live(p); err != nil {
		r.log.Debug("progress is not shown", "error", err)
	}
}
