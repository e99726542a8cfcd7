package contrast

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict"
)

// The formats.
const (
	Text     = "text"
	Markdown = "markdown"
	CSV      = "csv"
	JSON     = "json"
)

// CheckFormat returns an error unless a format is known.
func CheckFormat(name string) error {
	if slices.Contains([]string{Text, Markdown, CSV, JSON}, name) {
		return nil
	}
	return fmt.Errorf("format %q is not known: want text, markdown, csv or json", name)
}

// Write writes the result in a format. CSV has the numbers alone, in base units.
func (r Result) Write(w io.Writer, format string) error {
	switch format {
	case JSON:
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	case CSV:
		return r.csv(w)
	case Markdown:
		return r.markdown(w)
	}
	return r.text(w)
}

// table is a header and rows; columns of numbers are flush right.
type table struct {
	header []string
	rows   [][]string
}

// people is the table as people read it. Columns without any value are left out
// by who writes it.
func (r Result) people() table {
	if r.Standings != nil {
		return r.peopleHistory()
	}
	t := table{header: []string{"JOB", "POINT", "HOST", "METRIC", "BEFORE", "AFTER", "CHANGE", "95% INTERVAL", "P", "N", "VERDICT"}}
	for _, c := range r.Comparisons {
		t.rows = append(t.rows, []string{
			c.Job, c.Point, c.Host, c.Metric, quantity(c.Unit, c.Before), quantity(c.Unit, c.After), signed(c.Change),
			interval(bounded(c)), fmt.Sprintf("%.3f", c.P), fmt.Sprintf("%d+%d", c.NBefore, c.NAfter), string(c.Verdict),
		})
	}
	return t
}

func (r Result) peopleHistory() table {
	t := table{header: []string{"JOB", "POINT", "HOST", "METRIC", "LEVEL", "SPREAD", "SESSIONS", "NEWEST", "CHANGE", "95% INTERVAL", "VERDICT", "SHIFTS"}}
	for _, s := range r.Standings {
		spread := ""
		if s.Spread != nil {
			spread = fmt.Sprintf("%.1f%%", 100**s.Spread)
		}
		change := signed(s.Change)
		if s.Sessions == 0 {
			change = ""
		}
		shifts := make([]string, len(s.Shifts))
		for i, at := range s.Shifts {
			shifts[i] = at.Session + " " + signed(at.Change)
		}
		t.rows = append(t.rows, []string{
			s.Job, s.Point, s.Host, s.Metric, known(s.Unit, s.Level), spread, strconv.Itoa(s.Sessions), quantity(s.Unit, s.Value),
			change, interval(s.Low, s.High), verdictOf(s), strings.Join(shifts, ", "),
		})
	}
	return t
}

// verdictOf is the verdict of a standing, with what it needs.
func verdictOf(s verdict.Standing) string {
	text := string(s.Verdict)
	switch {
	case s.Verdict == events.VerdictBaseline && s.More > 0:
		text = fmt.Sprintf("%d more sessions needed", s.More)
	case s.Verdict == events.VerdictInconclusive && s.More > 0:
		text += fmt.Sprintf(", %d more would decide", s.More)
	case s.Drift:
		text += fmt.Sprintf(", crept over %d", s.Together)
	case s.Together > 1:
		text += fmt.Sprintf(", last %d", s.Together)
	}
	return text
}

// text writes for a terminal.
func (r Result) text(w io.Writer) error {
	for _, line := range r.remarks() {
		if _, err := fmt.Fprintln(w, screen.Clean(line)); err != nil {
			return err
		}
	}
	from := r.people()
	if len(from.rows) == 0 {
		return nil
	}
	t := &screen.Table{Header: from.header, Right: map[string]bool{"BEFORE": true, "AFTER": true, "CHANGE": true, "P": true, "LEVEL": true, "SPREAD": true, "SESSIONS": true, "NEWEST": true}}
	for _, row := range from.rows {
		clean := make([]string, len(row))
		for i, cell := range row {
			clean[i] = screen.Clean(cell)
		}
		t.Add(clean...)
	}
	return t.Write(w)
}

// markdown writes for a comment or a document.
func (r Result) markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\n", cell(r.Headline))
	for _, line := range r.remarks()[1:] {
		fmt.Fprintf(&b, "- %s\n", cell(line))
	}
	if t := r.people(); len(t.rows) > 0 {
		fmt.Fprintf(&b, "\n| %s |\n|%s\n", strings.ToLower(strings.Join(t.header, " | ")), strings.Repeat("---|", len(t.header)))
		for _, row := range t.rows {
			for i := range row {
				row[i] = cell(row[i])
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell keeps a text from being anything but text in a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "`", "\\`", "[", `\[`).Replace(screen.Clean(text))
}

// remarks are the headline and what has to be known besides.
func (r Result) remarks() []string {
	out := []string{r.Headline}
	for _, d := range r.Differences {
		out = append(out, fmt.Sprintf("%s differs: %s before, %s after", d.Option, orUnset(d.Before), orUnset(d.After)))
	}
	for _, a := range r.Absent {
		out = append(out, "not compared: "+a)
	}
	for _, s := range r.Samples {
		for _, text := range s.Suspect {
			out = append(out, fmt.Sprintf("kept out of %s: %s", s.Name, text))
		}
		for _, p := range s.NotRead {
			out = append(out, fmt.Sprintf("not read in %s: %s: %s", s.Name, p.Path, p.Why))
		}
	}
	return out
}

func orUnset(v string) string {
	if v == "" {
		return "not set"
	}
	return v
}

// csv writes numbers in base units: IOPS, bytes a second, nanoseconds.
func (r Result) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"job", "point", "host", "metric", "unit", "before", "after", "change", "low", "high", "p", "n_before", "n_after", "verdict"}}
	for _, c := range r.Comparisons {
		low, high := bounded(c)
		rows = append(rows, []string{
			c.Job, c.Point, c.Host, c.Metric, c.Unit, number(&c.Before), number(&c.After), number(&c.Change), number(low), number(high),
			number(&c.P), strconv.Itoa(c.NBefore), strconv.Itoa(c.NAfter), string(c.Verdict),
		})
	}
	if r.Standings != nil {
		rows = [][]string{{"job", "point", "host", "metric", "unit", "level", "spread", "sessions", "newest", "change", "low", "high", "p", "verdict", "more"}}
		for _, s := range r.Standings {
			rows = append(rows, []string{
				s.Job, s.Point, s.Host, s.Metric, s.Unit, number(&s.Level), number(s.Spread), strconv.Itoa(s.Sessions), number(&s.Value), number(&s.Change),
				number(s.Low), number(s.High), number(&s.P), string(s.Verdict), strconv.Itoa(s.More),
			})
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	return out.Error()
}

// number writes a number as exactly as it is, and what is not known as nothing.
func number(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}

// bounded returns the interval of a comparison, nil where there were too few
// runs for one.
func bounded(c events.Comparison) (low, high *float64) {
	if _, _, ok := c.Interval(); !ok {
		return nil, nil
	}
	return &c.Low, &c.High
}

// interval writes bounds as people read them.
func interval(low, high *float64) string {
	if low == nil || high == nil {
		return ""
	}
	return fmt.Sprintf("%s to %s", signed(*low), signed(*high))
}

func signed(share float64) string { return fmt.Sprintf("%+.1f%%", 100*share) }

// known is a quantity, or nothing for zero: a level that is not known.
func known(unit string, v float64) string {
	if v == 0 {
		return ""
	}
	return quantity(unit, v)
}

// quantity writes a value with its unit.
func quantity(unit string, v float64) string {
	switch unit {
	case verdict.UnitIOPS:
		return screen.IOPS(v)
	case verdict.UnitBandwidth:
		return screen.Bandwidth(v)
	case verdict.UnitTime:
		return screen.Nanoseconds(v)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
