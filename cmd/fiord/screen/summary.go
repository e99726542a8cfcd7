package screen

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/events"
)

// Summary writes how a bench ended: the figures, what did not complete and
// why, the verdict, and where to look. webURL is the page's address, "" if it
// is not known.
func Summary(w io.Writer, b *follow.Bench, webURL string) error {
	p := printer{w: w}
	if rows := b.Rows(); len(rows) > 0 {
		p.table(figures(rows))
		p.line("")
	}
	remarks := remarks(b)
	for _, remark := range remarks[:min(len(remarks), mostRemarks)] {
		p.line("%s", remark)
	}
	if more := len(remarks) - mostRemarks; more > 0 {
		p.line("... and %d more such lines (fiord show %s --json has all)", more, b.ID)
	}
	p.end(b)
	if page := Page(b, webURL); page != "" {
		p.line("%s", page)
	}
	return p.err
}

// mostRemarks bounds what is said of single runs: a cancelled matrix has
// thousands, and the end of the bench stands below them.
const mostRemarks = 40

// remarks are what there is to say of runs that did not complete, or not well.
func remarks(b *follow.Bench) []string {
	var list []string
	for _, r := range b.Runs() {
		if r.State.Final() && r.State != follow.Completed {
			list = append(list, fmt.Sprintf("%s: %s: %s", label(r), r.State, indent(r.Reason)))
		}
		if r.Result != nil {
			for _, f := range r.Result.Integrity.Findings {
				list = append(list, fmt.Sprintf("%s: %s: %s: %s", label(r), f.State, f.Check, Clean(f.Evidence)))
			}
		}
	}
	return list
}

// Page is the address of the bench's page, "" if none is known.
func Page(b *follow.Bench, webURL string) string {
	if end, ok := b.End.(events.BenchReported); ok && end.URL != "" {
		return end.URL
	}
	if webURL == "" {
		return ""
	}
	return strings.TrimSuffix(webURL, "/") + "/benches/" + b.ID
}

func (p *printer) end(b *follow.Bench) {
	switch end := b.End.(type) {
	case events.BenchReported:
		p.line("%s: %s", end.Verdict, Clean(end.Headline))
		p.context(end)
	case events.BenchCancelled:
		p.line("cancelled by %s: %s", Clean(end.By), Clean(end.Reason))
	case events.BenchUnplaced:
		p.line("not placed: nobody can or may measure this")
		for _, problem := range end.Problems {
			p.line("  %s", indent(problem.String()))
		}
	}
}

// context says what a verdict is part of.
func (p *printer) context(end events.BenchReported) {
	if end.Confirms != "" {
		p.line("a second look at bench %s, which has the verdict", end.Confirms)
	}
	if c := end.Confirmation; c != nil && c.Bench != "" {
		p.line("measured again as bench %s: %s", c.Bench, Clean(c.Reason))
	}
	if s := end.Shift; s != nil && s.Reports > 1 {
		p.line("told for the first time by bench %s, %s ago; fiord accept ends that", s.Since, Plural(s.Reports-1, "report"))
	}
}

func figures(rows []follow.Row) *Table {
	has := func(of func(follow.Row) bool) bool { return slices.ContainsFunc(rows, of) }
	sections := has(func(r follow.Row) bool { return r.Section != "" })
	completion := has(func(r follow.Row) bool { return ofCompletion(r) })
	total := !completion || has(func(r follow.Row) bool { return !ofCompletion(r) && r.LatencyOf != "" })
	t := &Table{
		Header: []string{"JOB", "POINT", "HOST", "N"},
		Right:  map[string]bool{"N": true, "IOPS": true, "BANDWIDTH": true, "LATENCY": true, "P99": true, "CLAT": true, "CLAT P99": true},
	}
	column := func(shown bool, names ...string) {
		if shown {
			t.Header = append(t.Header, names...)
		}
	}
	column(sections, "SECTION")
	column(true, "I/O", "IOPS", "BANDWIDTH")
	column(total, "LATENCY", "P99")
	column(completion, "CLAT", "CLAT P99")
	column(true, "INTEGRITY")
	for _, r := range rows {
		cells := []string{r.Job, r.Point, r.Host, fmt.Sprint(r.N)}
		if sections {
			cells = append(cells, section(r))
		}
		bandwidth := Bandwidth(r.BandwidthBytes)
		if r.Direction == "sync" { // moves no bytes
			bandwidth = unknown
		}
		cells = append(cells, r.Direction, IOPS(r.IOPS), bandwidth)
		if total {
			cells = append(cells, latencies(r, !ofCompletion(r))...)
		}
		if completion {
			cells = append(cells, latencies(r, ofCompletion(r))...)
		}
		t.Add(append(cells, string(r.Integrity))...)
	}
	return t
}

// unknown stands for what was not measured.
const unknown = "–"

// ofCompletion tells of latencies that leave submission out: they are no column
// with the others'.
func ofCompletion(r follow.Row) bool {
	return r.LatencyOf == "clat" || r.LatencyOf == "" && r.MeanNS != nil
}

// section names the section of a row, or those that it adds up.
func section(r follow.Row) string {
	if len(r.Together) > 1 {
		return "together (" + Plural(len(r.Together), "section") + ")"
	}
	return r.Section
}

// latencies are the mean and the p99 of a row, if they belong into the column.
func latencies(r follow.Row, here bool) []string {
	cells := []string{unknown, unknown}
	if here && r.MeanNS != nil {
		cells[0] = Nanoseconds(*r.MeanNS)
	}
	if here && r.P99NS != nil {
		cells[1] = Nanoseconds(*r.P99NS)
		if r.Open {
			cells[1] = "> " + cells[1]
		}
	}
	return cells
}

// label names a run for people: job, point, repeat and host.
func label(r *follow.Run) string {
	parts := []string{Clean(r.Job)}
	if key := r.Point.Key(); key != "" {
		parts = append(parts, Clean(key))
	}
	if r.Repeat > 0 {
		parts = append(parts, fmt.Sprintf("repeat %d", r.Repeat+1))
	}
	if r.Host != "" {
		parts = append(parts, "on "+Clean(r.Host))
	}
	return strings.Join(parts, " ")
}

// indent keeps the lines of a long reason together.
func indent(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = Clean(lines[i])
	}
	return strings.Join(lines, "\n    ")
}

// printer writes lines until the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) table(t *Table) {
	if p.err == nil {
		p.err = t.Write(p.w)
	}
}
