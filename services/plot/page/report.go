package page

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/catalogue"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/verdict"
)

// Report is what is told of a bench that has ended, as a document that stands
// alone. The same report is written the same at any time.
type Report struct {
	Bench   model.Bench
	Request events.BenchRequested
	// Comparisons, all of them.
	Comparisons []events.Comparison
	// Differences between the environments of both sides; nil without a baseline.
	Differences []Difference
	// URL of the web page, for links to runs.
	URL string
	// Threshold is the least relative shift that was worth telling.
	Threshold float64
	// Figures of the bench as a whole are placed inline.
	Figures []Drawing
	// Tails are latencies over all repeats of each point.
	Tails []Tail
	// Runs are the runs whose own figures are placed inline.
	Runs []RunDrawings
}

// Tail is the tail latency of all sound repeats of a point in one direction.
type Tail struct {
	Job, Point, Host, Direction string
	Of                          string // lat or clat
	P99, P999                   verdict.Tail
}

// RunDrawings are figures of one run.
type RunDrawings struct {
	Run     *model.Run
	Figures []Drawing
}

// Drawing is a figure as SVG, made by package figure.
type Drawing struct {
	Name string
	SVG  []byte
}

// point is the summary of all repeats of a point on a host, in one direction.
type point struct {
	Job, Point, Host, Direction string
	Runs, Doubtful              int
	IOPS, Bandwidth             string
	Mean, P50, P99, P999        string
}

// reportPage is what the template shows.
type reportPage struct {
	Report
	Title       string
	Comparisons []comparison
	Sides       *sidesView
	Points      []point
	Failed      []*model.Run
	Drawings    []template.HTML
	Machines    []machine
	Doubts      []doubt
	AllDoubts   int
	Method      string
	Kind        string // of latencies
	RunFigures  []runFigures
}

// runFigures are RunDrawings as the template shows them.
type runFigures struct {
	Run      *model.Run
	Drawings []template.HTML
}

// maxFailed bounds how many runs that did not complete are listed.
const maxFailed = 50

// WriteHTML writes the report as a page that needs nothing else.
func (r Report) WriteHTML(w io.Writer) error {
	t, err := template.New("report").Funcs(functions()).Funcs(template.FuncMap{
		"bench": func(id string) string { return r.URL + "/benches/" + id },
		"run":   func(id string) string { return r.URL + "/runs/" + id },
	}).ParseFS(templates, "template/layout.html", "template/bench.html", "template/report.html")
	if err != nil {
		return fmt.Errorf("parse report: %w", err)
	}
	p := reportPage{Report: r, Title: r.Bench.Name, Comparisons: written(r.Comparisons), Points: points(r.Bench), Failed: failed(r.Bench),
		Drawings: inline(r.Figures), Machines: machines(r.Bench), Method: method(r), Kind: latencyKind(r.Bench)}
	p.Doubts, p.AllDoubts = doubts(r.Bench)
	if len(r.Differences) > 0 {
		p.Sides = &sidesView{r.Differences}
	}
	for _, d := range r.Runs {
		p.RunFigures = append(p.RunFigures, runFigures{d.Run, inline(d.Figures)})
	}
	return t.ExecuteTemplate(w, "report.html", p)
}

func inline(list []Drawing) []template.HTML {
	var out []template.HTML
	for _, d := range list {
		out = append(out, template.HTML(d.SVG)) // #nosec G203 -- package figure escapes what it writes
	}
	return out
}

// points summarises completed runs by job, point, host and direction, in the
// order of the runs.
func points(b model.Bench) []point {
	type sums struct {
		point
		iops, bw, mean, p50, p99, p999 []float64
	}
	var all []*sums
	for _, r := range catalogue.InOrder(b.Runs, func(r *model.Run) string { return r.Job }, func(r *model.Run) string { return r.Point.Key() }) {
		if r.Completed == nil {
			continue
		}
		for _, dir := range r.Completed.Summary.Directions() {
			key := point{Job: r.Job, Point: r.Point.Key(), Host: r.Host, Direction: dir}
			i := slices.IndexFunc(all, func(s *sums) bool {
				return s.Job == key.Job && s.Point == key.Point && s.Host == key.Host && s.Direction == key.Direction
			})
			if i < 0 {
				all = append(all, &sums{point: key})
				i = len(all) - 1
			}
			s, f := all[i], r.Completed.Summary.Direction(dir)
			s.Runs++
			if r.Completed.Integrity.State != events.IntegrityOK {
				s.Doubtful++
			}
			s.iops, s.bw = append(s.iops, f.IOPS), append(s.bw, f.BandwidthBytes)
			s.mean, s.p50 = append(s.mean, f.Latency.Value("lat")), append(s.p50, f.Latency.Value("p50"))
			s.p99, s.p999 = append(s.p99, f.Latency.Value("p99")), append(s.p999, f.Latency.Value("p999"))
		}
	}
	out := make([]point, len(all))
	for i, s := range all {
		s.IOPS, s.Bandwidth = figure.IOPS.Format(middle(s.iops)), figure.Bandwidth.Format(middle(s.bw))
		s.Mean, s.P50 = latency(middle(s.mean)), latency(middle(s.p50))
		s.P99, s.P999 = latency(middle(s.p99)), latency(middle(s.p999))
		out[i] = s.point
	}
	return out
}

// middle returns the median of the values that are known, NaN if none is.
func middle(values []float64) float64 {
	values = slices.DeleteFunc(values, math.IsNaN)
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// failed lists the runs that did not complete.
func failed(b model.Bench) []*model.Run {
	var out []*model.Run
	for _, r := range b.Runs {
		if r.Completed == nil && len(out) < maxFailed {
			out = append(out, r)
		}
	}
	return out
}

// N is how many runs the point stands for, and how many of them are in doubt.
func (p point) N() string {
	if p.Doubtful > 0 {
		return fmt.Sprintf("%d (%d in doubt)", p.Runs, p.Doubtful)
	}
	return fmt.Sprint(p.Runs)
}
