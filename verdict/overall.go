package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/events"
)

// decided is the verdict on one metric of a comparison.
type decided struct {
	metric  Metric
	verdict events.Verdict
}

// withDefaults fills in what was not asked for.
func (o Options) withDefaults() Options {
	o.Threshold = cmp.Or(o.Threshold, 0.05)
	if len(o.Figures) == 0 {
		o.Figures = defaultFigures()
	}
	if len(o.Decide) == 0 {
		o.Decide = defaultDecide(o.Figures)
	}
	return o
}

// Compared are the figures that are compared.
func (o Options) Compared() []string { return o.withDefaults().Figures }

// defaultDecide are the figures that must be decided when a bench names none:
// its rates, since a tail that stays open is the rule with few repeats. A bench
// that compares no rate must decide all that it compares.
func defaultDecide(figures []string) []string {
	var rates []string
	for _, f := range figures {
		if f == "iops" || f == "bw" {
			rates = append(rates, f)
		}
	}
	if len(rates) == 0 {
		return figures
	}
	return rates
}

// overall is the verdict of a whole: a regression anywhere outweighs all, and an
// improvement is reported although other points stayed. What is undecided makes
// the whole inconclusive only where the figure must be decided: a tail that
// stays open hides neither a certain gain nor equal rates.
func (o Options) overall(list []decided) events.Verdict {
	has := map[events.Verdict]bool{}
	open := false
	for _, d := range list {
		has[d.verdict] = true
		open = open || d.verdict == events.VerdictInconclusive && slices.Contains(o.Decide, d.metric.Figure())
	}
	switch {
	case has[events.VerdictRegressed]:
		return events.VerdictRegressed
	case has[events.VerdictImproved]:
		return events.VerdictImproved
	case open:
		return events.VerdictInconclusive
	case has[events.VerdictUnchanged]:
		return events.VerdictUnchanged
	case has[events.VerdictBaseline]:
		return events.VerdictBaseline
	}
	return events.VerdictInconclusive
}

// title is a verdict at the head of a sentence.
func title(v events.Verdict) string {
	s := string(v)
	return strings.ToUpper(s[:1]) + s[1:]
}

// place names a metric where it was measured.
func place(metric, job, point string) string {
	switch {
	case point != "":
		return metric + " at " + point
	case job != "":
		return metric + " of " + job
	}
	return metric
}

// CheckFigures returns an error that names a figure which cannot be compared,
// with those that can.
func CheckFigures(figures []string) error {
	known := events.MetricFigures()
	for _, f := range figures {
		if !slices.Contains(known, f) {
			return fmt.Errorf("metric %q is not known: want one of %s", f, strings.Join(known, ", "))
		}
	}
	return nil
}
