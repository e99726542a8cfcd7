package notice

import (
	"fmt"
	"math"
	"strconv"

	"github.com/fiord-bench/fiord/events"
)

// maxShifts is how many comparisons a notice names; the page has all.
const maxShifts = 5

func (c composer) benchReported(d events.BenchReported) {
	level, state := weigh(d.Verdict)
	c.title(level, "%s: %s", d.Name, d.Headline)
	c.n.Verdict = d.Verdict
	told := 0
	for _, cmp := range d.Comparisons {
		if cmp.Verdict == events.VerdictUnchanged {
			continue
		}
		if told++; told > maxShifts {
			c.text("… and more on the page")
			break
		}
		c.text(shift(cmp))
	}
	c.link("benches", d.Bench)
	if d.URL != "" {
		c.n.URL = d.URL
	}
	c.field("verdict", string(d.Verdict))
	c.field("bench", d.Bench)
	c.field("runs", countsText(d.Counts))
	c.origin(d.Origin)
	c.status(state, statusContext(d.Name), d.Bench, string(d.Verdict)+": "+d.Headline)
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

// shift reads: bs=4k read.p99 on node1: 120 µs → 180 µs (+50.0%, 95% between +40.1% and +60.2%).
func shift(c events.Comparison) string {
	text := c.Metric
	if c.Point != "" {
		text = c.Point + " " + text
	}
	if c.Host != "" {
		text += " on " + c.Host
	}
	return fmt.Sprintf("%s %s: %s → %s (%s, 95%% between %s and %s)", text, c.Verdict,
		quantity(c.Before, c.Unit), quantity(c.After, c.Unit), percent(c.Change), percent(c.Low), percent(c.High))
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
