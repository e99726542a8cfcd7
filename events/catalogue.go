package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Data is the payload of an event: one struct per type of the catalogue.
type Data interface {
	// EventType is the type an event with this payload has.
	EventType() Type
	// Validate reports every field that is missing or wrong, as an *[Invalid].
	Validate() error
}

// Routed is implemented by payloads whose subject carries a route.
type Routed interface {
	// Route is the dotted tail of the subject: host.<token>, pool.<token> or
	// end.<id>.
	Route() string
}

// Named is implemented by payloads about one thing with an id; the id becomes
// the CloudEvents subject.
type Named interface {
	// About is the id of what the event is about: a bench, run, host or push.
	About() string
}

// entry is a row of the catalogue.
type entry struct {
	typ     Type
	summary string
	ends    string // "run" or "bench" for a terminal
	routed  bool
	zero    func() Data
	decode  func(raw []byte, strict bool) (Data, error)
}

// catalogue is the one place that knows all types. It is a fixed-size array,
// never written to.
var catalogue = [...]entry{
	row[PushReceived]("a verified push to a watched repository", ""),
	row[PushIgnored]("a push that asked for nothing, and why", ""),
	row[PushRejected]("a push whose configuration, checkout or rights were wrong, with file and line", ""),
	row[PushApproved]("somebody let a held pull request run", ""),
	row[ScheduleFired]("one tick of one schedule", ""),
	row[BenchRequested]("what to measure, where, how often and against what", ""),
	row[BenchPlaced]("which hosts and pool slots measure a bench", ""),
	row[CancelRequested]("the command to stop a bench; not its end", ""),
	row[RunsRequested]("the ordered fio invocations of one bench for one host or pool slot", ""),
	row[RunStarted]("fio was started, with the facts and device seen", ""),
	row[RunCompleted]("fio ended well and everything it left is stored", "run"),
	row[RunFailed]("fio, its container or its environment failed", "run"),
	row[RunRejected]("the guard refused the run before it started", "run"),
	row[RunCancelled]("the run was stopped or skipped on request", "run"),
	row[RunExpired]("nobody ended the run before its deadline", "run"),
	row[PlotsRendered]("the figures of one run", ""),
	row[BenchReported]("every run has ended; the verdict and the report", "bench"),
	row[BenchUnplaced]("no host can or may measure this, and why", "bench"),
	row[BenchCancelled]("a cancelled bench has come to rest", "bench"),
	row[BaselineAccepted]("this shift is the new baseline", ""),
	row[DiscoveryRequested]("which sources of instances to ask", ""),
	row[InstanceChanged]("one instance changed state", ""),
	row[InstancesDiscovered]("a snapshot of instances, with the state of each source", ""),
	row[InventoryGenerated]("a complete inventory in every format, and what changed", ""),
	row[HostLost]("a bench host stopped beating", ""),
	row[NoticeSent]("somebody was told", ""),
	row[NoticeFailed]("somebody could not be told, and why", ""),
}

func row[T Data](summary, ends string) entry {
	var zero T
	_, routed := any(zero).(Routed)
	return entry{
		typ:     zero.EventType(),
		summary: summary,
		ends:    ends,
		routed:  routed,
		zero:    func() Data { return zero },
		decode:  decode[T],
	}
}

func decode[T Data](raw []byte, strict bool) (Data, error) {
	var data T
	dec := json.NewDecoder(bytes.NewReader(raw))
	if strict {
		dec.DisallowUnknownFields()
	}
	if err := dec.Decode(&data); err != nil {
		return nil, fieldOf(data.EventType(), err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, &Invalid{Type: data.EventType(), Fields: []FieldError{{Field: "data", Problem: "has more than one JSON value"}}}
	}
	if err := data.Validate(); err != nil {
		return nil, err
	}
	return data, nil
}

// DecodeData reads the data of one type from JSON and validates it. Strict
// also refuses fields that this build does not know: right for what a person
// wrote, wrong on the bus, where a newer service may have added some.
func DecodeData(t Type, raw []byte, strict bool) (Data, error) {
	e, ok := lookup(t)
	if !ok {
		_, err := Parse(string(t))
		return nil, err
	}
	if len(raw) > MaxData {
		return nil, fmt.Errorf("%w: data of %s has %d bytes, at most %d are allowed: put what grows behind a claim check", ErrTooLarge, t, len(raw), MaxData)
	}
	return e.decode(raw, strict)
}
