// Package summary makes the part of a result that events carry: figures by
// section, direction and kind of latency, within the size of an event.
package summary

import (
	"encoding/json"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/result"
)

// room is how many bytes of JSON an event has for its summary. What sections
// there is no room for are left out, and counted.
const room = 36 << 10

// Of converts a result's summary.
func Of(d *result.Document) events.Summary {
	in := &d.Summary
	s := events.Summary{
		FioVersion: d.FioVersion,
		Read:       Figures(in.Read), Write: Figures(in.Write), Trim: Figures(in.Trim), Mixed: Figures(in.Mixed), Sync: Figures(in.Sync),
	}
	left := room - size(s)
	for i := range in.Sections {
		one := section(&in.Sections[i])
		if left -= size(one); left < 0 && i > 0 {
			s.SectionsLeft = len(in.Sections) - i
			break
		}
		s.Sections = append(s.Sections, one)
	}
	return s
}

func section(in *result.Section) events.Section {
	return events.Section{
		Name: in.Name, StartMS: count(in.StartMS), RuntimeMS: count(in.RuntimeMS), Copies: in.Copies,
		Read: Figures(in.Read), Write: Figures(in.Write), Trim: Figures(in.Trim), Mixed: Figures(in.Mixed), Sync: Figures(in.Sync),
		CPUPerIO: in.CPUPerIO, SwitchesPerIO: in.SwitchesPerIO,
	}
}

// Figures converts the figures of one direction, nil for nil.
func Figures(f *result.Figures) *events.Figures {
	if f == nil {
		return nil
	}
	return &events.Figures{
		IOPS: f.IOPS, BandwidthBytes: f.BWBytes, TotalIOs: count(f.TotalIOs), TotalBytes: count(f.Bytes), RuntimeMS: count(f.RuntimeMS),
		Latency: latency(f.Latency), Lat: latency(f.Lat), Clat: latency(f.Clat), Slat: latency(f.Slat), Sections: f.Sections,
	}
}

func latency(l *result.LatencyFigures) *events.Latency {
	if l == nil {
		return nil
	}
	return &events.Latency{
		Of: string(l.Of), Mean: l.Mean, P50: l.P50, P95: l.P95, P99: l.P99, P999: l.P999, P9999: l.P9999, P99999: l.P99999,
		Max: l.Max, Beyond: l.Beyond,
	}
}

func count(n int64) uint64 { return uint64(max(0, n)) } // #nosec G115 -- not negative

func size(v any) int {
	b, err := json.Marshal(v)
	if err != nil { // numbers and texts: cannot fail
		return 0
	}
	return len(b)
}
