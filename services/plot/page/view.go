package page

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/catalogue"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// How much one page shows.
const (
	runsPerPage = 200
)

// frame is what the layout needs of every page.
type frame struct {
	Title   string
	Root    string
	Area    string // where in the navigation the page is: /, /hosts, ...
	Crumbs  []crumb
	Refresh int    // seconds between reloads where no script runs; 0 for none
	Live    string // the bench whose news reload parts of the page, or all; empty for none
	API     string // the same as JSON; empty for none
	Script  bool   // the page has figures to point at
	Foot    string
	Account account
}

type crumb struct{ Text, URL string }

// frame starts a page of an area.
func (h *Handler) frame(r *http.Request, title, area string, crumbs ...crumb) frame {
	return frame{Title: title, Root: "/", Area: area, Foot: h.foot, Account: accountOf(r), Crumbs: crumbs}
}

// Areas are the parts of the site that each page links to.
func (frame) Areas() []crumb {
	return []crumb{{"Benches", "/"}, {"Hosts", "/hosts"}, {"Devices", "/devices"}}
}

// number reads a count from a query; anything else is 0.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 1e6 {
		return 0
	}
	return n
}

// withSkip returns the path with the query's skip changed.
func withSkip(path string, q url.Values, skip int) string {
	c := url.Values{}
	for k, v := range q {
		c[k] = v
	}
	c.Del("skip")
	if skip > 0 {
		c.Set("skip", strconv.Itoa(skip))
	}
	if len(c) == 0 {
		return path
	}
	return path + "?" + c.Encode()
}

type benchPage struct {
	frame
	Bench        model.Bench
	Comparisons  []comparison
	Sides        *sidesView // nil without a baseline
	Chain        []link
	Figures      []picture
	More         []picture
	Rows         []row
	Comparable   bool // there are two completed runs
	MoreRuns     string
	Newer, Older string
	Running      []running
}

// comparison is an events.Comparison with its numbers written out.
type comparison struct {
	events.Comparison
	PointText                                                  string
	BeforeText, AfterText, ChangeText, IntervalText, CountText string
	// HostKnown says that Host is a host of the bench, and has a page.
	HostKnown bool
	// Tail is set for percentiles of which the I/Os of both sides are at hand.
	Tail *tailShift
}

// tailShift is an events.MergedTail written out.
type tailShift struct{ Before, After, Change, IOs string }

// row is one direction of one run in the table of runs.
type row struct {
	Run   *model.Run
	First bool // carries the cells that span the run's directions
	Span  int
	numbers
}

// numbers of one direction, written out. All empty for a run without figures.
type numbers struct {
	Direction, IOPS, Bandwidth, Total string
	Mean, P50, P95, P99, P999, Max    string
}

// bench serves one bench.
func (h *Handler) bench(w http.ResponseWriter, r *http.Request) {
	b, err := h.source.Bench(r.Context(), r.PathValue("bench"))
	if err != nil {
		h.fail(w, r, "This bench", err)
		return
	}
	p := benchPage{frame: frame{Title: b.Name, Root: "/", Foot: h.foot, Account: accountOf(r), Crumbs: []crumb{{Text: b.Name, URL: withSkip("/", url.Values{"name": {b.Name}}, 0)}, {Text: short(b.ID)}}}, Bench: b, Chain: chain(b)}
	if !b.State.Ended() {
		p.Refresh, p.Live, p.Running = 5, b.ID, writtenProgress(h.feed.Running(b.ID))
	}
	if b.Report != nil {
		p.Comparisons, p.Sides = written(b.Report.Comparisons), h.sides(r.Context(), b)
		for i, c := range p.Comparisons {
			p.Comparisons[i].HostKnown = slices.ContainsFunc(b.Runs, func(r *model.Run) bool { return r.Host == c.Host && r.Host != "" })
		}
		p.Figures = pictures(b.Report.Reports, b.Name, "/benches/"+b.ID)
	}
	if p.Comparable = b.Counts().Completed > 1; b.State.Ended() && b.Counts().Completed > 0 {
		p.More = sheets(catalogue.OnDemand(catalogue.OfBench), "/benches/"+b.ID+"/figures/", nil)
	}
	skip := min(number(r.URL.Query().Get("skip")), len(b.Runs))
	end := min(skip+runsPerPage, len(b.Runs))
	p.Rows = rows(b.Runs[skip:end])
	if end-skip < len(b.Runs) {
		p.MoreRuns = fmt.Sprintf("runs %d to %d of %d", skip+1, end, len(b.Runs))
		if skip > 0 {
			p.Newer = withSkip("/benches/"+b.ID, nil, max(0, skip-runsPerPage))
		}
		if end < len(b.Runs) {
			p.Older = withSkip("/benches/"+b.ID, nil, end)
		}
	}
	h.render(w, r, "bench", p)
}

func written(list []events.Comparison) []comparison {
	out := make([]comparison, len(list))
	jobs := slices.ContainsFunc(list, func(c events.Comparison) bool { return c.Job != list[0].Job })
	for i, c := range list {
		q := quantity(c.Unit)
		out[i] = comparison{Comparison: c, PointText: pointText(c.Point), Tail: writtenTail(c.Merged), BeforeText: q.Format(c.Before), AfterText: q.Format(c.After),
			ChangeText: percent(c.Change), IntervalText: percent(c.Low) + " to " + percent(c.High), CountText: fmt.Sprintf("%d / %d", c.NBefore, c.NAfter)}
		if c.Level != nil && c.Level.Decides {
			out[i].CountText = fmt.Sprintf("%d sessions / %d", c.NBefore, c.NAfter)
		}
		if _, _, ok := c.Interval(); !ok {
			out[i].IntervalText = "too few runs"
		}
		if jobs {
			out[i].PointText = c.Job + ": " + out[i].PointText
		}
	}
	return out
}

// writtenTail writes out what the I/Os of both sides together show; nil of none.
func writtenTail(m *events.MergedTail) *tailShift {
	if m == nil {
		return nil
	}
	with := func(v events.TailValue) string {
		if !m.Interval {
			return latency(v.Value)
		}
		return latency(v.Value) + " (" + latency(v.Low) + " to " + latency(v.High) + ")"
	}
	t := &tailShift{Before: with(m.Before), After: with(m.After), Change: percent(m.Change), IOs: figure.Grouped(m.Before.IOs) + " / " + figure.Grouped(m.After.IOs)}
	if m.Interval {
		t.Change += " (" + percent(m.Low) + " to " + percent(m.High) + ")"
	}
	return t
}

// withTails are the comparisons of which the I/Os of both sides are at hand.
func withTails(list []comparison) []comparison {
	return slices.DeleteFunc(slices.Clone(list), func(c comparison) bool { return c.Tail == nil })
}

// quantity is the figure's quantity of a unit in the contract.
func quantity(unit string) figure.Quantity {
	switch unit {
	case "iops":
		return figure.IOPS
	case "B/s":
		return figure.Bandwidth
	default:
		return figure.Latency
	}
}

func percent(v float64) string { return fmt.Sprintf("%+.1f%%", v*100) }

func rows(runs []*model.Run) []row {
	var out []row
	for _, run := range runs {
		dirs := directions(run)
		if len(dirs) == 0 {
			out = append(out, row{Run: run, First: true, Span: 1})
		}
		for i, d := range dirs {
			out = append(out, row{Run: run, First: i == 0, Span: len(dirs), numbers: d})
		}
	}
	return out
}

// directions writes out the figures of a completed run.
func directions(run *model.Run) []numbers {
	if run.Completed == nil {
		return nil
	}
	var out []numbers
	for _, name := range run.Completed.Summary.Directions() {
		f := run.Completed.Summary.Direction(name)
		out = append(out, numbers{
			Direction: name, IOPS: figure.IOPS.Format(f.IOPS), Bandwidth: figure.Bandwidth.Format(f.BandwidthBytes),
			Total: figure.Grouped(f.TotalIOs), Mean: latencyOf(f, "lat"), P50: latencyOf(f, "p50"), P95: latencyOf(f, "p95"),
			P99: latencyOf(f, "p99"), P999: latencyOf(f, "p999"), Max: latencyOf(f, "max"),
		})
	}
	return out
}

// latency writes a latency out; NaN and zero mean that it was not measured.
func latency(ns float64) string {
	if !(ns > 0) {
		return "–"
	}
	return figure.Latency.Format(ns)
}

// latencyOf writes a figure of a direction's latency out.
func latencyOf(f *events.Figures, name string) string {
	text := latency(f.Latency.Value(name))
	if f.Latency.Open(name) {
		return "> " + text
	}
	return text
}

type runPage struct {
	frame
	Run        *model.Run
	Directions []numbers
	Figures    []picture
	More       []picture
	Zoomable   bool
	From, To   string   // the stretch shown, in seconds; empty for all
	Flags      []string // of the figures, beyond the integrity findings
	Waiting    string
	Kind       string // of latencies
	Logs       []events.Artifact
}

// picture is one figure. Zoom is where stretches of a figure over time are
// drawn, empty for others; Chart tells that the SVG carries its values.
type picture struct {
	SVG, PNG, Alt string
	Zoom          string
	Chart         bool
}

// run serves one run.
func (h *Handler) run(w http.ResponseWriter, r *http.Request) {
	run, b, err := h.find(r.Context(), r.PathValue("run"))
	if err != nil {
		h.fail(w, r, "This run", err)
		return
	}
	p := runPage{frame: frame{
		Title: run.Job + " · " + b.Name, Root: "/", Foot: h.foot, Account: accountOf(r),
		Crumbs: []crumb{{Text: b.Name, URL: "/benches/" + b.ID}, {Text: run.Job + " #" + strconv.Itoa(run.Index)}},
	}, Run: run, Directions: directions(run), Kind: latencyKind(model.Bench{Runs: []*model.Run{run}})}
	switch {
	case !run.State.Ended():
		p.Refresh, p.Waiting = 5, "Figures appear here when the run has ended."
	case run.State == model.StateCompleted && run.Plots == nil:
		p.Refresh, p.Waiting = 3, "The figures are being drawn."
	}
	if run.Plots != nil {
		p.Figures, p.More = pictures(run.Plots.Figures, run.Job, "/runs/"+run.Run), sheets(catalogue.OnDemand(catalogue.OfRun), "/runs/"+run.Run+"/figures/", nil)
		p.Flags, p.Script = beyond(run.Plots.Flags, run), true
		p.Zoomable = run.Completed != nil && run.Completed.Logs != nil
		if _, _, ok := stretch(r.URL.Query()); ok && p.Zoomable {
			p.From, p.To = r.URL.Query().Get("from"), r.URL.Query().Get("to")
			p.Figures, p.More = zoomed(run, r.URL.Query()), nil
		}
		chart(p.Figures, run, p.Zoomable)
	}
	if run.Completed != nil && run.Completed.Logs != nil {
		p.Logs = h.logs(r.Context(), *run.Completed.Logs)
	}
	h.render(w, r, "run", p)
}

// chart marks the figures that people can point at, and those of which the
// service can draw a stretch.
func chart(list []picture, run *model.Run, zoomable bool) {
	for i := range list {
		name := strings.TrimSuffix(path.Base(list[i].SVG), ".svg")
		name, _, _ = strings.Cut(name, ".svg?")
		e, _ := catalogue.Find(catalogue.OfRun, name)
		list[i].Chart = e.Timeline
		if zoomable && e.Stretch {
			list[i].Zoom = "/runs/" + run.Run + "/figures/" + name
		}
	}
}

// maxLogSet bounds the list of a run's logs that a page reads.
const maxLogSet = 1 << 20

// logs lists a run's log files; where the list cannot be read, the list itself.
func (h *Handler) logs(ctx context.Context, claim events.ClaimCheck) []events.Artifact {
	itself := []events.Artifact{{Name: "list of log files", ClaimCheck: claim}}
	body, _, err := h.objects.Open(ctx, claim.Key, false)
	if err != nil {
		return itself
	}
	defer func() { _ = body.Close() }()
	var set events.LogSet
	if err := json.NewDecoder(io.LimitReader(body, maxLogSet)).Decode(&set); err != nil {
		return itself
	}
	return set.Logs
}

// beyond drops the flags that repeat an integrity finding, which the page shows
// already.
func beyond(flags []string, run *model.Run) []string {
	return slices.DeleteFunc(slices.Clone(flags), func(flag string) bool {
		return run.Completed != nil && slices.ContainsFunc(run.Completed.Integrity.Findings, func(f events.Finding) bool {
			return strings.HasSuffix(flag, f.Evidence)
		})
	})
}

// pictures pairs the SVG and PNG of each figure among artifacts. One that was
// stored as SVG alone is drawn as PNG when it is asked for, at an address below
// drawn.
func pictures(list []events.Artifact, of, drawn string) []picture {
	var out []picture
	for _, f := range list {
		name, isSVG := strings.CutSuffix(f.Name, ".svg")
		if !isSVG {
			continue
		}
		p := picture{SVG: artifactURL(f.Key), PNG: drawn + "/figures/" + name + ".png", Alt: strings.ReplaceAll(name, "-", " ") + " of " + of}
		if i := slices.IndexFunc(list, func(g events.Artifact) bool { return g.Name == name+".png" }); i >= 0 {
			p.PNG = artifactURL(list[i].Key)
		}
		out = append(out, p)
	}
	return out
}
