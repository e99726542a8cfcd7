package events

import "time"

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
	// Leases as in run.started. All of them held until fio had ended.
	Leases map[string]uint64 `json:"leases,omitempty"`
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
	c.text("reason", d.Reason, MaxReason)
	c.optional("stderr", d.Stderr, MaxStderr)
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

// CodeNotNeeded is the code of a repeat that was planned and left out, because
// the ones before told enough (measure.spread). It counts neither as planned nor
// as cancelled.
const CodeNotNeeded = "not_needed"

// RunCancelled is the end of a run that was stopped or skipped: on request, or
// because it was not needed.
type RunCancelled struct {
	RunRef
	// Code is not_needed, or empty for a request.
	Code string `json:"code,omitempty" jsonschema:"enum=not_needed"`
	// Reason and By repeat the cancel.requested.
	Reason  string    `json:"reason"`
	By      string    `json:"by"`
	EndedAt time.Time `json:"ended_at"`
	// Artifacts are what fio had written when it was stopped.
	Artifacts []Artifact `json:"artifacts,omitempty" jsonschema:"maxItems=20"`
}

// EventType is run.cancelled.
func (RunCancelled) EventType() Type { return TypeRunCancelled }

// NotNeeded tells of a repeat that was left out.
func (d RunCancelled) NotNeeded() bool { return d.Code == CodeNotNeeded }

// Route is end.host.<token>.<run> or end.pool.<token>.<run>.
func (d RunCancelled) Route() string { return d.endRoute() }

// Validate reports the fields at fault.
func (d RunCancelled) Validate() error {
	c := checking(d.EventType())
	d.check(c)
	c.text("reason", d.Reason, MaxReason)
	c.text("by", d.By, MaxActor)
	c.that(d.Code == "" || d.NotNeeded(), "code", "is none that is known")
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
	c.text("reason", d.Reason, MaxReason)
	return c.err()
}
