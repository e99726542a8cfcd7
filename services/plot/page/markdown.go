package page

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
)

// How much of each list a summary in Markdown holds: forges cut long comments.
const (
	maxComparisonRows = 50
	maxPointRows      = 200
	maxDoubtRows      = 20
)

// WriteMarkdown writes the summary that forges and chats can show.
func (r Report) WriteMarkdown(w io.Writer) error {
	var b bytes.Buffer
	c := benchChip(r.Bench)
	fmt.Fprintf(&b, "## %s: %s %s\n\n", escape(r.Bench.Name), c.Sign, c.Text)
	if r.Bench.Report != nil {
		fmt.Fprintf(&b, "%s\n\n", escape(r.Bench.Report.Headline))
	}
	if o := r.Bench.Origin; o != nil {
		fmt.Fprintf(&b, "%s %s at %s. ", escape(o.Repo.Name), escape(o.Ref), escape(o.Commit[:min(10, len(o.Commit))]))
	}
	fmt.Fprintf(&b, "%s. [Details](%s/benches/%s)", countsText(r.Bench.Counts()), r.URL, r.Bench.ID)
	if r.Bench.Origin != nil {
		fmt.Fprintf(&b, " · [What changed when](%s/benches/%s/history)", r.URL, r.Bench.ID)
	}
	b.WriteString("\n")
	r.markComparisons(&b)
	r.markSides(&b)
	r.markPoints(&b)
	r.markTails(&b)
	r.markDoubts(&b)
	r.markMachines(&b)
	_, err := w.Write(b.Bytes())
	return err
}

func (r Report) markComparisons(b *bytes.Buffer) {
	list := written(r.Comparisons)
	if len(list) == 0 {
		return
	}
	b.WriteString("\n| metric | point | machine | verdict | before | after | change | 95% interval | p | n |\n|---|---|---|---|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range list[:min(len(list), maxComparisonRows)] {
		v := verdictChip(c.Verdict)
		fmt.Fprintf(b, "| %s | %s | %s | %s %s | %s | %s | %s | %s | %.3f | %s |\n", escape(c.Metric), escape(c.PointText), escape(c.Host),
			v.Sign, v.Text, c.BeforeText, c.AfterText, c.ChangeText, c.IntervalText, c.P, c.CountText)
	}
	more(b, len(list), maxComparisonRows, "comparisons")
	fmt.Fprintf(b, "\n%s\n", method(r))
	tails := withTails(list)
	if len(tails) == 0 {
		return
	}
	b.WriteString("\n| metric | point | machine | before, all I/Os | after, all I/Os | change | I/Os |\n|---|---|---|--:|--:|--:|--:|\n")
	for _, c := range tails[:min(len(tails), maxComparisonRows)] {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", escape(c.Metric), escape(c.PointText), escape(c.Host), c.Tail.Before, c.Tail.After, c.Tail.Change, c.Tail.IOs)
	}
	more(b, len(tails), maxComparisonRows, "percentiles")
	fmt.Fprintf(b, "\n%s\n", bothMethod)
}

// maxSideRows bounds the differences that a summary lists.
const maxSideRows = 30

// markSides tells what differs between the machines of both sides.
func (r Report) markSides(b *bytes.Buffer) {
	if len(r.Differences) == 0 {
		return
	}
	if (sidesView{r.Differences}).None() {
		b.WriteString("\nNothing differs between the environments of both sides.\n")
		return
	}
	b.WriteString("\n### What differs on the machines\n\n")
	shown := 0
	for _, d := range r.Differences {
		if d.Gone != "" {
			fmt.Fprintf(b, "- %s: %s\n", escape(strings.Join(d.Hosts, ", ")), escape(d.Gone))
		}
		for _, c := range d.Changes {
			if shown++; shown <= maxSideRows {
				fmt.Fprintf(b, "- %s: %s: %s → %s\n", escape(strings.Join(d.Hosts, ", ")), escape(c.Name), escape(cmp.Or(c.Before, "–")), escape(cmp.Or(c.After, "–")))
			}
		}
	}
	more(b, shown, maxSideRows, "differences")
}

func (r Report) markPoints(b *bytes.Buffer) {
	list := points(r.Bench)
	if len(list) > 0 {
		b.WriteString("\n| job | point | host | direction | n | IOPS | bandwidth | mean | p50 | p99 | p99.9 |\n|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|\n")
		for _, p := range list[:min(len(list), maxPointRows)] {
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", escape(p.Job), escape(pointText(p.Point)), escape(p.Host),
				p.Direction, p.N(), p.IOPS, p.Bandwidth, p.Mean, p.P50, p.P99, p.P999)
		}
		more(b, len(list), maxPointRows, "points")
		fmt.Fprintf(b, "\nMedians over n runs. %s\n", latencyKind(r.Bench))
	}
	for _, run := range failed(r.Bench) {
		fmt.Fprintf(b, "\n- **%s** %s, %s on %s: %s", run.State, escape(run.Job), escape(pointText(run.Point.Key())), escape(run.Host+run.Pool), escape(run.Reason))
	}
	if len(failed(r.Bench)) > 0 {
		b.WriteString("\n")
	}
}

// markTails tells the tails with their intervals.
func (r Report) markTails(b *bytes.Buffer) {
	if len(r.Tails) == 0 {
		return
	}
	b.WriteString("\n| job | point | host | direction | runs | I/Os | p99 | p99.9 |\n|---|---|---|---|--:|--:|--:|--:|\n")
	for _, t := range r.Tails[:min(len(r.Tails), maxPointRows)] {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %d | %s | %s | %s |\n", escape(t.Job), escape(pointText(t.Point)), escape(t.Host),
			t.Direction, t.P99.Runs, figure.Grouped(t.P99.IOs), tailText(t.P99), tailText(t.P999))
	}
	more(b, len(r.Tails), maxPointRows, "points")
	fmt.Fprintf(b, "\n%s\n", tailMethod)
}

// markDoubts lists what integrity checks found.
func (r Report) markDoubts(b *bytes.Buffer) {
	list, all := doubts(r.Bench)
	if all == 0 {
		return
	}
	fmt.Fprintf(b, "\n### Integrity\n\n")
	for _, d := range list[:min(len(list), maxDoubtRows)] {
		fmt.Fprintf(b, "- %s, %s, repeat %d on %s: **%s**", escape(d.Run.Job), escape(pointText(d.Run.Point.Key())), d.Run.Repeat+1, escape(d.Run.Host), d.State)
		var said []string
		for _, f := range d.Findings {
			said = append(said, escape(strings.ReplaceAll(f.Check, "_", " ")+": "+f.Evidence))
		}
		for _, f := range d.Flags {
			said = append(said, escape(f))
		}
		if len(said) > 0 {
			b.WriteString("; " + strings.Join(said, "; "))
		}
		b.WriteString("\n")
	}
	more(b, all, maxDoubtRows, "runs")
}

// markMachines says where it was measured.
func (r Report) markMachines(b *bytes.Buffer) {
	list := machines(r.Bench)
	if len(list) == 0 {
		return
	}
	b.WriteString("\n### Measured on\n\n")
	for _, m := range list {
		text := []string{fmt.Sprintf("%d runs", m.Runs)}
		if m.Runs == 1 {
			text[0] = "1 run"
		}
		if m.Fio != "" {
			text = append(text, m.Fio)
		}
		if d := m.Device; d != nil {
			text = append(text, deviceText(d))
		}
		for _, f := range m.Facts[:min(len(m.Facts), len(ownFacts()))] {
			text = append(text, f.Name+" "+f.Value)
		}
		fmt.Fprintf(b, "- **%s**: %s\n", escape(m.Host), escape(strings.Join(text, ", ")))
	}
}

// deviceText names a device.
func deviceText(d *events.Device) string {
	parts := []string{d.Path, d.Model}
	if d.Firmware != "" {
		parts = append(parts, "firmware "+d.Firmware)
	}
	if d.Size > 0 {
		parts = append(parts, bytesText(fmt.Sprint(d.Size)))
	}
	if d.Scheduler != "" {
		parts = append(parts, "scheduler "+d.Scheduler)
	}
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// more says that a list was cut.
func more(b *bytes.Buffer, all, shown int, noun string) {
	if all > shown {
		fmt.Fprintf(b, "\nThe first %d of %d %s.\n", shown, all, noun)
	}
}

// escape makes text harmless in Markdown: one line, no markup, no HTML, no
// mention that would ring somebody's phone.
func escape(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`,
		"<", "&lt;", ">", "&gt;", "&", "&amp;", "#", `\#`, "@", "@\u200b", "!", `\!`, "~", `\~`).Replace(s)
}
