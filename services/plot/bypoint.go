package plot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/figure"
	"github.com/fiord-bench/fiord/services/plot/history"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
	"github.com/fiord-bench/fiord/services/plot/verdict"
)

// benchFigure draws one of page.BenchSheets other than the trend.
func benchFigure(b model.Bench, name string) (*figure.Figure, error) {
	if option, ok := strings.CutPrefix(name, "by-"); ok {
		return byOption(b, option).Figure(), nil
	}
	switch name {
	case "load":
		return load(b).Figure(), nil
	case "surface":
		return surface(b).Figure(), nil
	}
	return nil, fmt.Errorf("figure %s: %w", name, page.ErrUnknown)
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

// totals are the rate and the mean latency of a run over all directions.
func totals(s events.Summary) (iops, latency float64) {
	var n, sum float64
	for _, dir := range s.Directions() {
		f := s.Direction(dir)
		iops += f.IOPS
		n += float64(f.TotalIOs)
		sum += f.Latency.Mean * float64(f.TotalIOs)
	}
	if n == 0 {
		return iops, 0
	}
	return iops, sum / n
}

// numeric compares values as numbers with fio's suffixes where both are such,
// and as text otherwise.
func numeric(a, b string) int {
	x, okA := quantity(a)
	y, okB := quantity(b)
	if okA && okB {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a, b)
}

// quantity reads a number such as 8, 4k or 1m.
func quantity(s string) (float64, bool) {
	s = strings.ToLower(s)
	factor := 1.0
	for suffix, f := range map[string]float64{"k": 1 << 10, "m": 1 << 20, "g": 1 << 30} {
		if number, ok := strings.CutSuffix(strings.TrimSuffix(s, "ib"), suffix); ok {
			s, factor = number, f
			break
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	return v * factor, err == nil
}

// byOption draws the rate at each value of one option.
func byOption(b model.Bench, option string) figure.Bars {
	f := figure.Bars{Head: barHead(b, "IOPS by "+option), Quantity: figure.IOPS}
	runs := slices.DeleteFunc(slices.Clone(b.Runs), func(r *model.Run) bool { return r.Completed == nil || r.Point[option] == "" })
	slices.SortStableFunc(runs, func(x, y *model.Run) int {
		return cmp.Or(cmp.Compare(without(x.Point, option), without(y.Point, option)), numeric(x.Point[option], y.Point[option]))
	})
	b.Runs = runs
	f.Groups = groups(b, func(f *events.Figures) float64 { return f.IOPS })
	return f
}

// load draws latency over throughput: one curve for each combination of the
// other options, along the queue depth.
func load(b model.Bench) figure.Load {
	f := figure.Load{Head: benchHead(b, "Mean latency over throughput"), Throughput: figure.IOPS}
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
	slices.SortStableFunc(places, func(x, y place) int { return numeric(x.depth, y.depth) })
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
func surface(b model.Bench) figure.Surface {
	f := figure.Surface{Head: benchHead(b, "IOPS by two options"), Quantity: figure.IOPS}
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
func fullest(b model.Bench, x, y string) (held string, cells map[[2]string][]float64) {
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
func differsIn(b model.Bench, option string) bool {
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
func optionValues(b model.Bench) map[string][]string {
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
		slices.SortFunc(values, numeric)
	}
	return out
}

// trendLength is how many benches a trend goes back.
const trendLength = 60

// trend draws the rate of each point from commit to commit, of the benches of
// the same name on the same ref.
func (a asked) trend(ctx context.Context, b model.Bench) (*figure.Figure, error) {
	f := figure.Trend{Head: figure.Head{Title: "IOPS from commit to commit", Subject: b.Name}, Quantity: figure.IOPS}
	if b.Origin == nil {
		f.Facts = []string{"no commit asked for this bench"}
		return f.Figure(), nil
	}
	f.Subject = fmt.Sprintf("%s · %s %s", b.Name, b.Origin.Repo.Name, b.Origin.Ref)
	var h history.History
	err := readJSON(ctx, a.store, history.Key(b.Origin.Repo.Name, b.Name, b.Origin.Ref), maxVerdict, &h)
	if err != nil && !errors.Is(err, artifacts.ErrNotFound) {
		return nil, err
	}
	entries := h.Entries[max(0, len(h.Entries)-trendLength):]
	decisions := make([]decision, len(entries))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, e := range entries {
		group.Go(func() error {
			return readJSON(ctx, a.store, artifacts.ReportKey(e.Bench, fileVerdict), maxVerdict, &decisions[i])
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, e := range entries {
		f.Commits = append(f.Commits, figure.Commit{Label: e.Commit[:min(7, len(e.Commit))], Mark: markOf(e)})
		addTrend(&f, decisions[i], i)
	}
	f.Facts = []string{fmt.Sprintf("benches: %d", len(entries)), "median of sound runs", "whisker: least to greatest"}
	return f.Figure(), nil
}

func markOf(e history.Entry) figure.Mark {
	switch {
	case e.Accepted:
		return figure.Accepted
	case e.Verdict == events.VerdictRegressed:
		return figure.Worse
	case e.Verdict == events.VerdictImproved:
		return figure.Better
	default:
		return figure.Plain
	}
}

// addTrend adds the sound runs of the i-th bench to the lines of their points.
func addTrend(f *figure.Trend, d decision, i int) {
	for _, r := range d.Runs {
		if r.Integrity != events.IntegrityOK {
			continue
		}
		for _, dir := range []string{"read", "write", "trim"} {
			v, ok := r.Values[verdict.Metric(dir+".iops")]
			if !ok {
				continue
			}
			name := join(cmp.Or(r.Point, r.Job), dir)
			at := slices.IndexFunc(f.Lines, func(l figure.TrendLine) bool { return l.Name == name })
			if at < 0 {
				f.Lines = append(f.Lines, figure.TrendLine{Name: name})
				at = len(f.Lines) - 1
			}
			for len(f.Lines[at].Values) <= i {
				f.Lines[at].Values = append(f.Lines[at].Values, nil)
			}
			f.Lines[at].Values[i] = append(f.Lines[at].Values[i], v)
		}
	}
}
