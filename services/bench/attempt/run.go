package attempt

import (
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/facts"
	"github.com/fiord-bench/fiord/host/integrity"
	"github.com/fiord-bench/fiord/services/bench/measure"
	"github.com/fiord-bench/fiord/services/bench/plan"
)

// run is one invocation on its way to its end.
type run struct {
	worker *Worker
	phase  Phase
	list   events.RunList
	inv    events.Invocation
	cause  events.Event
	log    *slog.Logger
	begun  time.Time // when the worker turned to it, for the overhead

	session   *Session             // of the list; nil for an adopted run
	prepared  []string             // what was done before fio started, in words
	common    *measure.CommonStart // start agreed on with other hosts
	findings  []events.Finding     // what is known of the run's integrity before fio starts
	meanwhile *integrity.Meanwhile // what the host did, once fio has ended
	disks     []string             // kernel names, of what is measured
	leased    *leased              // nil if nothing it uses is seen by other hosts
}

// Order is what the spool keeps of a run that has begun: enough for the next
// worker to end it.
type Order struct {
	Cause json.RawMessage   `json:"cause"`
	List  events.RunList    `json:"list"` // without its other runs
	Runs  int               `json:"runs"`
	Inv   events.Invocation `json:"invocation"`
	Disks []string          `json:"disks,omitempty"`
	Holds []string          `json:"holds,omitempty"`
	// Written are folders on the file systems that it writes to.
	Written []string `json:"written,omitempty"`
	// Leases are the fencing tokens of what other hosts see too.
	Leases map[string]uint64 `json:"leases,omitempty"`
	// What the terminal repeats.
	HostClass   string        `json:"host_class,omitempty"`
	DeviceClass string        `json:"device_class,omitempty"`
	StartedAt   time.Time     `json:"started_at"`
	Timeout     time.Duration `json:"timeout"`
	Boot        string        `json:"boot,omitempty"` // the start of the host that it was begun in
	Overhead    time.Duration `json:"overhead"`       // of the worker, before fio
}

func (w *Worker) newRun(list events.RunList, inv events.Invocation, cause events.Event, log *slog.Logger) *run {
	return &run{
		worker: w, list: list, inv: inv, cause: cause, begun: time.Now(),
		log: log.With(slog.String("bench_id", inv.Bench), slog.String("run_id", inv.Run)),
	}
}

// order is what the spool keeps.
func (r *run) order(p *plan.Plan, env facts.Environment) Order {
	cause, _ := events.Marshal(r.cause) // it came from the bus: it is valid
	header := r.list
	header.Runs = nil
	return Order{
		Cause: cause, List: header, Runs: len(r.list.Runs), Inv: r.inv,
		Disks: p.Grant.Touched, Holds: p.Grant.Holds, Leases: r.leased.tokens(),
		Written:   p.Written(r.worker.Spool.Dir()),
		HostClass: env.HostClass, DeviceClass: env.DeviceClass,
		StartedAt: time.Now().UTC(), Timeout: r.worker.timeout(r.list), Boot: bootID(),
	}
}

// enter takes the run to its next phase and shows it.
func (r *run) enter(next Phase) {
	if !slices.Contains(transitions[r.phase], next) {
		r.log.Error("phase of the run is out of order: this is a mistake in fiord", "from", r.phase.String(), "to", next.String())
	}
	r.phase = next
	if r.worker.Entered != nil {
		r.worker.Entered(next)
	}
	if name := shown[next]; name != "" {
		r.show(name)
	}
}

// show sends a phase, as progress events name it.
func (r *run) show(phase string) {
	p := r.live(phase)
	if phase == shown[Ended] {
		p.Percent = 100
	}
	r.send(p)
}

// live is the progress of the run, as far as it is known without fio.
func (r *run) live(phase string) events.Progress {
	return events.Progress{
		Bench: r.inv.Bench, Run: r.inv.Run, Name: r.inv.Name, Job: r.inv.Job, Host: r.worker.Host,
		Index: r.inv.Index, Runs: len(r.list.Runs), Slot: r.inv.Slot, Point: r.inv.Point, Repeat: r.inv.Repeat,
		Attempt: r.inv.Attempt, Phase: phase, Percent: -1,
	}
}

func (r *run) send(p events.Progress) {
	if err := r.worker.Bus.Live(p); err != nil {
		r.log.Debug("progress is not shown", "error", err)
	}
}

func now() time.Time { return time.Now().UTC() }
