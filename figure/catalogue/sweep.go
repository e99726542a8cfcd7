package catalogue

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
)

// severalDepths reports whether there is a curve along the queue depth.
func severalDepths(s Subject, _ string) bool { return len(optionValues(s.Bench)["iodepth"]) > 0 }

// halfMeasured reports whether at least half of a surface was measured. Runs that
// happen to lie in one folder are seldom a matrix.
func halfMeasured(s Subject, _ string) bool {
	known, all := 0, 0
	for _, row := range s.Bench.surface("").Values {
		for _, v := range row {
			all++
			if !math.IsNaN(v) {
				known++
			}
		}
	}
	return known > 1 && 2*known >= all
}

// without is a point's key but for some options.
func without(p events.Point, options ...string) string {
	rest := events.Point{}
	for k, v := range p {
		if !slices.Contains(options, k) {
			rest[k] = v
		}
	}
	return rest.Key()
}

// totals are the rate and the mean latency of a run over all directions: of its
// reads, writes and trims, if they were measured at the same time. The latency
// is NaN when it was not measured.
func totals(s events.Summary) (iops, latency float64) {
	var n, sum float64
	for _, dir := range events.Directions() {
		f := s.Direction(dir)
		if f == nil {
			continue
		}
		iops += f.IOPS
		n += float64(f.TotalIOs)
		sum += f.Latency.Value("lat") * float64(f.TotalIOs)
	}
	if n == 0 {
		return iops, math.NaN()
	}
	return iops, sum / n
}

// CompareValues compares values of options as numbers with fio's suffixes where both are such,
// and as text otherwise.
func CompareValues(a, b string) int {
	x, okA := quantity(a)
	y, okB := quantity(b)
	if okA && okB {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a, b)
}

// quantity reads a number such as 8, 4k, 64KiB, 1m, 50% or 100us, in the units of its
// kind: a size, or a time in seconds.
func quantity(s string) (float64, bool) {
	s = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(s)), "%")
	for _, u := range []struct {
		suffix string
		factor float64
	}{
		{"us", 1e-6}, {"usec", 1e-6}, {"ms", 1e-3}, {"msec", 1e-3}, {"sec", 1}, {"s", 1},
		{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40}, {"p", 1 << 50},
	} {
		for _, rest := range []string{"", "b", "ib"} {
			if number, ok := strings.CutSuffix(s, u.suffix+rest); ok {
				if v, err := strconv.ParseFloat(number, 64); err == nil {
					return v * u.factor, true
				}
			}
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil
}

// load draws latency over throughput: one curve for each combination of the
// other options, along the queue depth.
func load(title string, s Subject, _ string) *figure.Figure { return s.Bench.load(title).Figure() }

func (b *Bench) load(title string) figure.Load {
	f := figure.Load{Head: b.head(title), Throughput: figure.IOPS}
	type place struct{ curve, depth string }
	iops, latency := map[place][]float64{}, map[place][]float64{}
	var places []place
	for _, r := range b.Runs {
		if r.Completed == nil {
			continue
		}
		at := place{without(r.Point, "iodepth"), r.Point["iodepth"]}
		if _, seen := iops[at]; !seen {
			places = append(places, at)
		}
		x, y := totals(r.Completed.Summary)
		iops[at], latency[at] = append(iops[at], x), append(latency[at], y)
	}
	slices.SortStableFunc(places, func(x, y place) int { return CompareValues(x.depth, y.depth) })
	for _, at := range places {
		i := slices.IndexFunc(f.Curves, func(c figure.LoadCurve) bool { return c.Name == curveName(at.curve) })
		if i < 0 {
			f.Curves = append(f.Curves, figure.LoadCurve{Name: curveName(at.curve)})
			i = len(f.Curves) - 1
		}
		f.Curves[i].Points = append(f.Curves[i].Points, figure.LoadPoint{Label: at.depth, Throughput: mid(iops[at]), Latency: mid(latency[at])})
	}
	f.Facts = append(f.Facts, "medians", "labels: iodepth")
	return f
}

func curveName(key string) string { return cmp.Or(key, "all") }

// mid is the median of at least one value.
func mid(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// surface draws the rate over two options: queue depth and jobs if both vary,
// else the two with the most values. The others are held where most was
// measured.
func surface(title string, s Subject, _ string) *figure.Figure {
	return s.Bench.surface(title).Figure()
}

func (b *Bench) surface(title string) figure.Surface {
	f := figure.Surface{Head: b.head(title), Quantity: figure.IOPS}
	f.Facts = append(f.Facts, "medians")
	values := optionValues(b)
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int {
		preferred := []string{"numjobs", "iodepth"}
		return cmp.Or(
			cmp.Compare(slices.Index(preferred, y), slices.Index(preferred, x)),
			cmp.Compare(len(values[y]), len(values[x])), cmp.Compare(x, y))
	})
	if len(names) < 2 {
		return f
	}
	f.XName, f.YName = names[0], names[1]
	f.X, f.Y = values[f.XName], values[f.YName]
	f.Title = "IOPS by " + f.XName + " and " + f.YName
	held, cells := fullest(b, f.XName, f.YName)
	if held != "" {
		f.Facts = append(f.Facts, "at "+held)
	}
	for _, y := range f.Y {
		var row []float64
		for _, x := range f.X {
			v := math.NaN()
			if list := cells[[2]string{x, y}]; len(list) > 0 {
				v = mid(list)
			}
			row = append(row, v)
		}
		f.Values = append(f.Values, row)
	}
	return f
}

// fullest gathers the rates by the values of two options, where the others
// have the values at which the most cells were measured.
func fullest(b *Bench, x, y string) (held string, cells map[[2]string][]float64) {
	all := map[string]map[[2]string][]float64{}
	var order []string // the first of equals
	for _, r := range b.Runs {
		if r.Completed == nil {
			continue
		}
		rest := without(r.Point, x, y)
		if all[rest] == nil {
			all[rest] = map[[2]string][]float64{}
			order = append(order, rest)
		}
		iops, _ := totals(r.Completed.Summary)
		at := [2]string{r.Point[x], r.Point[y]}
		all[rest][at] = append(all[rest][at], iops)
	}
	for _, rest := range order {
		if len(all[rest]) > len(cells) {
			held, cells = rest, all[rest]
		}
	}
	return held, cells
}

// differsIn tells whether two runs differ in one option alone, so that a
// figure by that option says something about it.
func (b *Bench) differsIn(option string) bool {
	values := map[string]string{}
	for _, r := range b.Runs {
		v := r.Point[option]
		if r.Completed == nil || v == "" {
			continue
		}
		rest := join(r.Job, without(r.Point, option))
		if known, ok := values[rest]; ok && known != v {
			return true
		}
		values[rest] = v
	}
	return false
}

// optionValues lists the values of each option that varies, in order.
func optionValues(b *Bench) map[string][]string {
	out := map[string][]string{}
	for _, r := range b.Runs {
		for k, v := range r.Point {
			if r.Completed != nil && !slices.Contains(out[k], v) {
				out[k] = append(out[k], v)
			}
		}
	}
	for k, values := range out {
		if len(values) < 2 {
			delete(out, k)
			continue
		}
		slices.SortFunc(values, CompareValues)
	}
	return out
}
