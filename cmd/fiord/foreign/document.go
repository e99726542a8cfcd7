package foreign

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/services/plot"
)

//go:embed template
var templates embed.FS

// line is a direction of a run in a table.
type line struct{ Direction, IOPS, Bandwidth, Mean, P50, P99, P999, IOs string }

// lines lists what a run did by direction, as people read it.
func (r Row) lines() []line {
	var out []line
	for _, dir := range r.Summary.Directions() {
		f := r.Summary.Direction(dir)
		out = append(out, line{
			Direction: dir, IOs: figure.Grouped(f.TotalIOs),
			IOPS: figure.IOPS.Format(f.IOPS), Bandwidth: figure.Bandwidth.Format(f.BandwidthBytes),
			Mean: latency(f.Latency.Mean), P50: latency(f.Latency.P50), P99: latency(f.Latency.P99), P999: latency(f.Latency.P999),
		})
	}
	return out
}

// latency is a dash where fio did not print it.
func latency(ns float64) string {
	if ns <= 0 {
		return "–"
	}
	return figure.Latency.Format(ns)
}

func parsed() (*template.Template, error) {
	return template.New("report").Funcs(template.FuncMap{
		"lines": Row.lines,
		"png":   func(svg string) string { return strings.TrimSuffix(svg, ".svg") + ".png" },
		"name":  func(svg string) string { return strings.TrimSuffix(filepath.Base(svg), ".svg") },
	}).ParseFS(templates, "template/*")
}

// drawings are figures to be placed inline.
func drawings(pictures []plot.Picture) []template.HTML {
	var out []template.HTML
	for _, p := range pictures {
		out = append(out, template.HTML(p.SVG)) //nolint:gosec // package figure escapes what it writes
	}
	return out
}

// section writes the part of the document about one run.
func (w *writer) section(to io.Writer, row Row, pictures []plot.Picture) error {
	return w.template.ExecuteTemplate(to, "section", struct {
		Row
		Drawings []template.HTML
	}{row, drawings(pictures)})
}

// html writes the document around the sections.
func (w *writer) html(sections io.Reader, together []plot.Picture) (err error) {
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
	b.WriteString("\n| run | job | point | direction | IOPS | bandwidth | mean | p50 | p99 | p99.9 |\n|---|---|---|---|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range w.report.Runs {
		for _, l := range r.lines() {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
				escape(r.Name), escape(r.Job), escape(r.Point), l.Direction, l.IOPS, l.Bandwidth, l.Mean, l.P50, l.P99, l.P999)
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
		text += map[bool]string{true: ": ", false: ", "}[i == 0]
		text += fmt.Sprintf("%s %s, %s, p99 %s", l.Direction, l.IOPS, l.Bandwidth, l.P99)
	}
	return text
}
