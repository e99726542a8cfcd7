package notice

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/events"
)

// maxShifts is how many comparisons a notice names; the page has all.
const maxShifts = 5

func (c composer) benchReported(d events.BenchReported) {
	if d.Confirms != "" {
		c.aside(d.Name, d.Bench, d.Confirms)
		return
	}
	c.n.Bench, c.n.Verdict, c.n.Shift, c.n.Recovered = d.Name, d.Verdict, d.Shift, d.Recovered
	c.n.Hosts = shiftedHosts(d.Comparisons)
	level, state := weigh(d.Verdict)
	if d.BlockUndecided && d.Verdict == events.VerdictInconclusive {
		state = Failure
	}
	if d.Recovered != nil && level == Info {
		level = Good
	}
	c.title(level, "%s: %s", d.Name, gist(d))
	c.comparisons(d.Comparisons)
	if d.Confirmation != nil {
		c.text("second look: " + d.Confirmation.Reason)
	}
	c.link("benches", d.Bench)
	if d.URL != "" {
		c.n.URL = d.URL
	}
	c.field("verdict", string(d.Verdict))
	c.field("bench", d.Bench)
	c.field("runs", countsText(d.Counts))
	c.history(d)
	c.origin(d.Origin)
	c.status(state, statusContext(d.Name), d.Bench, gist(d))
}

// comparisons lists what shifted, in the report's order: the worst first.
func (c composer) comparisons(list []events.Comparison) {
	told := 0
	for _, cmp := range list {
		if cmp.Verdict == events.VerdictUnchanged {
			continue
		}
		if told++; told > maxShifts {
			c.text("… and more on the page")
			return
		}
		c.text(shift(cmp))
	}
}

// history says since when, and what is over.
func (c composer) history(d events.BenchReported) {
	if d.Shift != nil && d.Shift.Reports > 1 {
		c.field("regressed since", short(d.Shift.Commit, d.Shift.Since))
		c.field("reports of it", fmt.Sprint(d.Shift.Reports))
	}
	if d.Recovered != nil {
		c.field("recovered from", short(d.Recovered.Commit, d.Recovered.Since))
	}
}

// gist is the truth about a bench in one line: the headline, and before it what it
// leaves out. A regression that lasts says since which commit.
func gist(d events.BenchReported) string {
	says := func(word string) bool { return strings.Contains(strings.ToLower(d.Headline), strings.ToLower(word)) }
	first := string(d.Verdict)
	switch {
	case d.Shift != nil && d.Shift.Reports > 1 && d.Shift.Commit != "":
		if since := short(d.Shift.Commit, ""); !says(since) {
			return first + " since " + since + ": " + d.Headline
		}
	case d.Recovered != nil:
		first = "recovered"
	}
	if says(first) {
		return d.Headline
	}
	return first + ": " + d.Headline
}

// short is a commit as people say it, or else the bench.
func short(commit, bench string) string {
	if commit == "" {
		return bench
	}
	return commit[:min(len(commit), 7)]
}

// shiftedHosts are the hosts whose figures are not what they were; none if any
// comparison took hosts together, for then it cannot be said whose fault it is.
func shiftedHosts(list []events.Comparison) []string {
	var names []string
	for _, cmp := range list {
		if cmp.Verdict == events.VerdictUnchanged {
			continue
		}
		if cmp.Host == "" {
			return nil
		}
		names = append(names, cmp.Host)
	}
	return hosts(names...)
}

// weigh says what a verdict means to people and to a commit. An inconclusive
// measurement shows no regression and no health either; an invalid or failed
// one says nothing about the commit at all.
func weigh(v events.Verdict) (Level, State) {
	switch v {
	case events.VerdictImproved:
		return Good, Success
	case events.VerdictUnchanged, events.VerdictBaseline:
		return Info, Success
	case events.VerdictRegressed:
		return Bad, Failure
	case events.VerdictInconclusive:
		return Warning, Neutral
	default:
		return Warning, Error
	}
}

// shift reads: bs=4k read.p99 on node1: 120 µs → 180 µs (+50.0%, 95% between +40.1%
// and +60.2%; level of 20 sessions, which move by 2.1%).
func shift(c events.Comparison) string {
	text := c.Metric
	if c.Point != "" {
		text = c.Point + " " + text
	}
	if c.Host != "" {
		text += " on " + c.Host
	}
	return fmt.Sprintf("%s %s: %s → %s (%s%s%s)", text, c.Verdict,
		quantity(c.Before, c.Unit), quantity(c.After, c.Unit), percent(c.Change), bounds(c), against(c.Level))
}

// bounds of a change, if there are any.
func bounds(c events.Comparison) string {
	low, high, ok := c.Interval()
	if !ok {
		return ""
	}
	return fmt.Sprintf(", 95%% between %s and %s", percent(low), percent(high))
}

// against says what a comparison that the level decided was held against.
func against(l *events.Level) string {
	if l == nil || !l.Decides {
		return ""
	}
	text := fmt.Sprintf("; level of %d sessions, which move by %.1f%%", l.Sessions, 100*l.Spread)
	if l.Together > 1 {
		text += fmt.Sprintf("; in the last %d sessions", l.Together)
	}
	return text
}

func percent(share float64) string {
	if math.IsNaN(share) || math.IsInf(share, 0) {
		return "?"
	}
	return fmt.Sprintf("%+.1f%%", 100*share)
}

// quantity writes a value the way people say it.
func quantity(v float64, unit string) string {
	switch unit {
	case "ns":
		return scaled(v, 1000, " ns", " µs", " ms", " s")
	case "B/s":
		return scaled(v, 1024, " B/s", " KiB/s", " MiB/s", " GiB/s")
	case "iops":
		return scaled(v, 1000, " IOPS", "k IOPS", "M IOPS")
	default:
		return strconv.FormatFloat(v, 'g', 4, 64) + " " + unit
	}
}

func scaled(v, step float64, units ...string) string {
	i := 0
	for i < len(units)-1 && math.Abs(v) >= step {
		v /= step
		i++
	}
	return strconv.FormatFloat(v, 'g', 4, 64) + units[i]
}
