package events

import (
	"strings"
	"time"
)

// Point is one combination of the matrix: fio options and their values.
type Point map[string]string

// Key is the canonical form: options in alphabetical order, a=1,b=2. Commas,
// equals signs and backslashes in values are escaped with a backslash, so that
// no two points share a key.
func (p Point) Key() string {
	escape := strings.NewReplacer(`\`, `\\`, `,`, `\,`, `=`, `\=`)
	parts := make([]string, 0, len(p))
	for _, k := range sortedKeys(p) {
		parts = append(parts, escape.Replace(k)+"="+escape.Replace(p[k]))
	}
	return strings.Join(parts, ",")
}

// RunRef is what every event about a run carries.
type RunRef struct {
	Bench string `json:"bench"`
	Run   string `json:"run"`
	// Name of the bench, Job the name of the job file.
	Name string `json:"name"`
	Job  string `json:"job"`
	// Slot counts from 0 within the bench.
	Slot int `json:"slot"`
	// Index of the run in its slot's list, from 0.
	Index  int   `json:"index"`
	Point  Point `json:"point,omitempty"`
	Repeat int   `json:"repeat"`
	// Host that runs it; for a pool slot empty until a worker takes it.
	Host string `json:"host,omitempty"`
	// Pool that the slot belongs to; empty when the slot is a host's own.
	Pool string `json:"pool,omitempty"`
	// Attempt counts starts of fio from 1; 0 means that fio was not started.
	Attempt int `json:"attempt"`
}

// About is the id of the run.
func (r RunRef) About() string { return r.Run }

// endRoute is where the run's end is arbitrated: end.host.<token>.<run> or
// end.pool.<token>.<run>. The owner stands in the subject so that NATS itself
// refuses a worker that would end a run which is not its own.
func (r RunRef) endRoute() string {
	if r.Pool != "" {
		return "end." + PoolRoute(r.Pool) + "." + r.Run
	}
	return "end." + HostRoute(r.Host) + "." + r.Run
}

// EndFilter matches every terminal that the run could have.
func (r RunRef) EndFilter() string { return endFilter("run", r.endRoute()) }

func (r RunRef) check(c *check) {
	c.id("bench", r.Bench)
	c.id("run", r.Run)
	c.text("name", r.Name, 100)
	c.text("job", r.Job, 500)
	c.atLeast("slot", r.Slot, 0)
	c.atLeast("index", r.Index, 0)
	c.atLeast("repeat", r.Repeat, 0)
	c.atLeast("attempt", r.Attempt, 0)
	c.optional("host", r.Host, 253)
	c.optional("pool", r.Pool, 100)
	c.that(r.Host != "" || r.Pool != "", "host", "and pool are missing: one says whose the run is")
}

// RunsRequested asks one host, or any worker of a pool, for a list of runs.
type RunsRequested struct {
	Bench string `json:"bench"`
	Name  string `json:"name"`
	Slot  int    `json:"slot"`
	// Host or Pool, exactly one.
	Host string `json:"host,omitempty"`
	Pool string `json:"pool,omitempty"`
	// Runs in the list.
	Runs int `json:"runs"`
	// List is a [RunList] document.
	List ClaimCheck `json:"list"`
	// Where must hold again, on the worker, before it starts.
	Where []string `json:"where,omitempty"`
	// Deadline after which what has not started is left to expire.
	Deadline time.Time `json:"deadline"`
}

// EventType is runs.requested.
func (RunsRequested) EventType() Type { return TypeRunsRequested }

// About is the id of the bench.
func (d RunsRequested) About() string { return d.Bench }

// Route is host.<token> or pool.<token>.
func (d RunsRequested) Route() string {
	if d.Host != "" {
		return HostRoute(d.Host)
	}
	return PoolRoute(d.Pool)
}

// HostRoute is the route of what only one host may take.
func HostRoute(host string) string { return "host." + Token(host) }

// PoolRoute is the route of what any worker of a pool may take.
func PoolRoute(pool string) string { return "pool." + Token(pool) }

// Validate reports the fields at fault.
func (d RunsRequested) Validate() error {
	c := checking(d.EventType())
	c.id("bench", d.Bench)
	c.text("name", d.Name, 100)
	c.that((d.Host == "") != (d.Pool == ""), "host", "and pool: exactly one must be set")
	c.atLeast("slot", d.Slot, 0)
	c.atLeast("runs", d.Runs, 1)
	c.claim("list", &d.List)
	c.texts("where", d.Where, 500)
	c.time("deadline", d.Deadline)
	return c.err()
}

// RunStarted says that fio is about to start.
type RunStarted struct {
	RunRef
	// Device measured, as far as it is known.
	Device *Device `json:"device,omitempty"`
	// HostClass and DeviceClass are fingerprints: equal ones may be compared.
	HostClass   string `json:"host_class,omitempty"`
	DeviceClass string `json:"device_class,omitempty"`
	// Facts of the host that placement may ask for, at most 200.
	Facts map[string]string `json:"facts,omitempty"`
	// Expected duration, 0 when the job does not tell.
	Expected Duration `json:"expected,omitzero"`
	// Leases are the fencing tokens of what is measured and other hosts see as
	// well, by its key in the bucket fiord-leases. A later lease has a higher one.
	Leases map[string]uint64 `json:"leases,omitempty"`
}

// Device is a block device as its host sees it.
type Device struct {
	// Path such as /dev/nvme0n1.
	Path      string `json:"path"`
	Model     string `json:"model,omitempty"`
	Serial    string `json:"serial,omitempty"`
	WWN       string `json:"wwn,omitempty"`
	Firmware  string `json:"firmware,omitempty"`
	Size      uint64 `json:"size,omitempty"`
	Scheduler string `json:"scheduler,omitempty"`
}

// EventType is run.started.
func (RunStarted) EventType() Type { return TypeRunStarted }

// Route is host.<token> of the worker that starts it, also for a pool slot.
func (d RunStarted) Route() string { return HostRoute(d.Host) }

// Validate reports the fields at fault.
func (d RunStarted) Validate() error {
	c := checking(d.EventType())
	d.check(c)
	c.text("host", d.Host, 253)
	c.atLeast("attempt", d.Attempt, 1)
	c.count("facts", len(d.Facts), 200)
	return c.err()
}
