package events

import (
	"fmt"
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

// Latency of completed I/Os in nanoseconds, from fio's histogram bins.
type Latency struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// Figures of one direction, over all jobs of the run.
type Figures struct {
	// IOPS and BandwidthBytes are per second of runtime, from the totals.
	IOPS           float64 `json:"iops"`
	BandwidthBytes float64 `json:"bandwidth_bytes"`
	TotalIOs       uint64  `json:"total_ios"`
	TotalBytes     uint64  `json:"total_bytes"`
	// Runtime is the longest of the jobs, in milliseconds.
	RuntimeMS uint64 `json:"runtime_ms"`
	// Latency is completion latency (clat), merged over jobs.
	Latency Latency `json:"latency_ns"`
}

// Summary of a run by direction: read, write, trim. Directions without I/O
// are absent.
type Summary struct {
	Read  *Figures `json:"read,omitempty"`
	Write *Figures `json:"write,omitempty"`
	Trim  *Figures `json:"trim,omitempty"`
	// FioVersion as fio prints it.
	FioVersion string `json:"fio_version,omitempty"`
}

// Directions lists what is there, in fio's order.
func (s Summary) Directions() []string {
	var names []string
	for _, d := range []struct {
		name string
		f    *Figures
	}{{"read", s.Read}, {"write", s.Write}, {"trim", s.Trim}} {
		if d.f != nil {
			names = append(names, d.name)
		}
	}
	return names
}

// Direction gives the figures of read, write or trim, nil if there are none.
func (s Summary) Direction(name string) *Figures {
	switch name {
	case "read":
		return s.Read
	case "write":
		return s.Write
	case "trim":
		return s.Trim
	}
	return nil
}

// IntegrityState says whether a run's numbers can be trusted.
type IntegrityState string

// The states. Suspect numbers are shown with a mark, invalid ones too, and
// neither enters a baseline.
const (
	IntegrityOK      IntegrityState = "ok"
	IntegritySuspect IntegrityState = "suspect"
	IntegrityInvalid IntegrityState = "invalid"
)

// Finding is one integrity check that did not pass.
type Finding struct {
	// Check in a word: fio_errors, noise, log_mismatch, stall, not_steady,
	// throttled, busy_neighbour, environment_changed, short_run.
	Check string `json:"check"`
	// State this finding alone would give.
	State IntegrityState `json:"state"`
	// Evidence in a sentence with figures.
	Evidence string `json:"evidence"`
}

// Integrity of a run: the worst of its findings.
type Integrity struct {
	State    IntegrityState `json:"state"`
	Findings []Finding      `json:"findings,omitempty" jsonschema:"maxItems=50"`
}

func (i Integrity) check(c *check) {
	oneOf(c, "integrity.state", i.State, IntegrityOK, IntegritySuspect, IntegrityInvalid)
	c.count("integrity.findings", len(i.Findings), 50)
	for n, f := range i.Findings {
		c.text(fmt.Sprintf("integrity.findings[%d].check", n), f.Check, 100)
		c.text(fmt.Sprintf("integrity.findings[%d].evidence", n), f.Evidence, 1024)
	}
}

// RunCompleted is the good end of a run.
type RunCompleted struct {
	RunRef
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	Summary   Summary   `json:"summary"`
	Integrity Integrity `json:"integrity"`
	// HostClass and DeviceClass as in run.started.
	HostClass   string `json:"host_class,omitempty"`
	DeviceClass string `json:"device_class,omitempty"`
	// Artifacts kept: job.fio, fio.json, result.json, stderr.txt, environment.json.
	Artifacts []Artifact `json:"artifacts" jsonschema:"maxItems=20"`
	// Logs is a [LogSet] document naming the log files, nil if there are none.
	Logs *ClaimCheck `json:"logs,omitempty"`
}

// LogSet lists the log files of a run; it is stored, since a job with many
// subjobs has many.
type LogSet struct {
	Logs []Artifact `json:"logs"`
}

// EventType is run.completed.
func (RunCompleted) EventType() Type { return TypeRunCompleted }

// Route is end.host.<token>.<run> or end.pool.<token>.<run>.
func (d RunCompleted) Route() string { return d.endRoute() }

// Validate reports the fields at fault.
func (d RunCompleted) Validate() error {
	c := checking(d.EventType())
	d.check(c)
	c.text("host", d.Host, 253)
	c.atLeast("attempt", d.Attempt, 1)
	c.time("started_at", d.StartedAt)
	c.time("ended_at", d.EndedAt)
	d.Integrity.check(c)
	c.claims("artifacts", d.Artifacts, 20)
	if d.Logs != nil {
		c.claim("logs", d.Logs)
	}
	return c.err()
}

// RunFailed is the end of a run whose fio, container or host failed.
type RunFailed struct {
	RunRef
	// Reason in a sentence, with what to do where that is known.
	Reason string `json:"reason"`
	// ExitCode of fio, nil if it was killed or never ran.
	ExitCode *int `json:"exit_code,omitempty"`
	// Stderr is its tail, at most 4 KiB.
	Stderr    string     `json:"stderr,omitempty"`
	EndedAt   time.Time  `json:"ended_at"`
	Artifacts []Artifact `json:"artifacts,omitempty" jsonschema:"maxItems=20"`
}

// EventType is run.failed.
func (RunFailed) EventType() Type { return TypeRunFailed }

// Route is end.host.<token>.<run> or end.pool.<token>.<run>.
func (d RunFailed) Route() string { return d.endRoute() }

// Validate reports the fields at fault.
func (d RunFailed) Validate() error {
	c := checking(d.EventType())
	d.check(c)
	c.text("reason", d.Reason, 2048)
	c.optional("stderr", d.Stderr, 4096)
	c.time("ended_at", d.EndedAt)
	c.claims("artifacts", d.Artifacts, 20)
	return c.err()
}

// RunRejected is the end of a run that the guard refused.
type RunRejected struct {
	RunRef
	// Problems name the line, option and rule.
	Problems []Problem `json:"problems" jsonschema:"minItems=1,maxItems=50"`
	EndedAt  time.Time `json:"ended_at"`
}

// EventType is run.rejected.
func (RunRejected) EventType() Type { return TypeRunRejected }

// Route is end.host.<token>.<run> or end.pool.<token>.<run>.
func (d RunRejected) Route() string { return d.endRoute() }

// Validate reports the fields at fault.
func (d RunRejected) Validate() error {
	c := checking(d.EventType())
	d.check(c)
	c.problems("problems", d.Problems)
	c.time("ended_at", d.EndedAt)
	return c.err()
}

// RunCancelled is the end of a run that was stopped or skipped on request.
type RunCancelled struct {
	RunRef
	// Reason and By repeat the cancel.requested.
	Reason  string    `json:"reason"`
	By      string    `json:"by"`
	EndedAt time.Time `json:"ended_at"`
	// Artifacts are what fio had written when it was stopped.
	Artifacts []Artifact `json:"artifacts,omitempty" jsonschema:"maxItems=20"`
}

// EventType is run.cancelled.
func (RunCancelled) EventType() Type { return TypeRunCancelled }

// Route is end.host.<token>.<run> or end.pool.<token>.<run>.
func (d RunCancelled) Route() string { return d.endRoute() }

// Validate reports the fields at fault.
func (d RunCancelled) Validate() error {
	c := checking(d.EventType())
	d.check(c)
	c.text("reason", d.Reason, 2048)
	c.text("by", d.By, 300)
	c.time("ended_at", d.EndedAt)
	c.claims("artifacts", d.Artifacts, 20)
	return c.err()
}

// RunExpired is the end of a run that nobody ended before its deadline.
type RunExpired struct {
	RunRef
	Deadline time.Time `json:"deadline"`
	// Reason says what it was waiting for, as far as is known.
	Reason string `json:"reason"`
}

// EventType is run.expired.
func (RunExpired) EventType() Type { return TypeRunExpired }

// Route is end.host.<token>.<run> or end.pool.<token>.<run>.
func (d RunExpired) Route() string { return d.endRoute() }

// Validate reports the fields at fault.
func (d RunExpired) Validate() error {
	c := checking(d.EventType())
	d.check(c)
	c.time("deadline", d.Deadline)
	c.text("reason", d.Reason, 2048)
	return c.err()
}

// PlotsRendered lists the figures of one run.
type PlotsRendered struct {
	Bench string `json:"bench"`
	Run   string `json:"run"`
	// Figures: iops.svg, iops.png, bandwidth.svg, ...
	Figures []Artifact `json:"figures" jsonschema:"maxItems=60"`
	// Flags that the figures carry, such as a log that disagrees with the summary.
	Flags []string `json:"flags,omitempty"`
	// URL of the run's page.
	URL string `json:"url,omitempty"`
}

// EventType is plots.rendered.
func (PlotsRendered) EventType() Type { return TypePlotsRendered }

// About is the id of the run.
func (d PlotsRendered) About() string { return d.Run }

// Validate reports the fields at fault.
func (d PlotsRendered) Validate() error {
	c := checking(d.EventType())
	c.id("bench", d.Bench)
	c.id("run", d.Run)
	c.claims("figures", d.Figures, 60)
	c.count("flags", len(d.Flags), 20)
	c.texts("flags", d.Flags, 500)
	return c.err()
}
