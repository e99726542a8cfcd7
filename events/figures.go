package events

import "fmt"

// Latency of I/Os in nanoseconds, from fio's histogram bins.
type Latency struct {
	// Of says which of fio's latencies it is: lat from the start of submission
	// to completion, clat from the end of submission. Figures of different kinds
	// are not comparable. Events from before it was told have none: clat.
	Of   string  `json:"of,omitempty" jsonschema:"enum=lat,enum=clat"`
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

// Name is what people call it.
func (l Latency) Name() string {
	if l.Of == "lat" {
		return "latency"
	}
	return "completion latency"
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
	// Latency is merged over jobs.
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
	// throttled, busy_neighbour, environment_changed, short_run, cut,
	// not_synchronised.
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
