package catalogue

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/internal/hostseries"
)

// hostWatched reports whether it is known what the host did during the run.
func hostWatched(s Subject, _ string) bool {
	if s.Run.Activity == nil {
		return false
	}
	n, _ := s.Run.Activity.Intervals()
	return n > 0
}

func disksWatched(s Subject, _ string) bool {
	return hostWatched(s, "") && len(s.Run.Activity.Devices) > 0
}

// processors draws how the CPUs spent the run, and beside them how busy the
// disks were: both are percents of the time.
func processors(title string, s Subject, _ string) *figure.Figure {
	r := s.Run
	f := figure.Time{Quantity: figure.Percent}
	for _, part := range []struct {
		name string
		of   func(hostseries.Sample) float64
		rare bool // stated only where there was any
	}{
		{"CPU user", func(s hostseries.Sample) float64 { return s.CPU.User }, false},
		{"CPU system", func(s hostseries.Sample) float64 { return s.CPU.System }, false},
		{"CPU waiting for I/O", func(s hostseries.Sample) float64 { return s.CPU.IOWait }, true},
		{"CPU stolen by other guests", func(s hostseries.Sample) float64 { return s.CPU.Steal }, true},
	} {
		if mean := r.Activity.Mean(part.of); !part.rare || mean > 0.05 {
			f.Series = append(f.Series, r.Activity.Series(part.name, part.of))
		}
	}
	drawn := r.busiest(2)
	for _, i := range drawn {
		f.Series = append(f.Series, r.Activity.Series(r.Activity.Devices[i]+" busy", busyOf(i)))
	}
	facts := append(r.watchedFor(), "CPU in % of all CPUs")
	if n := len(r.Activity.Devices); n > len(drawn) {
		facts = append(facts, fmt.Sprintf("busiest of %d disks", n))
	}
	f.Head = r.hostHead(title, append(facts, r.hostFacts()...)...)
	if n := r.Activity.Throttled(); n > 0 {
		f.Flags = append(f.Flags, fmt.Sprintf("the CPUs slowed down for heat: %.0f throttle events", n))
	}
	return f.Figure()
}

// traffic draws what went to and from the disks that had any.
func traffic(title string, s Subject, _ string) *figure.Figure {
	r := s.Run
	f := figure.Time{Quantity: figure.Bandwidth}
	facts := r.watchedFor()
	for n, i := range r.busiest(len(r.Activity.Devices)) {
		name := r.Activity.Devices[i]
		for _, way := range []struct {
			name string
			of   func(hostseries.Sample) float64
		}{
			{name + " read", func(s hostseries.Sample) float64 { return s.Devices[i].ReadBytes }},
			{name + " write", func(s hostseries.Sample) float64 { return s.Devices[i].WriteBytes }},
		} {
			if r.Activity.Mean(way.of) > 0 || n == 0 {
				f.Series = append(f.Series, r.Activity.Series(way.name, way.of))
			}
		}
		if mean := r.Activity.Mean(func(s hostseries.Sample) float64 { return s.Devices[i].InFlight }); mean > 0 && n < 2 {
			facts = append(facts, fmt.Sprintf("%s: %.3g requests in flight", name, mean))
		}
	}
	f.Head = r.hostHead(title, facts...)
	return f.Figure()
}

// hostHead is head without what is wrong with fio's logs: none of it is drawn.
func (r *Run) hostHead(title string, facts ...string) figure.Head {
	h := r.head(title, facts...)
	h.Flags = Flags(&Run{Completed: r.Completed})
	return h
}

func busyOf(i int) func(hostseries.Sample) float64 {
	return func(s hostseries.Sample) float64 { return s.Devices[i].Busy }
}

// busiest are the places of at most n disks, the busiest first, and of the
// idle ones no more than one.
func (r *Run) busiest(n int) []int {
	order := make([]int, len(r.Activity.Devices))
	busy := make([]float64, len(order))
	for i := range order {
		order[i] = i
		if busy[i] = r.Activity.Mean(busyOf(i)); math.IsNaN(busy[i]) {
			busy[i] = -1
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(busy[b], busy[a]) })
	order = order[:min(n, len(order))]
	for len(order) > 1 && busy[order[len(order)-1]] <= 0 {
		order = order[:len(order)-1]
	}
	return order
}

func (r *Run) watchedFor() []string {
	n, step := r.Activity.Intervals()
	return intervals(n, step.Seconds())
}

// hostFacts are what is stated rather than drawn.
func (r *Run) hostFacts() []string {
	var out []string
	if m := r.Activity.Mean(func(s hostseries.Sample) float64 { return s.Memory }); !math.IsNaN(m) {
		out = append(out, fmt.Sprintf("%.3g GiB of memory used", m/(1<<30)))
	}
	if m := r.Activity.Mean(func(s hostseries.Sample) float64 { return s.FreqMean }); !math.IsNaN(m) {
		out = append(out, fmt.Sprintf("%.3g GHz", m/1000))
	}
	return out
}
