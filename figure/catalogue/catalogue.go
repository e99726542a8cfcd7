package catalogue

import (
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/figure"
)

// Scope is what a figure is drawn from.
type Scope int

// Scopes of figures. An entry may have more than one.
const (
	// OfRun is one run: Subject.Run is set.
	OfRun Scope = 1 << iota
	// OfRuns are runs held against each other: Subject.Runs is set.
	OfRuns
	// OfBench is a bench as a whole: Subject.Bench is set.
	OfBench
	// OfHistory is a bench among the others of its name: Subject.History is set.
	OfHistory
)

// Entry describes one figure, or one for each direction of the I/Os.
type Entry struct {
	// Name such as iops or latency. Where a figure is drawn for each of several
	// directions, a dash and the direction follow: latency-read, or, of one of
	// several sections, latency-section-read.
	Name string
	// Title heads the figure and describes it to those who cannot see it.
	Title string
	// Scope is what the figure is drawn from.
	Scope Scope
	// OnDemand figures are drawn when they are asked for, others as soon as their
	// subject has ended.
	OnDemand bool
	// Logs says that the figure is drawn from the logs of its runs, which have to
	// be read for it.
	Logs bool
	// Host says that the figure is drawn from what was recorded of the host.
	Host bool
	// Timeline figures have the run's time on their x axis.
	Timeline bool
	// Stretch says that the figure can be drawn of a stretch of the run, on a
	// finer grid.
	Stretch bool

	// byDirection entries are one figure for each direction with I/Os.
	byDirection bool
	// worth tells whether there is something to show; nil for figures that are
	// never drawn without being asked for.
	worth func(s Subject, direction string) bool
	draw  func(title string, s Subject, direction string) *figure.Figure
}

// entries is the catalogue, in the order in which figures are shown.
func entries() []Entry {
	return []Entry{
		{Name: "iops", Title: "IOPS over time", Scope: OfRun, Logs: true, Timeline: true, Stretch: true, worth: hasLogs, draw: iopsOverTime},
		{Name: "bandwidth", Title: "Bandwidth over time", Scope: OfRun, Logs: true, Timeline: true, Stretch: true, worth: hasLogs, draw: bandwidthOverTime},
		{Name: "latency", Title: "Latency over time", Scope: OfRun, Logs: true, Timeline: true, Stretch: true, byDirection: true, worth: hasLatencies, draw: latencyOverTime},
		{Name: "heatmap", Title: "All completion latencies over time", Scope: OfRun, Logs: true, Timeline: true, Stretch: true, byDirection: true, worth: hasHeat, draw: heatmap},
		{Name: "host", Title: "CPU and disk during the run", Scope: OfRun, Host: true, Timeline: true, worth: hostWatched, draw: processors},
		{Name: "disk", Title: "Disk throughput during the run", Scope: OfRun, Host: true, Timeline: true, worth: disksWatched, draw: traffic},
		{Name: "percentiles", Title: "Latency by percentile", Scope: OfRun, worth: hasBins, draw: percentiles},
		{Name: "histogram", Title: "Latency histogram", Scope: OfRun, OnDemand: true, worth: hasBins, draw: histogram},
		{Name: "cdf", Title: "Latency, cumulative", Scope: OfRun, OnDemand: true, worth: hasBins, draw: cumulative},
		{Name: "steady", Title: "IOPS over time and steady state", Scope: OfRun, OnDemand: true, Logs: true, worth: hasRates, draw: steady},
		{Name: "cpu", Title: "CPU and disks over the run", Scope: OfRun, OnDemand: true, worth: hasDocument, draw: usage},

		{Name: "difference", Title: "Latency against run 1", Scope: OfRuns, OnDemand: true, worth: comparableBins, draw: comparedDifference},
		{Name: "percentiles", Title: "Latency by percentile", Scope: OfRuns, OnDemand: true, worth: comparableBins, draw: comparedPercentiles},
		{Name: "cdf", Title: "Latency, cumulative", Scope: OfRuns, OnDemand: true, worth: comparableBins, draw: comparedCumulative},
		{Name: "iops", Title: "IOPS over time", Scope: OfRuns, OnDemand: true, Logs: true, worth: comparableRates, draw: comparedRates},
		{Name: "summary", Title: "IOPS", Scope: OfRuns, OnDemand: true, draw: comparedSummary},

		{Name: "shifts", Title: "Against the baseline", Scope: OfBench, worth: hasComparisons, draw: shifts},
		{Name: "iops-by-point", Title: "IOPS by point", Scope: OfBench, worth: hasCompleted, draw: iopsByPoint},
		{Name: "bandwidth-by-point", Title: "Bandwidth by point", Scope: OfBench, worth: hasCompleted, draw: bandwidthByPoint},
		{Name: "p99-by-point", Title: "99th percentile of latency by point", Scope: OfBench, worth: hasCompleted, draw: p99ByPoint},
		{Name: "load", Title: "Mean latency over throughput", Scope: OfBench, OnDemand: true, worth: severalDepths, draw: load},
		{Name: "surface", Title: "IOPS by two options", Scope: OfBench, OnDemand: true, worth: halfMeasured, draw: surface},
		byOption("iodepth"), byOption("numjobs"), byOption("bs"),

		{Name: "trend", Title: "IOPS from commit to commit", Scope: OfBench | OfHistory, OnDemand: true, draw: trendOf("iops")},
		{Name: "trend-lat", Title: "Mean latency from commit to commit", Scope: OfHistory, OnDemand: true, draw: trendOf("lat")},
		{Name: "trend-p99", Title: "p99 of latency from commit to commit", Scope: OfBench | OfHistory, OnDemand: true, draw: trendOf("p99")},
		{Name: "trend-p999", Title: "p99.9 of latency from commit to commit", Scope: OfHistory, OnDemand: true, draw: trendOf("p999")},
	}
}

// List lists the figures of a scope.
func List(scope Scope) []Entry {
	return slices.DeleteFunc(entries(), func(e Entry) bool { return e.Scope&scope == 0 })
}

// OnDemand lists the figures of a scope that are drawn when they are asked for.
func OnDemand(scope Scope) []Entry {
	return slices.DeleteFunc(List(scope), func(e Entry) bool { return !e.OnDemand })
}

// Find returns the entry that a figure's name belongs to, be it of all
// directions or of one.
func Find(scope Scope, name string) (Entry, bool) {
	for _, e := range List(scope) {
		if name == e.Name || e.byDirection && strings.HasPrefix(name, e.Name+"-") {
			return e, true
		}
	}
	return Entry{}, false
}
