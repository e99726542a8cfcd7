package plot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/internal/hostseries"
)

// activity reads what the host did during a run; nil if nobody watched it. A
// record that cannot be read is no reason not to draw the run: it is told in
// unread.
func (s *Service) activity(ctx context.Context, c events.RunCompleted) (seen *reading.Activity, unread string, err error) {
	i := slices.IndexFunc(c.Artifacts, func(a events.Artifact) bool {
		return strings.TrimSuffix(a.Name, artifacts.SuffixZstd) == hostseries.File
	})
	if i < 0 {
		return nil, "", nil
	}
	body, err := s.store.OpenPlain(ctx, c.Artifacts[i].ClaimCheck, hostseries.MaxBytes)
	if err != nil {
		return nil, "", gone(err)
	}
	defer func() { _ = body.Close() }()
	record, err := hostseries.Read(body)
	switch {
	case errors.Is(err, hostseries.ErrFormat) || errors.Is(err, hostseries.ErrTooLarge):
		return nil, err.Error(), nil
	case err != nil:
		return nil, "", gone(err)
	}
	return reading.ReadActivity(record), "", nil
}

// hostFigures adds what the host did during the run.
func (p *painter) hostFigures() {
	if p.host == nil {
		return
	}
	if n, _ := p.host.Intervals(); n == 0 {
		return
	}
	p.processors()
	if len(p.host.Devices) > 0 {
		p.traffic()
	}
}

// processors draws how the CPUs spent the run, and beside them how busy the
// disks were: both are percents of the time.
func (p *painter) processors() {
	f := figure.Time{Quantity: figure.Percent}
	for _, part := range []struct {
		name string
		of   func(hostseries.Sample) float64
		rare bool // said only where there was any
	}{
		{"CPU user", func(s hostseries.Sample) float64 { return s.CPU.User }, false},
		{"CPU system", func(s hostseries.Sample) float64 { return s.CPU.System }, false},
		{"CPU waiting for I/O", func(s hostseries.Sample) float64 { return s.CPU.IOWait }, true},
		{"CPU stolen by other guests", func(s hostseries.Sample) float64 { return s.CPU.Steal }, true},
	} {
		if mean := p.host.Mean(part.of); !part.rare || mean > 0.05 {
			f.Series = append(f.Series, p.host.Series(part.name, part.of))
		}
	}
	drawn := p.busiest(2)
	for _, i := range drawn {
		f.Series = append(f.Series, p.host.Series(p.host.Devices[i]+" busy", busyOf(i)))
	}
	facts := append(p.watchedFor(), "CPU in % of all CPUs")
	if n := len(p.host.Devices); n > len(drawn) {
		facts = append(facts, fmt.Sprintf("busiest of %d disks", n))
	}
	f.Head = p.hostHead("CPU and disk during the run", append(facts, p.hostFacts()...)...)
	if n := p.host.Throttled(); n > 0 {
		f.Flags = append(f.Flags, fmt.Sprintf("the CPUs slowed down for heat: %.0f throttle events", n))
	}
	p.add("host", f.Figure())
}

// traffic draws what went to and from the disks that had any.
func (p *painter) traffic() {
	f := figure.Time{Quantity: figure.Bandwidth}
	facts := p.watchedFor()
	for n, i := range p.busiest(len(p.host.Devices)) {
		name := p.host.Devices[i]
		for _, way := range []struct {
			name string
			of   func(hostseries.Sample) float64
		}{
			{name + " read", func(s hostseries.Sample) float64 { return s.Devices[i].ReadBytes }},
			{name + " write", func(s hostseries.Sample) float64 { return s.Devices[i].WriteBytes }},
		} {
			if p.host.Mean(way.of) > 0 || n == 0 {
				f.Series = append(f.Series, p.host.Series(way.name, way.of))
			}
		}
		if mean := p.host.Mean(func(s hostseries.Sample) float64 { return s.Devices[i].InFlight }); mean > 0 && n < 2 {
			facts = append(facts, fmt.Sprintf("%s: %.3g requests in flight", name, mean))
		}
	}
	f.Head = p.hostHead("Disk throughput during the run", facts...)
	p.add("disk", f.Figure())
}

// hostHead is head without what is wrong with fio's logs: none of it is drawn.
func (p *painter) hostHead(title string, facts ...string) figure.Head {
	h := p.head(title, facts...)
	h.Flags = flagsOf(p.c, &reading.Run{})
	return h
}

func busyOf(i int) func(hostseries.Sample) float64 {
	return func(s hostseries.Sample) float64 { return s.Devices[i].Busy }
}

// busiest are the places of at most n disks, the busiest first, and of the
// idle ones no more than one.
func (p *painter) busiest(n int) []int {
	order := make([]int, len(p.host.Devices))
	busy := make([]float64, len(order))
	for i := range order {
		order[i] = i
		if busy[i] = p.host.Mean(busyOf(i)); math.IsNaN(busy[i]) {
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

func (p *painter) watchedFor() []string {
	n, step := p.host.Intervals()
	return intervals(n, step.Seconds())
}

// hostFacts are what is stated rather than drawn.
func (p *painter) hostFacts() []string {
	var out []string
	if m := p.host.Mean(func(s hostseries.Sample) float64 { return s.Memory }); !math.IsNaN(m) {
		out = append(out, fmt.Sprintf("%.3g GiB of memory used", m/(1<<30)))
	}
	if m := p.host.Mean(func(s hostseries.Sample) float64 { return s.FreqMean }); !math.IsNaN(m) {
		out = append(out, fmt.Sprintf("%.3g GHz", m/1000))
	}
	return out
}
