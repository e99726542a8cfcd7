package catalogue

import (
	"fmt"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/result"
)

// Subject is what a figure is drawn from: the fields that its scope names.
type Subject struct {
	Run *Run
	// Runs are held against each other. Title names what they have in common;
	// it may be empty.
	Runs    []*Run
	Title   string
	Bench   *Bench
	History Trends
}

// Run is a run with all that its figures are drawn from. What is nil is not
// known.
type Run struct {
	events.RunRef
	// Completed sums the run up; nil if it did not complete. Its artifacts are
	// not looked at.
	Completed *events.RunCompleted
	// Document is fio's result.
	Document *result.Document
	// Reading is what the logs hold, of the whole run or of a stretch of it.
	Reading *reading.Run
	// Activity is what the host did during the run.
	Activity *reading.Activity
	// Stated are put on the figures besides those that Flags finds in the data.
	Stated []string
}

// Bench is a bench as a whole.
type Bench struct {
	Name   string
	Origin *events.Origin
	Counts events.Counts
	// Runs in order; only Completed is drawn of them.
	Runs []*Run
	// Comparisons with the baseline, each a shift of at least Threshold (a share)
	// or not.
	Comparisons []events.Comparison
	Threshold   float64
}

// Trends are the benches of one name on one ref, as figures over commits.
type Trends interface {
	// Trend is a metric (iops, lat, p99 or p999) from commit to commit. Its title
	// is the catalogue's.
	Trend(metric string) figure.Trend
}

// trendOf draws a metric from commit to commit.
func trendOf(metric string) func(string, Subject, string) *figure.Figure {
	return func(title string, s Subject, _ string) *figure.Figure {
		f := s.History.Trend(metric)
		f.Title = title
		return f.Figure()
	}
}

// subject names a bench and the commit that asked for it.
func (b *Bench) subject() string {
	if o := b.Origin; o != nil {
		return fmt.Sprintf("%s · %s %s", b.Name, o.Repo.Name, o.Commit[:min(10, len(o.Commit))])
	}
	return b.Name
}

// join puts the parts of a name together that are not empty.
func join(parts ...string) string {
	name := ""
	for _, part := range parts {
		switch {
		case name == "":
			name = part
		case part != "":
			name += " · " + part
		}
	}
	return name
}
