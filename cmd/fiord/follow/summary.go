package follow

import (
	"cmp"
	"slices"

	"github.com/fiord-bench/fiord/events"
)

// Row sums up the repeats of one job at one point on one host, in one
// direction. Figures are medians over the repeats.
type Row struct {
	Job       string `json:"job"`
	Point     string `json:"point,omitempty"`
	Host      string `json:"host"`
	Direction string `json:"direction"`
	// N counts the repeats behind the medians.
	N              int     `json:"n"`
	IOPS           float64 `json:"iops"`
	BandwidthBytes float64 `json:"bandwidth_bytes"`
	MeanNS         float64 `json:"latency_mean_ns"`
	P99NS          float64 `json:"latency_p99_ns"`
	// Integrity is the worst of the repeats'.
	Integrity events.IntegrityState `json:"integrity"`
}

// Directions of I/O, in fio's order.
func Directions() []string { return []string{"read", "write", "trim"} }

// Rows sums up the completed runs, in the order in which they were asked for.
func (b *Bench) Rows() []Row {
	type group struct{ job, point, host string }
	var order []group
	runs := map[group][]*events.RunCompleted{}
	for _, r := range b.Runs() {
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
		for _, direction := range Directions() {
			if row, ok := sum(runs[g], direction); ok {
				row.Job, row.Point, row.Host = g.job, g.point, g.host
				rows = append(rows, row)
			}
		}
	}
	return rows
}

func sum(runs []*events.RunCompleted, direction string) (Row, bool) {
	row := Row{Direction: direction, Integrity: events.IntegrityOK}
	var figures []*events.Figures
	for _, r := range runs {
		if f := r.Summary.Direction(direction); f != nil {
			figures = append(figures, f)
			row.Integrity = worse(row.Integrity, r.Integrity.State)
		}
	}
	row.N = len(figures)
	row.IOPS = median(figures, func(f *events.Figures) float64 { return f.IOPS })
	row.BandwidthBytes = median(figures, func(f *events.Figures) float64 { return f.BandwidthBytes })
	row.MeanNS = median(figures, func(f *events.Figures) float64 { return f.Latency.Mean })
	row.P99NS = median(figures, func(f *events.Figures) float64 { return f.Latency.P99 })
	return row, row.N > 0
}

func median(figures []*events.Figures, value func(*events.Figures) float64) float64 {
	if len(figures) == 0 {
		return 0
	}
	values := make([]float64, len(figures))
	for i, f := range figures {
		values[i] = value(f)
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
