package fleet

import (
	"bytes"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/host/summary"
)

// summary is what the run as it was measured says of itself.
func (w workload) summary() (events.Summary, error) {
	out, err := result.Read(bytes.NewReader(w.raw))
	if err != nil {
		return events.Summary{}, err
	}
	return summary.Of(out.Document()), nil
}

// summary stretches a summary as [workload.as] does the document, without reading
// it again: of most runs of the fleet only this is kept.
func (s stretch) summary(from events.Summary) events.Summary {
	to := from
	to.Read, to.Write, to.FioVersion = s.figures(from.Read), s.figures(from.Write), fioVersion
	to.Sections = nil
	for _, section := range from.Sections {
		section.RuntimeMS *= longer
		section.Read, section.Write = s.figures(section.Read), s.figures(section.Write)
		to.Sections = append(to.Sections, section)
	}
	return to
}

func (s stretch) figures(from *events.Figures) *events.Figures {
	if from == nil {
		return nil
	}
	to := *from
	to.IOPS, to.BandwidthBytes = from.IOPS*s.Rate, from.BandwidthBytes*s.Rate
	to.RuntimeMS = from.RuntimeMS * longer
	to.TotalIOs, to.TotalBytes = uint64(float64(from.TotalIOs)*s.Rate*longer), uint64(float64(from.TotalBytes)*s.Rate*longer)
	to.Latency, to.Lat, to.Clat, to.Slat = s.latencies(from.Latency), s.latencies(from.Lat), s.latencies(from.Clat), nil
	return &to
}

func (s stretch) latencies(from *events.Latency) *events.Latency {
	if from == nil {
		return nil
	}
	to := *from
	longerBy := s.curve(known(from.P95), known(from.P99))
	to.Mean, to.Max = from.Mean*s.Time*(1+(s.Tail-1)/20), longerBy(from.Max)
	for _, p := range []struct {
		to   **float64
		from *float64
	}{{&to.P50, from.P50}, {&to.P95, from.P95}, {&to.P99, from.P99}, {&to.P999, from.P999}, {&to.P9999, from.P9999}, {&to.P99999, from.P99999}} {
		if p.from != nil {
			v := longerBy(*p.from)
			*p.to = &v
		}
	}
	return &to
}

func known(p *float64) float64 {
	if p == nil {
		return 0
	}
	return *p
}
