package events

import (
	"reflect"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/fiord-bench/fiord/events/internal/asmade"
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
	senders string // parties that publish it, separated by spaces
	readers string // parties that react to it
	zero    func() Data
	decode  func(raw []byte, strict bool) (Data, error)
	quick   func(raw []byte) (Data, bool)
}

// People stands in the catalogue for who is no service: persons, their command
// line and their scripts.
const People = "people"

// catalogue is the one place that knows all types. It is a fixed-size array,
// never written to.
var catalogue = [...]entry{
	row[PushReceived]("a verified push to a watched repository", "", "ingest", "ingest plot"),
	row[PullReceived]("a pull request whose forge does not name the commit it is at", "", "ingest", "ingest"),
	row[PushIgnored]("a push that asked for nothing, and why", "", "ingest", "notify"),
	row[PushRejected]("a push whose configuration, checkout or rights were wrong, with file and line", "", "ingest", "notify plot"),
	row[PushApproved]("a person let a held pull request run", "", "people", "ingest notify"),
	row[ScheduleFired]("one tick of one schedule", "", "ingest", "ingest"),
	row[BenchRequested]("what to measure, where, how often and against what", "", "ingest people plot", "inventory notify plot"),
	row[BenchPlaced]("which hosts and pool slots measure a bench", "", "inventory", "plot notify"),
	row[CancelRequested]("the command to stop a bench; not its end", "", "ingest people plot", "inventory bench plot"),
	row[RunsRequested]("the ordered fio invocations of one bench for one host or pool slot", "", "inventory", "bench"),
	row[RunStarted]("fio was started, with the facts and device seen", "", "bench", "plot notify inventory"),
	row[RunCompleted]("fio ended well and everything it left is stored", "run", "bench", "plot notify inventory"),
	row[RunFailed]("fio, its container or its environment failed", "run", "bench", "plot notify inventory"),
	row[RunRejected]("the guard refused the run before it started", "run", "bench", "plot notify inventory"),
	row[RunCancelled]("the run was stopped or skipped on request", "run", "bench inventory", "plot notify inventory"),
	row[RunExpired]("the run had no end before its deadline", "run", "inventory", "plot notify inventory"),
	row[PlotsRendered]("the figures of one run", "", "plot", "plot people"),
	row[BenchReported]("every run has ended; the verdict and the report", "bench", "plot", "notify plot people"),
	row[BenchUnplaced]("no host can or may measure this, and why", "bench", "inventory", "notify plot people"),
	row[BenchCancelled]("a cancelled bench has come to rest", "bench", "plot", "notify plot people"),
	row[BaselineAccepted]("this shift is the new baseline", "", "people", "plot"),
	row[DiscoveryRequested]("which sources of instances to ask", "", "ingest inventory people", "inventory"),
	row[InstanceChanged]("one instance changed state", "", "ingest", "inventory"),
	row[InstancesDiscovered]("a snapshot of instances, with the state of each source", "", "inventory people", "inventory"),
	row[InventoryGenerated]("a complete inventory in every format, and what changed", "", "inventory", "people notify"),
	row[HostLost]("a bench host stopped beating", "", "inventory", "notify plot"),
	row[NoticeSent]("a notice was sent to its target", "", "notify", "people"),
	row[NoticeFailed]("a notice could not be sent, and why", "", "notify", "people"),
	row[NoticeWithheld]("a notice was withheld on purpose, and why", "", "notify", "people"),
}

func row[T Data](summary, ends, senders, readers string) entry {
	var zero T
	_, routed := any(zero).(Routed)
	return entry{
		typ:     zero.EventType(),
		summary: summary,
		ends:    ends,
		routed:  routed,
		senders: senders,
		readers: readers,
		zero:    func() Data { return zero },
		decode:  decode[T],
		quick:   quick[T](),
	}
}

// lenient and exact are how data is decoded: on the bus, where a newer service
// may have added fields, and where a person wrote it.
var (
	lenient = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true))
	exact   = jsonv2.JoinOptions(jsonv2.RejectUnknownMembers(true))
)

// quick makes what reads the data of one type as [Marshal] writes it, in a
// fraction of a general decoder's time, and refuses the rest.
func quick[T Data]() func(raw []byte) (Data, bool) {
	reader := asmade.For(reflect.TypeFor[T]())
	return func(raw []byte) (Data, bool) {
		var data T
		if reader == nil || len(raw) > MaxData || !reader.Read(raw, &data) || data.Validate() != nil {
			return nil, false
		}
		return data, true
	}
}

func decode[T Data](raw []byte, strict bool) (Data, error) {
	var data T
	options := lenient
	if strict {
		options = exact
	}
	if err := jsonv2.Unmarshal(raw, &data, options); err != nil {
		return nil, fieldOf(data.EventType(), err)
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
		return nil, tooLarge(t, len(raw))
	}
	return e.decode(raw, strict)
}

// Zero is the empty data of one type, for generators that reflect on it.
func Zero(t Type) (Data, error) {
	e, ok := lookup(t)
	if !ok {
		_, err := Parse(string(t))
		return nil, err
	}
	return e.zero(), nil
}
