package notice

import (
	"fmt"
	"strings"

	"github.com/fiord-bench/fiord/events"
)

// maxRows is how many comparisons a summary lists; the page has all.
const maxRows = 20

var signs = map[Level]string{Good: "✅", Info: "ℹ️", Warning: "⚠️", Bad: "❌"}

// Markdown is the summary of a bench for a comment at its pull request, of at
// most limit bytes: verdict, the comparisons that shifted most, and the link.
// Tables are cut at a row, so that what is left is still one.
func Markdown(n Notice, limit int) string {
	head := fmt.Sprintf("### %s %s\n\n", signs[n.Level], Escape(n.Title))
	foot := "\n"
	if n.Commit != nil {
		foot += "Measured at " + n.Commit.SHA[:min(len(n.Commit.SHA), 12)] + ". "
	}
	for _, f := range n.Fields {
		if f.Name == "runs" || f.Name == "regressed since" || f.Name == "recovered from" {
			foot += Escape(f.Name+": "+f.Value) + ". "
		}
	}
	if n.URL != "" {
		foot += "[Report](" + n.URL + ")"
	}
	return head + body(n, limit-len(head)-len(foot)-1) + foot + "\n"
}

// body is a table of the comparisons, or the notice's text as a list.
func body(n Notice, limit int) string {
	d, ok := n.Event.Data.(events.BenchReported)
	if !ok || len(d.Comparisons) == 0 {
		var lines []string
		for line := range strings.Lines(n.Text) {
			lines = append(lines, "- "+Escape(line)+"\n")
		}
		return fit("", lines, limit)
	}
	var rows []string
	for _, c := range d.Comparisons[:min(len(d.Comparisons), maxRows)] {
		rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %s |\n", Escape(c.Metric), Escape(c.Point), Escape(c.Host), c.Verdict,
			quantity(c.Before, c.Unit), quantity(c.After, c.Unit), percent(c.Change), within(c)))
	}
	text := fit("| metric | point | host | verdict | before | after | change | 95% |\n|---|---|---|---|--:|--:|--:|--:|\n", rows, limit-100)
	if shown := strings.Count(text, "\n") - 2; shown < len(d.Comparisons) {
		text += fmt.Sprintf("\nThe first %d of %d comparisons.\n", max(shown, 0), len(d.Comparisons))
	}
	return text
}

// within is the cell of a change's bounds.
func within(c events.Comparison) string {
	low, high, ok := c.Interval()
	if !ok {
		return "too few runs"
	}
	return percent(low) + " to " + percent(high)
}

// fit adds lines to a beginning, as many as the limit takes.
func fit(text string, lines []string, limit int) string {
	if len(text) > limit {
		return ""
	}
	for _, line := range lines {
		if len(text)+len(line) > limit {
			break
		}
		text += line
	}
	return text
}

// Escape makes text harmless in the Markdown of forges: one line, no markup and
// no HTML. A mention or a number after # would ring somebody's phone or link
// another issue however it is escaped, so an invisible space breaks it.
func Escape(text string) string {
	text = OneLine(strings.Join(strings.Fields(text), " "), 2*maxLine)
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "~", `\~`, "$", `\$`,
		"<", "&lt;", ">", "&gt;", "&", "&amp;", "#", "\\#\u200b", "@", "@\u200b", "!", "\\!\u200b", "://", ":\u200b//").Replace(text)
}
