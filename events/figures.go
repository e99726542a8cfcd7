package events

import (
	"fmt"
	"math"
	"strings"
)

// Latency of I/Os in nanoseconds, from fio's histogram bins. What is not known
// is null.
type Latency struct {
	// Of says which of fio's latencies it is: lat from the start of submission
	// to completion, clat from the end of submission, slat of submission alone,
	// sync of a call of fsync or its kin. Figures of different kinds are not
	// comparable. Events from before it was told have none: clat.
	Of   string   `json:"of,omitempty" jsonschema:"enum=lat,enum=clat,enum=slat,enum=sync"`
	Mean float64  `json:"mean"`
	P50  *float64 `json:"p50" jsonschema:"nullable"`
	P95  *float64 `json:"p95" jsonschema:"nullable"`
	P99  *float64 `json:"p99" jsonschema:"nullable"`
	P999 *float64 `json:"p999" jsonschema:"nullable"`
	// P9999 and P99999 are there where at least ten I/Os lie beyond them.
	P9999  *float64 `json:"p9999,omitempty"`
	P99999 *float64 `json:"p99999,omitempty"`
	Max    float64  `json:"max"`
	// Beyond is set when percentiles are of fio's last bin, which is open: one of
	// this value or more lies beyond it, however far.
	Beyond float64 `json:"beyond,omitempty"`
}

// Name is what people call it.
func (l *Latency) Name() string {
	if l == nil {
		return "latency"
	}
	switch l.Of {
	case "lat":
		return "latency"
	case "slat":
		return "submission latency"
	case "sync":
		return "sync latency"
	}
	return "completion latency"
}

// LatencyFigures are the names of a latency's figures, as [Latency.Value] knows
// them.
func LatencyFigures() []string {
	return []string{"lat", "p50", "p95", "p99", "p999", "p9999", "p99999"}
}

// KindFigure names a figure of a kind of latency: clat (the mean), clat_p99.
func KindFigure(kind, figure string) string {
	if figure == "lat" {
		return kind
	}
	return kind + "_" + figure
}

// DefaultMetrics are the figures that decide when a bench names none: one for how
// much, one for how slow. More mean more false alarms.
func DefaultMetrics() []string { return []string{"iops", "p99"} }

// MetricFigures are the names of all figures that can be compared: rates,
// latencies (of the kind that stands for the direction, and of each kind), the
// processor time of an I/O and its context switches.
func MetricFigures() []string {
	names := append([]string{"iops", "bw"}, LatencyFigures()...)
	for _, kind := range []string{"clat", "slat"} {
		for _, f := range LatencyFigures() {
			names = append(names, KindFigure(kind, f))
		}
	}
	return append(names, "cpu", "ctx")
}

// Value is a figure by its name: lat (the mean), p50, p95, p99, p999, p9999,
// p99999 or max. It is NaN when it is not known, of a nil latency too. In events
// from before null was, zero stands for it.
func (l *Latency) Value(name string) float64 {
	if l == nil || l.Mean == 0 && l.Max == 0 {
		return math.NaN()
	}
	v := map[string]*float64{
		"lat": &l.Mean, "p50": l.P50, "p95": l.P95, "p99": l.P99, "p999": l.P999, "p9999": l.P9999, "p99999": l.P99999, "max": &l.Max,
	}[name]
	if v == nil || *v == 0 {
		return math.NaN()
	}
	return *v
}

// Open tells whether a figure is of fio's last bin: it is known only to be that
// long or longer.
func (l *Latency) Open(name string) bool {
	return l != nil && l.Beyond > 0 && strings.HasPrefix(name, "p") && l.Value(name) >= l.Beyond
}

// Figures of one direction of a section, over its jobs, or of several sections
// that ran at the same time.
type Figures struct {
	// IOPS and BandwidthBytes are per second of runtime, from the totals.
	IOPS           float64 `json:"iops"`
	BandwidthBytes float64 `json:"bandwidth_bytes"`
	TotalIOs       uint64  `json:"total_ios"`
	TotalBytes     uint64  `json:"total_bytes"`
	// Runtime is the longest of the jobs, in milliseconds.
	RuntimeMS uint64 `json:"runtime_ms"`
	// Latency is merged over jobs: the total latency, or that of completion where
	// fio knows no more percentiles. Null when none was measured.
	Latency *Latency `json:"latency_ns" jsonschema:"nullable"`
	// Lat, Clat and Slat are the kinds, each absent where it was not measured.
	Lat  *Latency `json:"lat_ns,omitempty"`
	Clat *Latency `json:"clat_ns,omitempty"`
	Slat *Latency `json:"slat_ns,omitempty"`
	// Sections are the names of those added up, where there are several.
	Sections []string `json:"sections,omitempty"`
}

// Section is a job of the file with all its copies, or what group_reporting
// puts together.
type Section struct {
	Name string `json:"name"`
	// StartMS is when its measurement began, in milliseconds since that of the
	// first section did, and RuntimeMS how long it took.
	StartMS   uint64 `json:"start_ms"`
	RuntimeMS uint64 `json:"runtime_ms"`
	// Copies that ran side by side (numjobs); absent when unknown.
	Copies int      `json:"copies,omitempty"`
	Read   *Figures `json:"read,omitempty"`
	Write  *Figures `json:"write,omitempty"`
	Trim   *Figures `json:"trim,omitempty"`
	// Mixed is what unified_rw_reporting adds up.
	Mixed *Figures `json:"mixed,omitempty"`
	// Sync are the calls of fsync and its kin: their rate and latency.
	Sync *Figures `json:"sync,omitempty"`
	// CPUPerIO is the processor time of fio that one I/O took, in nanoseconds,
	// and SwitchesPerIO its context switches.
	CPUPerIO      *float64 `json:"cpu_ns_per_io,omitempty"`
	SwitchesPerIO *float64 `json:"context_switches_per_io,omitempty"`
}

func (s *Section) of(direction string) *Figures {
	return Summary{Read: s.Read, Write: s.Write, Trim: s.Trim, Mixed: s.Mixed, Sync: s.Sync}.of(direction)
}

func (s Summary) of(direction string) *Figures {
	switch direction {
	case "read":
		return s.Read
	case "write":
		return s.Write
	case "trim":
		return s.Trim
	case "mixed":
		return s.Mixed
	case "sync":
		return s.Sync
	}
	return nil
}

// Summary of a run. The figures by direction are over all sections: of
// directions that several sections have, they are there only if those sections
// ran at the same time. Sections holds each one's.
type Summary struct {
	Read  *Figures `json:"read,omitempty"`
	Write *Figures `json:"write,omitempty"`
	Trim  *Figures `json:"trim,omitempty"`
	// Mixed is what unified_rw_reporting adds up.
	Mixed *Figures `json:"mixed,omitempty"`
	// Sync are the calls of fsync and its kin: their rate and latency.
	Sync *Figures `json:"sync,omitempty"`
	// Sections in the order of the file. Events from before there were any have
	// none.
	Sections []Section `json:"sections,omitempty"`
	// SectionsLeft counts the sections that an event had no room for; all are in
	// result.json.
	SectionsLeft int `json:"sections_left,omitempty"`
	// FioVersion as fio prints it.
	FioVersion string `json:"fio_version,omitempty"`
}

// Directions are the names of all there may be, in the order shown.
func Directions() []string { return []string{"read", "write", "trim", "mixed", "sync"} }

// SeriesName names a direction of a section: section/direction. Of a run that
// has but one section the name is the direction's.
func SeriesName(section, direction string) string {
	if section == "" {
		return direction
	}
	return section + "/" + direction
}

// SplitSeries takes a name of [SeriesName] apart.
func SplitSeries(name string) (section, direction string) {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}

// Directions lists what was measured, in fio's order. A run of one section has
// its directions. One of several has those of each (see [SeriesName]), and
// behind them the directions in which several ran at the same time.
func (s Summary) Directions() []string {
	var names []string
	several := len(s.Sections) > 1
	if several {
		for _, section := range s.Sections {
			for _, d := range Directions() {
				if section.of(d) != nil {
					names = append(names, SeriesName(section.Name, d))
				}
			}
		}
	}
	for _, d := range Directions() {
		if f := s.of(d); f != nil && (!several || len(f.Sections) > 1) {
			names = append(names, d)
		}
	}
	return names
}

// Direction gives the figures of a name that [Summary.Directions] lists, nil if
// there are none.
func (s Summary) Direction(name string) *Figures {
	section, direction := SplitSeries(name)
	if section == "" {
		return s.of(direction)
	}
	for i := range s.Sections {
		if s.Sections[i].Name == section {
			return s.Sections[i].of(direction)
		}
	}
	return nil
}

// Section returns the section that a name of [Summary.Directions] is of: of a
// run with one section that one. Nil where there are several or none.
func (s Summary) Section(name string) *Section {
	section, _ := SplitSeries(name)
	for i := range s.Sections {
		if s.Sections[i].Name == section || section == "" && len(s.Sections) == 1 {
			return &s.Sections[i]
		}
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
	// not_synchronised, exit_unseen.
	Check string `json:"check"`
	// State this finding alone would give.
	State IntegrityState `json:"state"`
	// Evidence in a sentence with figures.
	Evidence string `json:"evidence"`
	// Section that it is about, in runs of several; empty when it is about the
	// run as a whole.
	Section string `json:"section,omitempty"`
}

// Integrity of a run: the worst of its findings.
type Integrity struct {
	State    IntegrityState `json:"state"`
	Findings []Finding      `json:"findings,omitempty" jsonschema:"maxItems=50"`
}

// Of is the state of one section: that of its findings and of those about the
// run as a whole. An empty name stands for the run.
func (i Integrity) Of(section string) IntegrityState {
	if section == "" || len(i.Findings) == 0 {
		return i.State
	}
	state := IntegrityOK
	for _, f := range i.Findings {
		if f.Section != "" && f.Section != section {
			continue
		}
		if f.State == IntegrityInvalid || state == IntegrityOK {
			state = f.State
		}
	}
	return state
}

func (i Integrity) check(c *check) {
	oneOf(c, "integrity.state", i.State, IntegrityOK, IntegritySuspect, IntegrityInvalid)
	c.count("integrity.findings", len(i.Findings), 50)
	for n, f := range i.Findings {
		c.text(fmt.Sprintf("integrity.findings[%d].check", n), f.Check, 100)
		c.text(fmt.Sprintf("integrity.findings[%d].evidence", n), f.Evidence, MaxMessage)
	}
}
