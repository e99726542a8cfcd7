package verdict

import (
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
)

// defaultFigures decide when a bench names none: one for how much, one for how
// slow. More metrics mean more false alarms, and a correction for many would
// leave five repeats without any power.
func defaultFigures() []string { return []string{"iops", "p99"} }

// Figure is the part behind the direction, such as iops or p99.
func (m Metric) Figure() string {
	_, f, _ := strings.Cut(string(m), ".")
	return f
}

// Direction is read, write or trim.
func (m Metric) Direction() string {
	d, _, _ := strings.Cut(string(m), ".")
	return d
}

// Percent is the percentile that the metric is; 0 for others.
func (m Metric) Percent() float64 {
	return map[string]float64{"p50": 50, "p95": 95, "p99": 99, "p999": 99.9}[m.Figure()]
}

// Unit is the unit of the metric's values.
func (m Metric) Unit() string {
	switch m.Figure() {
	case "iops":
		return UnitIOPS
	case "bw":
		return UnitBandwidth
	default:
		return UnitTime
	}
}

// HigherIsBetter tells rates from latencies.
func (m Metric) HigherIsBetter() bool { return m.Unit() != UnitTime }

// Values lists the metrics of a run's summary, in base units. Figures that
// were not measured (a latency without I/O) are left out.
func Values(s events.Summary) map[Metric]float64 {
	out := map[Metric]float64{}
	for _, dir := range s.Directions() {
		f := s.Direction(dir)
		for name, v := range map[string]float64{
			"iops": f.IOPS, "bw": f.BandwidthBytes, "lat": f.Latency.Mean, "p50": f.Latency.P50,
			"p95": f.Latency.P95, "p99": f.Latency.P99, "p999": f.Latency.P999,
		} {
			if v > 0 {
				out[Metric(dir+"."+name)] = v
			}
		}
	}
	return out
}

// LatencyOf tells of which kind a run's latencies are: those from submission on
// must not be held against those of completion alone, which is what the empty
// text stands for.
func LatencyOf(s events.Summary) string {
	var kinds []string
	for _, dir := range s.Directions() {
		if of := s.Direction(dir).Latency.Of; of != "" && of != "clat" {
			kinds = append(kinds, dir+"="+of)
		}
	}
	return strings.Join(kinds, ",")
}
