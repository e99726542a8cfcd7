package events

import "time"

// Placement is the document placements/<bench>.json. Created once, it is the
// decision who measures a bench.
type Placement struct {
	Bench    string         `json:"bench"`
	Request  BenchRequested `json:"request"`
	PlacedAt time.Time      `json:"placed_at"`
	Deadline time.Time      `json:"deadline"`
	Slots    []Slot         `json:"slots"`
	// Seed that the order of the points within each repeat was drawn from; 0 in
	// placements of earlier versions, which measured them in the matrix's order.
	Seed uint32 `json:"seed,omitempty"`
	// Excluded hosts were selected by the targets and don't measure.
	Excluded []Exclusion `json:"excluded,omitempty"`
}

// Exclusion is a host that doesn't measure, and why.
type Exclusion struct {
	Host string `json:"host"`
	// Problems are the constraints that the host doesn't meet, with what it
	// has instead, or what else kept it out.
	Problems []Problem `json:"problems"`
}

// Slot is one list of runs: for one host, or for one worker of a pool.
type Slot struct {
	Slot int    `json:"slot"`
	Host string `json:"host,omitempty"`
	Pool string `json:"pool,omitempty"`
	// List is the [RunList] of the slot.
	List ClaimCheck `json:"list"`
	Runs []RunRef   `json:"runs"`
}

// RunList is the document that runs.requested points at: what one worker does
// for one bench, in order.
type RunList struct {
	Bench    string            `json:"bench"`
	Name     string            `json:"name"`
	Slot     int               `json:"slot"`
	Runs     []Invocation      `json:"runs"`
	Limits   Limits            `json:"limits,omitzero"`
	Volume   string            `json:"volume,omitempty"`
	Driver   string            `json:"volume_driver,omitempty"`
	Options  map[string]string `json:"volume_options,omitempty"`
	Timeout  Duration          `json:"timeout,omitzero"`
	Deadline time.Time         `json:"deadline"`
	Where    []string          `json:"where,omitempty"`
	Measure  *Measure          `json:"measure,omitempty"`
	// Repeat is how often each point is measured at least, when a spread decides.
	Repeat int     `json:"repeat,omitempty"`
	Origin *Origin `json:"origin,omitempty"`
	// StartAt synchronises hosts, zero when they start as they please.
	StartAt time.Time `json:"start_at,omitzero"`
	// Together is how many slots start each invocation at one time; 0 for none.
	Together int `json:"together,omitempty"`
}

// Invocation is one start of fio: a job file at a point of the matrix.
type Invocation struct {
	RunRef
	// File is the job file as its author wrote it; the point is applied by
	// the worker, which stores exactly what it ran.
	File ClaimCheck `json:"file"`
}
