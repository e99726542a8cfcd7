package measure

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
)

// leastRepeats is how many repeats an interval takes at least.
const leastRepeats = 3

// Ends finds how runs ended; a bus does.
type Ends interface {
	Ended(ctx context.Context, filter string) (events.Event, bool, error)
}

// Precision decides which repeats of a list are not needed, because those before
// give a figure closely enough. It decides by the ends in the stream, so a worker
// that takes the list over decides alike. Methods of nil do nothing: most lists
// want all their repeats.
type Precision struct {
	ends   Ends
	host   string
	list   events.RunList
	target float64 // half the interval's width over the median
	figure string
	least  int
	known  map[string]*events.RunCompleted // by run; nil for another end
}

// NewPrecision returns the precision that a list asks for, nil if it wants all its
// repeats. host is this worker's, by which the ends of its runs are found.
func NewPrecision(list events.RunList, host string, ends Ends) *Precision {
	if list.Measure == nil || list.Measure.Spread == "" {
		return nil
	}
	percent, err := strconv.ParseFloat(strings.TrimSuffix(list.Measure.Spread, "%"), 64)
	if err != nil || percent <= 0 {
		return nil
	}
	figure := list.Measure.SpreadOf
	if figure == "" {
		figure = "iops"
	}
	return &Precision{
		ends: ends, host: host, list: list, target: percent / 100, figure: figure,
		least: max(list.Repeat, leastRepeats), known: map[string]*events.RunCompleted{},
	}
}

// Reached returns why a run is not needed, "" if it is. Runs that failed, or whose
// integrity is in doubt, do not count; so do those whose end still waits in the
// spool: what is not known is measured.
func (p *Precision) Reached(ctx context.Context, inv events.Invocation) (string, error) {
	if p == nil || inv.Repeat < p.least {
		return "", nil
	}
	values := map[string][]float64{}
	for _, other := range p.list.Runs {
		if other.Repeat >= inv.Repeat || other.Job != inv.Job || other.Point.Key() != inv.Point.Key() {
			continue
		}
		done, err := p.end(ctx, other)
		if err != nil {
			return "", err
		}
		if done == nil || done.Integrity.State != events.IntegrityOK {
			continue
		}
		for _, dir := range done.Summary.Directions() {
			if v := figureOf(done.Summary.Direction(dir), p.figure); v > 0 { // not of what was not measured
				values[dir] = append(values[dir], v)
			}
		}
	}
	return p.tight(values), nil
}

// tight says by how much the figure is known in every direction, "" if it is
// not known closely enough in one.
func (p *Precision) tight(values map[string][]float64) string {
	var said []string
	for dir, list := range values {
		half, ok := halfWidth(list)
		if len(list) < p.least || !ok || half > p.target {
			return ""
		}
		said = append(said, fmt.Sprintf("%s.%s is known to ±%.2f%% after %d repeats", dir, p.figure, 100*half, len(list)))
	}
	slices.Sort(said)
	return strings.Join(said, ", ")
}

// end is how an earlier run of the list completed, nil if it did not.
func (p *Precision) end(ctx context.Context, inv events.Invocation) (*events.RunCompleted, error) {
	if done, known := p.known[inv.Run]; known {
		return done, nil
	}
	inv.Host = p.host
	e, found, err := p.ends.Ended(ctx, inv.EndFilter())
	if err != nil {
		return nil, bus.Unavailable(err)
	}
	if !found {
		return nil, nil //nolint:nilnil // not ended, as far as the stream knows
	}
	done, ok := e.Data.(events.RunCompleted)
	if !ok {
		p.known[inv.Run] = nil
		return nil, nil //nolint:nilnil // another end
	}
	p.known[inv.Run] = &done
	return &done, nil
}

// figureOf is a figure by its name; NaN if it was not measured.
func figureOf(f *events.Figures, name string) float64 {
	switch name {
	case "bw":
		return f.BandwidthBytes
	case "iops", "":
		return f.IOPS
	default:
		return f.Latency.Value(name)
	}
}

// halfWidth is half the width of the mean's 95% interval (Student's) over the
// median. It reports false where there is none: too few values, or zeros.
func halfWidth(values []float64) (float64, bool) {
	n := len(values)
	if n < leastRepeats {
		return 0, false
	}
	var sum, squares float64
	for _, v := range values {
		sum += v
	}
	mean := sum / float64(n)
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	sorted := slices.Sorted(slices.Values(values))
	median := (sorted[(n-1)/2] + sorted[n/2]) / 2
	if !(median > 0) {
		return 0, false
	}
	return student(n-1) * math.Sqrt(squares/float64(n-1)/float64(n)) / median, true
}

// students are the 97.5% quantiles of Student's distribution for 1, 2, 3 …
// degrees of freedom.
var students = []float64{
	12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
	2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
	2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
}

func student(freedom int) float64 {
	if freedom <= len(students) {
		return students[freedom-1]
	}
	return 1.96 + 2.4/float64(freedom) // within 0.002 from here on
}
