package verdict

import (
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
)

// Metric is a direction and a figure, such as read.iops or write.p99.
type Metric string

// Units of metrics as events.Comparison names them.
const (
	UnitIOPS      = "iops"
	UnitBandwidth = "B/s"
	UnitTime      = "ns"
	UnitCount     = "1" // of context switches for each I/O
)

// defaultFigures decide when a bench names none: one for how much, one for how
// slow. More metrics mean more false alarms, and a correction for many would
// leave five repeats without any power.
func defaultFigures() []string { return events.DefaultMetrics() }

// Figure is the part behind the direction, such as iops or p99.
func (m Metric) Figure() string {
	return string(m)[strings.LastIndexByte(string(m), '.')+1:]
}

// Direction is read, write, trim, mixed or sync, with the section before it in
// runs of several: section/read.
func (m Metric) Direction() string {
	return string(m)[:max(strings.LastIndexByte(string(m), '.'), 0)]
}

// Percent is the percentile that the metric is; 0 for others.
func (m Metric) Percent() float64 {
	return map[string]float64{"p50": 50, "p95": 95, "p99": 99, "p999": 99.9, "p9999": 99.99, "p99999": 99.999}[m.Figure()]
}

// Unit is the unit of the metric's values.
func (m Metric) Unit() string {
	switch m.Figure() {
	case "iops":
		return UnitIOPS
	case "bw":
		return UnitBandwidth
	case "ctx":
		return UnitCount
	default:
		return UnitTime
	}
}

// Headline tells of figures of the latency that stands for a direction: total or
// completion, as a run's LatencyOf says. The others are of one kind by name.
func (m Metric) Headline() bool { return slices.Contains(events.LatencyFigures(), m.Figure()) }

// HigherIsBetter tells rates from latencies.
func (m Metric) HigherIsBetter() bool { return m.Unit() == UnitIOPS || m.Unit() == UnitBandwidth }

// Values lists the metrics of a run's summary, in base units. Figures that
// were not measured (a latency without I/O) are left out.
func Values(s events.Summary) map[Metric]float64 {
	out := map[Metric]float64{}
	for _, dir := range s.Directions() {
		f := s.Direction(dir)
		put := func(name string, v float64) {
			if v > 0 { // else not measured
				out[Metric(dir+"."+name)] = v
			}
		}
		put("iops", f.IOPS)
		put("bw", f.BandwidthBytes)
		for _, name := range events.LatencyFigures() {
			put(name, f.Latency.Value(name))
			put(events.KindFigure("clat", name), f.Clat.Value(name))
			put(events.KindFigure("slat", name), f.Slat.Value(name))
		}
		if section := s.Section(dir); section != nil {
			put("cpu", measured(section.CPUPerIO))
			put("ctx", measured(section.SwitchesPerIO))
		}
	}
	return out
}

// measured is 0 for what was not measured.
func measured(v *float64) float64 {
	if v == nil {
		return 0
	}
	return *v
}

// LatencyOf tells of which kind a run's latencies are: those from submission on
// must not be held against those of completion alone, which is what the empty
// text stands for.
func LatencyOf(s events.Summary) string {
	var kinds []string
	for _, dir := range s.Directions() {
		if l := s.Direction(dir).Latency; l != nil && l.Of != "" && l.Of != "clat" {
			kinds = append(kinds, dir+"="+l.Of)
		}
	}
	return strings.Join(kinds, ",")
}
