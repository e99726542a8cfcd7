package page

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/services/plot/index"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// How much of the home page's table one bench takes.
const (
	benchesPerPage = 40
	linesPerBench  = 4
)

type homePage struct {
	frame
	Query        url.Values
	Filtered     bool
	Choices      []choice
	Columns      []column
	Rows         []homeRow
	Newer, Older string
	Options      index.Options
	Periods      []period
}

// choice narrows the table to a verdict, or undoes that.
type choice struct {
	chip
	Count  int
	URL    string
	Chosen bool
}

// column is a heading that sorts.
type column struct{ Text, Class, URL, Order string }

type period struct {
	Value, Text string
	Chosen      bool
}

// homeRow is a bench in the table.
type homeRow struct {
	index.Row
	Chip    chip
	Open    bool
	Age     string
	Asked   string
	Span    int
	Lines   []homeLine
	More    int
	Percent int // of its runs that are over
	Running []running
	Waiting string
}

// homeLine is a line of a bench, written out.
type homeLine struct {
	index.Line
	Place           string // section and direction, with the point
	Class           string // of the direction, for its colour
	IOPSText        string
	BandwidthText   string
	P99Text         string
	Changes         []changeText
	Spark           template.HTML
	SparkText       string
	Suspect, Device string
}

// changeText is a change of a figure, signed, in a colour if it was judged.
type changeText struct{ Figure, Text, Class, Title string }

// home serves the benches, newest first, or as the query asks.
func (h *Handler) home(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	q := query(v, h.now())
	q.Limit = benchesPerPage
	found, err := h.source.Search(r.Context(), q)
	if err != nil {
		h.fail(w, r, "The list of benches", err)
		return
	}
	p := homePage{frame: frame{Title: "Benches", Root: "/", Area: "/", Foot: h.foot, Account: accountOf(r), Live: "all", Refresh: 30, API: "/api/v1/benches"}, Query: v, Filtered: filtered(v)}
	if p.Options, err = h.source.Options(r.Context()); err != nil {
		h.fail(w, r, "The list of benches", err)
		return
	}
	if len(v) > 0 {
		p.API += "?" + v.Encode()
	}
	p.Choices, p.Columns, p.Periods = choices(v, found.Verdicts), columns(v), periods(v)
	if found.More {
		p.Older = withSkip("/", v, q.Skip+benchesPerPage)
	}
	if q.Skip > 0 {
		p.Newer = withSkip("/", v, max(0, q.Skip-benchesPerPage))
	}
	for _, row := range found.Rows {
		p.Rows = append(p.Rows, h.homeRow(r.Context(), row))
	}
	h.render(w, r, "home", p)
}

// query reads what is looked for from an address.
func query(v url.Values, now time.Time) index.Query {
	q := index.Query{
		Text: v.Get("q"), Name: v.Get("name"), Repo: v.Get("repo"), Branch: v.Get("branch"), Host: v.Get("host"), Model: v.Get("model"),
		Section: v.Get("section"), Verdict: v.Get("verdict"), State: v.Get("state"), Sort: v.Get("sort"), Ascending: v.Get("order") == "asc", Skip: number(v.Get("skip")),
	}
	if d, err := time.ParseDuration(v.Get("within")); err == nil && d > 0 {
		q.Since = now.Add(-d)
	}
	for name, to := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		if t, err := time.Parse(time.DateOnly, v.Get(name)); err == nil {
			*to = t
		}
	}
	return q
}

// filtered says whether an address narrows the list.
func filtered(v url.Values) bool {
	return slices.ContainsFunc([]string{"q", "name", "repo", "branch", "host", "model", "section", "verdict", "state", "within", "since", "until"}, func(k string) bool { return v.Get(k) != "" })
}

// changed is an address with some of its query changed; an empty value removes it.
// It starts at the first page.
func changed(v url.Values, pairs ...string) string {
	c := url.Values{}
	for k, values := range v {
		c[k] = values
	}
	for pair := range slices.Chunk(pairs, 2) {
		if c.Del(pair[0]); pair[len(pair)-1] != "" {
			c.Set(pair[0], pair[len(pair)-1])
		}
	}
	return withSkip("/", c, 0)
}

func choices(v url.Values, counts map[string]int) []choice {
	var out []choice
	for _, name := range []string{"open", "regressed", "failed", "invalid", "inconclusive", "improved", "unchanged", "baseline", "unplaced", "cancelled"} {
		n := counts[name]
		key := "verdict"
		if name == "open" {
			key = "state"
		}
		chosen := v.Get(key) == name
		if n == 0 && !chosen {
			continue
		}
		c := choice{chip: wordChip(name), Count: n, Chosen: chosen, URL: changed(v, "verdict", "", "state", "", key, name)}
		if chosen {
			c.URL = changed(v, key, "")
		}
		if name == "open" {
			c.Text = "under way"
		}
		out = append(out, c)
	}
	return out
}

// wordChip shows a verdict, or the word of an end that has none.
func wordChip(name string) chip {
	switch name {
	case "open":
		return chip{"", "…", "under way"}
	case "unplaced":
		return chip{"bad", "✕", name}
	case "cancelled":
		return chip{"meh", "■", name}
	}
	return verdictChip(events.Verdict(name))
}

func columns(v url.Values) []column {
	sorted, ascending := cmp.Or(v.Get("sort"), "at"), v.Get("order") == "asc"
	var out []column
	for _, c := range []struct{ text, class, sort string }{{"Bench", "", "name"}, {"Host", "", ""}, {"Section", "", ""}, {"IOPS", "n", "iops"},
		{"Bandwidth", "n", "bandwidth"}, {"p99", "n", "p99"}, {"Change", "n", "change"}, {"History", "", ""}, {"Age", "n", "at"}} {
		to := column{Text: c.text, Class: c.class}
		if c.sort != "" {
			order := ""
			if sorted == c.sort {
				to.Order = map[bool]string{true: "ascending", false: "descending"}[ascending]
				if !ascending {
					order = "asc"
				}
			} else if c.sort == "change" || c.sort == "name" {
				order = "asc" // the worst first, and A before B
			}
			to.URL = changed(v, "sort", map[bool]string{true: "", false: c.sort}[c.sort == "at"], "order", order)
		}
		out = append(out, to)
	}
	return out
}

func periods(v url.Values) []period {
	var out []period
	for _, p := range []period{{Text: "any time"}, {Value: "24h", Text: "last day"}, {Value: "168h", Text: "last 7 days"}, {Value: "720h", Text: "last 30 days"}, {Value: "2160h", Text: "last 90 days"}} {
		p.Chosen = v.Get("within") == p.Value
		out = append(out, p)
	}
	return out
}

// homeRow writes a bench out.
func (h *Handler) homeRow(ctx context.Context, r index.Row) homeRow {
	row := homeRow{Row: r, Open: !model.State(r.State).Ended(), Age: age(h.now().Sub(r.At)), Chip: wordChip(r.Verdict)}
	if r.Right != "" {
		row.Asked = strings.TrimSpace(map[string]string{"repository": "push", "confirmation": "second look"}[r.Right])
		if row.Asked == "" {
			row.Asked = r.Right
		}
	}
	if row.Open {
		row.Chip = chip{"", "…", r.State}
		if r.Planned > 0 {
			row.Percent = 100 * r.Over / r.Planned
		}
		row.Running = writtenProgress(h.feed.Running(r.ID))
		if len(row.Running) == 0 {
			row.Waiting = h.waiting(ctx, r)
		}
	}
	shown := slices.Clone(r.Lines)
	slices.SortStableFunc(shown, func(a, b index.Line) int { return index.Rank(b.Verdict) - index.Rank(a.Verdict) })
	if len(shown) > linesPerBench {
		row.More, shown = len(shown)-linesPerBench, shown[:linesPerBench]
	}
	for _, l := range shown {
		row.Lines = append(row.Lines, writtenLine(l))
	}
	row.Span = max(len(row.Lines), 1)
	return row
}

func writtenLine(l index.Line) homeLine {
	out := homeLine{Line: l, Place: l.Series, IOPSText: quantityText(figure.IOPS, l.IOPS), BandwidthText: quantityText(figure.Bandwidth, l.Bandwidth), P99Text: "–", Device: l.Model}
	if l.P99 != nil {
		out.P99Text = latency(*l.P99)
	}
	_, out.Class = events.SplitSeries(l.Series)
	if l.Point != "" {
		out.Place += " · " + pointText(l.Point)
	}
	if l.Sound < l.Runs {
		out.Suspect = fmt.Sprintf("%d of %d runs did not pass their checks", l.Runs-l.Sound, l.Runs)
	}
	out.Changes = changesOf(l)
	out.Spark, out.SparkText = spark(l.History)
	return out
}

// changesOf are the changes of IOPS and p99: as judged, or else against the median
// of the line's history, which is a hint and no verdict.
func changesOf(l index.Line) []changeText {
	past := func(of func(index.Past) *float64) *float64 {
		var list []float64
		for _, p := range l.History[:max(0, len(l.History)-1)] {
			if v := of(p); v != nil {
				list = append(list, *v)
			}
		}
		if len(list) < 3 {
			return nil
		}
		slices.Sort(list)
		m := list[len(list)/2]
		return &m
	}
	var out []changeText
	for _, f := range []struct {
		name          string
		judged, value *float64
		before        *float64
		lessIsBetter  bool
	}{
		{"IOPS", l.IOPSChange, l.IOPS, past(func(p index.Past) *float64 { return p.IOPS }), false},
		{"p99", l.P99Change, l.P99, past(func(p index.Past) *float64 { return p.P99 }), true},
	} {
		switch {
		case f.judged != nil:
			c := changeText{f.name, percent(*f.judged), "", "as judged: " + cmp.Or(l.Verdict, "no verdict")}
			if worse := (*f.judged < 0) != f.lessIsBetter; l.Verdict == "regressed" && worse && math.Abs(*f.judged) >= .02 {
				c.Class = "bad"
			} else if l.Verdict == "improved" && !worse && math.Abs(*f.judged) >= .02 {
				c.Class = "good"
			}
			out = append(out, c)
		case f.before != nil && f.value != nil && *f.before > 0:
			out = append(out, changeText{f.name, percent(*f.value / *f.before - 1), "hint", "against the median of its history; not judged"})
		}
	}
	return out
}

// spark draws the IOPS of a history, and says the same in words. A tenth of the
// median is at least the whole height: noise must not look like change.
func spark(past []index.Past) (template.HTML, string) {
	const width, height = 104.0, 22.0
	var values []float64
	for _, p := range past {
		if p.IOPS != nil {
			values = append(values, *p.IOPS)
		}
	}
	if len(values) < 2 {
		return "", ""
	}
	low, high := slices.Min(values), slices.Max(values)
	sorted := slices.Sorted(slices.Values(values))
	if least := sorted[len(sorted)/2] * .2; high-low < least {
		middle := (high + low) / 2
		low, high = middle-least/2, middle+least/2
	}
	var points strings.Builder
	x, y := 0.0, 0.0
	for i, v := range values {
		x, y = 2+float64(i)/float64(len(values)-1)*(width-5), height-3-(v-low)/(high-low)*(height-6)
		fmt.Fprintf(&points, "%.1f,%.1f ", x, y)
	}
	text := fmt.Sprintf("IOPS of the last %d benches: %s to %s", len(values), figure.IOPS.Format(sorted[0]), figure.IOPS.Format(sorted[len(sorted)-1]))
	svg := fmt.Sprintf(`<svg class="spark" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-label="%s"><title>%[5]s</title><polyline points="%s"/><circle cx="%.1f" cy="%.1f" r="2"/></svg>`,
		width, height, width, height, template.HTMLEscapeString(text), strings.TrimSpace(points.String()), x, y)
	return template.HTML(svg), text // #nosec G203 -- numbers and escaped text
}

// quantityText writes a figure out, a dash for what is not known.
func quantityText(q figure.Quantity, v *float64) string {
	if v == nil {
		return "–"
	}
	return q.Format(*v)
}

// age writes how long ago something was.
func age(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}
