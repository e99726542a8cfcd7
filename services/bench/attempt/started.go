package attempt

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/services/bench/plan"
)

func (r *run) announceStart(ctx context.Context, p *plan.Plan, env facts.Environment) error {
	started := events.RunStarted{
		RunRef: r.inv.RunRef, HostClass: env.HostClass, DeviceClass: env.DeviceClass,
		Facts: firstFacts(env.Facts), Device: deviceOf(env), Expected: events.Duration(expected(p.Job)),
		Leases: r.leased.tokens(),
	}
	_, err := r.worker.Bus.Emit(ctx, fmt.Sprintf("%s/%d", r.inv.Run, r.inv.Attempt), &r.cause, started)
	return err
}

// deviceOf is the device measured, as run.started names it.
func deviceOf(env facts.Environment) *events.Device {
	t := env.Target
	if t == nil || t.Device == "" {
		return nil
	}
	return &events.Device{
		Path: t.Device, Model: events.Clip(t.Models(), 250), Serial: t.Serial, WWN: t.WWN, Firmware: t.Firmware, Size: t.Size,
		Scheduler: t.Queue["scheduler"],
	}
}

// expected is how long a job says it will take, 0 when it does not say.
func expected(text []byte) time.Duration {
	file, err := job.Parse("job", text, job.Config{})
	if err != nil {
		return 0
	}
	if p := file.Plan(); p.Exact {
		return p.Duration
	}
	return 0
}

// maxStartedFacts bounds the facts in run.started.
const maxStartedFacts = 150

// firstFacts leaves out what an event has no room for; environment.json has all.
func firstFacts(all map[string]string) map[string]string {
	names := make([]string, 0, len(all))
	for n, v := range all {
		if len(v) <= 200 {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	out := map[string]string{}
	for _, n := range names[:min(len(names), maxStartedFacts)] {
		out[n] = all[n]
	}
	return out
}
