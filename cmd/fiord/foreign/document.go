package foreign

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/catalogue"
	"github.com/fiord-bench/fiord/fio/result"
)

//go:embed template
var templates embed.FS

// line is a direction of a run, or of a section of it, in a table. Each kind of
// latency has columns of its own.
type line struct {
	Section, Direction, IOPS, Bandwidth, IOs string
	Lat, Clat                                kind
	Slat                                     string // its mean
}

// kind is one kind of latency.
type kind struct{ Mean, P50, P99, P999 string }

// lines lists what a run did by direction, as people read it.
func (r Row) lines() []line {
	var out []line
	for _, dir := range r.Summary.Directions() {
		f := r.Summary.Direction(dir)
		lat, clat := f.Lat, f.Clat
		if l := f.Latency; lat == nil && clat == nil && l != nil { // of syncs, or of logs alone
			if l.Of == string(result.CompletionLatency) {
				clat = l
			} else {
				lat = l
			}
		}
		one := line{
			Direction: dir, IOs: figure.Grouped(f.TotalIOs),
			IOPS: figure.IOPS.Format(f.IOPS), Bandwidth: figure.Bandwidth.Format(f.BandwidthBytes),
			Lat: kindOf(lat), Clat: kindOf(clat), Slat: latency(f.Slat, "lat"),
		}
		if one.Section, one.Direction = events.SplitSeries(dir); len(f.Sections) > 1 {
			one.Section = "together: " + strings.Join(f.Sections, ", ")
		}
		if one.Direction == "sync" {
			one.Bandwidth = unknown // moves no bytes
		}
		out = append(out, one)
	}
	return out
}

func kindOf(l *events.Latency) kind {
	return kind{latency(l, "lat"), latency(l, "p50"), latency(l, "p99"), latency(l, "p999")}
}

// unknown stands for what was not measured.
const unknown = "–"

// latency writes one figure of a latency out, a dash where it is not known.
func latency(l *events.Latency, name string) string {
	v := l.Value(name)
	switch {
	case math.IsNaN(v):
		return unknown
	case l.Open(name):
		return "> " + figure.Latency.Format(v)
	}
	return figure.Latency.Format(v)
}

func parsed() (*template.Template, error) {
	return template.New("report").Funcs(template.FuncMap{
		"lines": Row.lines,
		"png":   func(svg string) string { return strings.TrimSuffix(svg, ".svg") + ".png" },
		"name":  func(svg string) string { return strings.TrimSuffix(filepath.Base(svg), ".svg") },
	}).ParseFS(templates, "template/*")
}

// drawings are figures to be placed inline.
func drawings(pictures []catalogue.Picture) []template.HTML {
	var out []template.HTML
	for _, p := range pictures {
		out = append(out, template.HTML(p.SVG)) //nolint:gosec // package figure escapes what it writes
	}
	return out
}

// section writes the part of the document about one run.
func (w *writer) section(to io.Writer, row Row, pictures []catalogue.Picture) error {
	return w.template.ExecuteTemplate(to, "section", struct {
		Row
		Drawings []template.HTML
	}{row, drawings(pictures)})
}

// html writes the document around the sections.
func (w *writer) html(sections io.Reader, together []catalogue.Picture) (err error) {
	f, err := os.Create(filepath.Join(w.out, FileHTML))
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	if err := w.template.ExecuteTemplate(f, "head", struct {
		Report
		Drawings []template.HTML
	}{w.report, drawings(together)}); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if _, err := io.Copy(f, sections); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return w.template.ExecuteTemplate(f, "foot", nil)
}

// markdown writes the summary that forges and chats can show.
func (w *writer) markdown() error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "## %s\n", escape(w.report.Title))
	for _, p := range w.report.Problems {
		fmt.Fprintf(&b, "\n**Problem:** %s\n", escape(p))
	}
	b.WriteString("\n| run | job | point | section | direction | IOPS | bandwidth | lat mean | p50 | p99 | p99.9 | clat mean | p50 | p99 | p99.9 | slat mean |\n|---|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range w.report.Runs {
		for _, l := range r.lines() {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
				escape(r.Name), escape(r.Job), escape(r.Point), escape(l.Section), l.Direction, l.IOPS, l.Bandwidth,
				l.Lat.Mean, l.Lat.P50, l.Lat.P99, l.Lat.P999, l.Clat.Mean, l.Clat.P50, l.Clat.P99, l.Clat.P999, l.Slat)
		}
	}
	for _, r := range w.report.Runs {
		for _, flag := range r.Flags {
			fmt.Fprintf(&b, "\n- %s: **%s**", escape(r.Name), escape(flag))
		}
		for _, note := range r.Notes {
			fmt.Fprintf(&b, "\n- %s: %s", escape(r.Name), escape(note))
		}
	}
	for _, p := range w.report.Passed {
		fmt.Fprintf(&b, "\n- not read: %s: %s", escape(p.Path), escape(p.Why))
	}
	b.WriteString("\n")
	if err := write(w.out, FileMarkdown, b.Bytes()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// escape makes text harmless in Markdown: one line, no markup, no mention.
func escape(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`,
		"<", "&lt;", ">", "&gt;", "&", "&amp;", "#", `\#`, "@", "@\u200b", "!", `\!`, "~", `\~`).Replace(s)
}

// Line is the run in a line of text.
func (r Row) Line() string {
	text := r.Name
	for _, part := range []string{r.Job, r.Point} {
		if part != "" && part != r.Name {
			text += " · " + part
		}
	}
	list := r.lines()
	if len(list) == 0 {
		return text + ": nothing measured"
	}
	for i, l := range list {
		if i == 0 {
			text += ": "
		} else {
			text += "; "
		}
		text += l.text()
	}
	return text
}

// text is the direction in a few words, with the kind of its p99.
func (l line) text() string {
	text := l.Direction + " " + l.IOPS
	if l.Section != "" {
		text = l.Section + " " + text
	}
	if l.Bandwidth != unknown {
		text += ", " + l.Bandwidth
	}
	switch {
	case l.Lat.P99 != unknown:
		return text + ", p99 " + l.Lat.P99
	case l.Clat.P99 != unknown:
		return text + ", clat p99 " + l.Clat.P99
	}
	return text + ", p99 " + unknown
}
