package catalogue

import (
	"fmt"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/result"
)

func hasDocument(s Subject, _ string) bool { return s.Run.Document != nil }
func hasBins(s Subject, _ string) bool     { return len(s.Run.distributions()) > 0 }

func percentiles(title string, s Subject, _ string) *figure.Figure {
	return figure.Percentiles{Head: s.Run.head(title), Quantity: figure.Latency, Sets: s.Run.distributions()}.Figure()
}

func histogram(title string, s Subject, _ string) *figure.Figure {
	return figure.Histogram{Head: s.Run.head(title), Quantity: figure.Latency, Sets: s.Run.distributions()}.Figure()
}

func cumulative(title string, s Subject, _ string) *figure.Figure {
	return figure.CDF{Head: s.Run.head(title), Quantity: figure.Latency, Sets: s.Run.distributions()}.Figure()
}

// completionOnly names latencies that leave submission out.
const completionOnly = " completion"

// distributions returns the latencies of each direction over all jobs, from the
// bins of fio's result: the total ones where fio counted them, completion,
// named so, where it did not.
func (r *Run) distributions() []figure.Distribution {
	if r.Document == nil {
		return nil
	}
	var sets []figure.Distribution
	for _, dir := range r.Document.SeriesNames() {
		h, of := r.Document.Histogram(dir)
		if h == nil {
			continue
		}
		name := dir
		if of == result.CompletionLatency {
			name += completionOnly
		}
		sets = append(sets, figure.Distribution{Name: name, Bins: reading.Bins(h)})
	}
	return sets
}

// usage draws what jobs used of the processor, and how busy disks were, as fio
// counted it.
func usage(title string, s Subject, _ string) *figure.Figure {
	f := figure.Bars{Head: s.Run.head(title), Quantity: figure.Percent}
	if doc := s.Run.Document; doc != nil {
		for i, j := range doc.Jobs {
			f.Groups = append(f.Groups, figure.BarGroup{Name: fmt.Sprintf("job %d: %s", i+1, j.Name), Bars: []figure.Bar{
				{Name: "user", Values: []float64{j.CPU.User}}, {Name: "system", Values: []float64{j.CPU.System}},
			}})
		}
		for _, d := range doc.Disks {
			f.Groups = append(f.Groups, figure.BarGroup{Name: "disk " + d.Name, Bars: []figure.Bar{{Name: "busy", Values: []float64{d.Util}}}})
		}
	}
	return f.Figure()
}
