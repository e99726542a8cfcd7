package index

import (
	"hash/fnv"
	"math"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// Line is what a bench measured of one section and direction, at one point, on one
// host: the medians of its repeats. Benches of one name and repository have lines of
// the same Key, which make a history.
type Line struct {
	Key      int64  `json:"-"`
	Position int    `json:"-"`
	Host     string `json:"host"`
	Device   string `json:"device,omitempty"` // serial number, or WWN
	Model    string `json:"model,omitempty"`
	Job      string `json:"job"`
	Point    string `json:"point,omitempty"`
	Series   string `json:"series"` // section/direction, or the direction alone
	// Runs that completed, and how many of them passed their checks. The medians
	// are of these, or of all if there are none.
	Runs  int `json:"runs"`
	Sound int `json:"sound"`
	// IOPS per second, Bandwidth in B/s, latencies in ns; nil is unknown.
	IOPS      *float64 `json:"iops"`
	Bandwidth *float64 `json:"bandwidth_bytes"`
	P50       *float64 `json:"p50_ns"`
	P99       *float64 `json:"p99_ns"`
	// Changes against the level or baseline, as the bench was judged: 0.05 is 5%
	// more. Nil where it was not judged. Verdict is the worst of the line's metrics.
	IOPSChange *float64 `json:"iops_change"`
	P99Change  *float64 `json:"p99_change"`
	Verdict    string   `json:"verdict,omitempty"`
	// History of the IOPS and p99 of lines of the same key, oldest first.
	History []Past `json:"-"`
}

// Past is a line of an earlier bench.
type Past struct {
	At        int64 // milliseconds since 1970
	IOPS, P99 *float64
}

// group is a line being made.
type group struct {
	Line
	iops, bw, p50, p99 []float64
}

// linesOf makes the lines of a bench, in the order of their runs.
func linesOf(b model.Bench, devices map[string]events.Device) []Line {
	groups, order := map[int64]*group{}, []int64{}
	repo := ""
	if b.Origin != nil {
		repo = b.Origin.Repo.Name
	}
	for _, r := range b.Runs {
		if r.Completed == nil {
			continue
		}
		for _, series := range r.Completed.Summary.Directions() {
			key := keyOf(repo, b.Name, r.Host, r.Job, r.Point.Key(), series)
			g := groups[key]
			if g == nil {
				d := devices[r.Host]
				g = &group{Line: Line{Key: key, Position: len(order), Host: r.Host, Device: deviceID(d), Model: d.Model, Job: r.Job, Point: r.Point.Key(), Series: series}}
				groups[key], order = g, append(order, key)
			}
			g.add(r, series)
		}
	}
	lines := make([]Line, 0, len(order))
	for _, key := range order {
		lines = append(lines, groups[key].line(b))
	}
	return lines
}

func keyOf(parts ...string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.Join(parts, "\x00")))
	return int64(h.Sum64()) //nolint:gosec // any bits will do
}

// add takes a run's figures. The first sound run puts those of others aside.
func (g *group) add(r *model.Run, series string) {
	section, _ := events.SplitSeries(series)
	sound := r.Completed.Integrity.Of(section) == events.IntegrityOK
	g.Runs++
	if sound {
		if g.Sound++; g.Sound == 1 {
			g.iops, g.bw, g.p50, g.p99 = nil, nil, nil, nil
		}
	} else if g.Sound > 0 {
		return
	}
	f := r.Completed.Summary.Direction(series)
	g.iops, g.bw = append(g.iops, f.IOPS), append(g.bw, f.BandwidthBytes)
	if v := f.Latency.Value("p50"); !math.IsNaN(v) {
		g.p50 = append(g.p50, v)
	}
	if v := f.Latency.Value("p99"); !math.IsNaN(v) {
		g.p99 = append(g.p99, v)
	}
}

// line is the group as a line, with what the bench's report says of it.
func (g *group) line(b model.Bench) Line {
	l := g.Line
	l.IOPS, l.Bandwidth, l.P50, l.P99 = median(g.iops), median(g.bw), median(g.p50), median(g.p99)
	if b.Report == nil {
		return l
	}
	for _, c := range b.Report.Comparisons {
		if c.Point != l.Point || c.Job != "" && c.Job != l.Job || c.Host != "" && c.Host != l.Host {
			continue
		}
		figure, ok := strings.CutPrefix(c.Metric, l.Series+".")
		if !ok {
			continue
		}
		switch figure {
		case "iops":
			l.IOPSChange = &c.Change
		case "p99":
			l.P99Change = &c.Change
		}
		if Rank(string(c.Verdict)) > Rank(l.Verdict) {
			l.Verdict = string(c.Verdict)
		}
	}
	return l
}

// Rank orders verdicts by what a reader must know first.
func Rank(verdict string) int {
	return slices.Index([]string{"", "unchanged", "inconclusive", "improved", "regressed"}, verdict)
}

func median(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	m := values[len(values)/2]
	if n := len(values); n%2 == 0 {
		m = (values[n/2-1] + m) / 2
	}
	return &m
}

// mainLine stands for a bench where there is room for one: the line with the most
// I/Os per second.
func mainLine(lines []Line) Line {
	var best Line
	for _, l := range lines {
		if l.IOPS != nil && (best.IOPS == nil || *l.IOPS > *best.IOPS) {
			best = l
		}
	}
	return best
}

// greatest is the change for the worse or better that is farthest from none, of the
// rate or the latency, signed so that less is worse; nil if nothing was judged.
func greatest(lines []Line) *float64 {
	var out *float64
	take := func(v float64) {
		if out == nil || math.Abs(v) > math.Abs(*out) {
			out = &v
		}
	}
	for _, l := range lines {
		if l.IOPSChange != nil {
			take(*l.IOPSChange)
		}
		if l.P99Change != nil {
			take(-*l.P99Change)
		}
	}
	return out
}
