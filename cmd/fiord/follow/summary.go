package follow

import (
	"cmp"
	"math"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure/catalogue"
)

// Row sums up the repeats of one job at one point on one host, in one
// direction of one section. Figures are medians over the repeats.
type Row struct {
	Job   string `json:"job"`
	Point string `json:"point,omitempty"`
	Host  string `json:"host"`
	// Section is set in runs of several. A direction without one is that of the
	// sections in Together, which ran at the same time.
	Section   string   `json:"section,omitempty"`
	Together  []string `json:"together,omitempty"`
	Direction string   `json:"direction"`
	// N counts the repeats behind the medians.
	N              int     `json:"n"`
	IOPS           float64 `json:"iops"`
	BandwidthBytes float64 `json:"bandwidth_bytes"`
	// Latencies are of the kind LatencyOf: lat, clat or sync. Null means that
	// none was measured.
	LatencyOf string   `json:"latency_of,omitempty"`
	MeanNS    *float64 `json:"latency_mean_ns"`
	P99NS     *float64 `json:"latency_p99_ns"`
	// Open says that the percentile is of fio's last bin: it is that or longer.
	Open bool `json:"latency_p99_open,omitempty"`
	// Integrity is the worst of the repeats'.
	Integrity events.IntegrityState `json:"integrity"`
}

// Directions of I/O, in fio's order.
func Directions() []string { return events.Directions() }

// Rows sums up the completed runs, points in the order of their values: the one in
// which they were measured is drawn by chance.
func (b *Bench) Rows() []Row {
	type group struct{ job, point, host string }
	var order []group
	runs := map[group][]*events.RunCompleted{}
	inOrder := catalogue.InOrder(b.Runs(), func(r *Run) string { return r.Job }, func(r *Run) string { return r.Point.Key() })
	for _, r := range inOrder {
		if r.Result == nil {
			continue
		}
		g := group{r.Job, r.Point.Key(), r.Host}
		if runs[g] == nil {
			order = append(order, g)
		}
		runs[g] = append(runs[g], r.Result)
	}
	var rows []Row
	for _, g := range order {
		for _, name := range names(runs[g]) {
			if row, ok := sum(runs[g], name); ok {
				row.Job, row.Point, row.Host = g.job, g.point, g.host
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// names lists what the runs measured, in the order of the first that did.
func names(runs []*events.RunCompleted) []string {
	var all []string
	for _, r := range runs {
		for _, name := range r.Summary.Directions() {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

func sum(runs []*events.RunCompleted, name string) (Row, bool) {
	row := Row{Integrity: events.IntegrityOK}
	row.Section, row.Direction = events.SplitSeries(name)
	var figures []*events.Figures
	for _, r := range runs {
		f := r.Summary.Direction(name)
		if f == nil {
			continue
		}
		figures = append(figures, f)
		row.Together = f.Sections
		row.Integrity = worse(row.Integrity, r.Integrity.Of(row.Section))
		if l := f.Latency; l != nil {
			row.LatencyOf, row.Open = l.Of, row.Open || l.Open("p99")
		}
	}
	row.N = len(figures)
	row.IOPS = median(figures, func(f *events.Figures) float64 { return f.IOPS })
	row.BandwidthBytes = median(figures, func(f *events.Figures) float64 { return f.BandwidthBytes })
	row.MeanNS = known(median(figures, func(f *events.Figures) float64 { return f.Latency.Value("lat") }))
	row.P99NS = known(median(figures, func(f *events.Figures) float64 { return f.Latency.Value("p99") }))
	return row, row.N > 0
}

// known is nil for what was not measured.
func known(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

// median is that of the values that are known, NaN if none is.
func median(figures []*events.Figures, value func(*events.Figures) float64) float64 {
	var values []float64
	for _, f := range figures {
		if v := value(f); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 0 {
		return (values[middle-1] + values[middle]) / 2
	}
	return values[middle]
}

func worse(a, b events.IntegrityState) events.IntegrityState {
	rank := func(s events.IntegrityState) int {
		return slices.Index([]events.IntegrityState{events.IntegrityOK, events.IntegritySuspect, events.IntegrityInvalid}, s)
	}
	if cmp.Compare(rank(b), rank(a)) > 0 {
		return b
	}
	return a
}
