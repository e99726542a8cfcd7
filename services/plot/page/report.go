package page

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/figure"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// Report is what is told of a bench that has ended, as a document that stands
// alone. The same report is written the same at any time.
type Report struct {
	Bench   model.Bench
	Request events.BenchRequested
	// Comparisons, all of them.
	Comparisons []events.Comparison
	// URL of the web page, for links to runs.
	URL string
	// Figures are placed inline.
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
	IOPS, Bandwidth, P50, P99   string
}

// reportPage is what the template shows.
type reportPage struct {
	Report
	Title       string
	Comparisons []comparison
	Points      []point
	Failed      []*model.Run
	Drawings    []template.HTML
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
	p := reportPage{Report: r, Title: r.Bench.Name, Comparisons: written(r.Comparisons), Points: points(r.Bench), Failed: failed(r.Bench)}
	for _, d := range r.Figures {
		p.Drawings = append(p.Drawings, template.HTML(d.SVG)) // #nosec G203 -- package figure escapes what it writes
	}
	return t.ExecuteTemplate(w, "report.html", p)
}

// points summarises completed runs by job, point, host and direction, in the
// order of the runs.
func points(b model.Bench) []point {
	type sums struct {
		point
		iops, bw, p50, p99 []float64
	}
	var all []*sums
	for _, r := range b.Runs {
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
			s.p50, s.p99 = append(s.p50, f.Latency.P50), append(s.p99, f.Latency.P99)
		}
	}
	out := make([]point, len(all))
	for i, s := range all {
		s.IOPS, s.Bandwidth = figure.IOPS.Format(middle(s.iops)), figure.Bandwidth.Format(middle(s.bw))
		s.P50, s.P99 = latency(middle(s.p50)), latency(middle(s.p99))
		out[i] = s.point
	}
	return out
}

// middle returns the median of at least one value, which it sorts.
func middle(values []float64) float64 {
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

// WriteMarkdown writes the summary that forges and chats can show.
func (r Report) WriteMarkdown(w io.Writer) error {
	var b bytes.Buffer
	c := benchChip(r.Bench)
	fmt.Fprintf(&b, "## %s: %s %s\n\n", escape(r.Bench.Name), c.Sign, c.Text)
	if r.Bench.Report != nil {
		fmt.Fprintf(&b, "%s\n\n", escape(r.Bench.Report.Headline))
	}
	fmt.Fprintf(&b, "%s. [Details](%s/benches/%s)\n", countsText(r.Bench.Counts()), r.URL, r.Bench.ID)
	if list := written(r.Comparisons); len(list) > 0 {
		b.WriteString("\n| metric | point | machine | verdict | before | after | change | 95% interval | p |\n|---|---|---|---|--:|--:|--:|--:|--:|\n")
		for _, c := range list[:min(len(list), 50)] {
			v := verdictChip(c.Verdict)
			fmt.Fprintf(&b, "| %s | %s | %s | %s %s | %s | %s | %s | %s | %.3f |\n", escape(c.Metric), escape(pointText(c.Point)), escape(c.Host),
				v.Sign, v.Text, c.BeforeText, c.AfterText, c.ChangeText, c.IntervalText, c.P)
		}
	}
	if list := points(r.Bench); len(list) > 0 {
		b.WriteString("\n| job | point | host | direction | n | IOPS | bandwidth | p50 | p99 |\n|---|---|---|---|--:|--:|--:|--:|--:|\n")
		for _, p := range list[:min(len(list), 200)] {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", escape(p.Job), escape(pointText(p.Point)), escape(p.Host),
				p.Direction, p.N(), p.IOPS, p.Bandwidth, p.P50, p.P99)
		}
	}
	for _, run := range failed(r.Bench) {
		fmt.Fprintf(&b, "\n- **%s** %s, %s on %s: %s", run.State, escape(run.Job), escape(pointText(run.Point.Key())), escape(run.Host+run.Pool), escape(run.Reason))
	}
	if len(failed(r.Bench)) > 0 {
		b.WriteString("\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}

// N is how many runs the point stands for, and how many of them are in doubt.
func (p point) N() string {
	if p.Doubtful > 0 {
		return fmt.Sprintf("%d (%d in doubt)", p.Runs, p.Doubtful)
	}
	return fmt.Sprint(p.Runs)
}

// escape makes text harmless in Markdown: one line, no markup, no HTML, no
// mention that would ring somebody's phone.
func escape(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`,
		"<", "&lt;", ">", "&gt;", "&", "&amp;", "#", `\#`, "@", "@\u200b", "!", `\!`, "~", `\~`).Replace(s)
}
