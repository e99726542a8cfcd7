package events

// Verdict is what a bench says about its commit.
type Verdict string

// The verdicts. Baseline means that there was nothing to compare with yet.
const (
	VerdictImproved     Verdict = "improved"
	VerdictUnchanged    Verdict = "unchanged"
	VerdictRegressed    Verdict = "regressed"
	VerdictInconclusive Verdict = "inconclusive"
	VerdictInvalid      Verdict = "invalid"
	VerdictFailed       Verdict = "failed"
	VerdictBaseline     Verdict = "baseline"
)

// Comparison is one metric of one point held against the baseline.
type Comparison struct {
	// Job file that was measured; empty in reports of earlier versions.
	Job string `json:"job,omitempty"`
	// Point in its canonical form, see [Point.Key].
	Point string `json:"point"`
	// Host is empty when hosts are taken together.
	Host string `json:"host,omitempty"`
	// Metric with its direction: read.iops, write.p99.
	Metric  string  `json:"metric"`
	Verdict Verdict `json:"verdict"`
	// Unit of Before and After: iops, B/s, ns.
	Unit string `json:"unit"`
	// Before and After are medians.
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	// Change is After/Before-1; Low and High bound it at 95%, and are 0 where
	// NoInterval says that there were too few samples for bounds.
	Change     float64 `json:"change"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	NoInterval bool    `json:"no_interval,omitempty"`
	// P is the p-value of the rank test, of Yuen's test where Trimmed says so, or of
	// the strongest test against the level where that decides.
	P float64 `json:"p"`
	// Trimmed is how many of the highest and of the lowest runs of a side were left
	// out by the test that found the shift: Yuen's, where stray runs hid it from the
	// rank test of all. 0 where all runs counted.
	Trimmed int `json:"trimmed,omitempty"`
	// NBefore and NAfter count the samples; where the level decides, NBefore
	// counts its sessions.
	NBefore int `json:"n_before"`
	NAfter  int `json:"n_after"`
	// Merged is, of a percentile, that of all I/Os of the runs of a side together;
	// nil where their histograms are not at hand.
	Merged *MergedTail `json:"merged,omitempty"`
	// Level is what is known of the sessions before this one: benches of the same
	// name, of this section, point, metric and kind of machine. nil where nothing is.
	Level *Level `json:"level,omitempty"`
}

// Level is the reference that the sessions before a bench give: where they lie and
// how much the machine moves from one to the next.
type Level struct {
	// Decides says that the comparison was judged against the level: Before is its
	// value. Otherwise there are too few sessions, and the comparison is between
	// two sessions only.
	Decides bool `json:"decides"`
	// Value of the level in the comparison's unit, with its bounds at 95%, which
	// are 0 where there are fewer than two sessions.
	Value float64 `json:"value"`
	Low   float64 `json:"low,omitempty"`
	High  float64 `json:"high,omitempty"`
	// Spread is the standard deviation from session to session, as a share of
	// Value; 0 where there are fewer than two sessions.
	Spread float64 `json:"spread,omitempty"`
	// Sessions that the level was estimated from.
	Sessions int `json:"sessions"`
	// Together is how many of the newest sessions show the change: more than one for
	// a change that lasts, or that crept in, which Drift says.
	Together int  `json:"together,omitempty"`
	Drift    bool `json:"drift,omitempty"`
	// Strays says that the change is of more repeats than before that lie far above
	// the others, as stalls bring about: of tails alone.
	Strays bool `json:"strays,omitempty"`
	// More sessions that are needed: for the level to decide, or to decide what is
	// open; 0 if none, or if it cannot be said.
	More int `json:"more,omitempty"`
}

// Interval is Low and High; ok is false where there is none. Reports of earlier
// versions wrote that as an interval without a practical end.
func (c Comparison) Interval() (low, high float64, ok bool) {
	return c.Low, c.High, !c.NoInterval && c.High < 1e9
}

// MergedTail is a percentile of all I/Os on either side of a comparison, read
// from the runs' histograms added up bin by bin.
type MergedTail struct {
	Before TailValue `json:"before"`
	After  TailValue `json:"after"`
	// Change is After/Before-1. Low and High bound it at 95%, bootstrapped over
	// runs, if Interval says that there were enough of them.
	Change   float64 `json:"change"`
	Low      float64 `json:"low,omitempty"`
	High     float64 `json:"high,omitempty"`
	Interval bool    `json:"interval,omitempty"`
}

// TailValue is a percentile in nanoseconds, with its bounds at 95% where there
// are enough runs to tell them, and how many I/Os it is of.
type TailValue struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low,omitempty"`
	High  float64 `json:"high,omitempty"`
	IOs   uint64  `json:"ios"`
}

// Counts of a bench's runs by their end.
type Counts struct {
	// Planned leaves out what turned out not to be needed.
	Planned   int `json:"planned"`
	Completed int `json:"completed"`
	Failed    int `json:"failed"`
	Rejected  int `json:"rejected"`
	Cancelled int `json:"cancelled"`
	Expired   int `json:"expired"`
	// NotNeeded are repeats left out because the spread was reached.
	NotNeeded int `json:"not_needed,omitempty"`
}

// Ended is how many runs have ended.
func (n Counts) Ended() int {
	return n.Completed + n.Failed + n.Rejected + n.Cancelled + n.Expired
}

// BenchReported is the usual end of a bench.
type BenchReported struct {
	Bench   string  `json:"bench"`
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	// Headline says the verdict in one sentence, for statuses and chats.
	Headline string `json:"headline"`
	Counts   Counts `json:"counts"`
	// Comparisons, those that shifted most first, at most 50; all are in the report.
	Comparisons []Comparison `json:"comparisons,omitempty" jsonschema:"maxItems=50"`
	// Baseline is the bench compared with.
	Baseline string `json:"baseline,omitempty"`
	// Reports are report.html, report.md and verdict.json.
	Reports []Artifact `json:"reports"`
	// URL of the bench's page.
	URL    string  `json:"url,omitempty"`
	Origin *Origin `json:"origin,omitempty"`
	// Shift that a regression belongs to. Whoever tells people may keep quiet
	// about one that was told before.
	Shift *Shift `json:"shift,omitempty"`
	// Recovered is the shift that these results are the end of.
	Recovered *Shift `json:"recovered,omitempty"`
	// Settled is the shift that these results are no longer: it has lasted, and the
	// level has moved there.
	Settled *Shift `json:"settled,omitempty"`
	// BlockUndecided as [Compare] has it.
	BlockUndecided bool `json:"block_undecided,omitempty"`
	// Confirmation of a regression that was measured again, whatever came of it.
	Confirmation *Confirmation `json:"confirmation,omitempty"`
	// Confirms is the bench that this one measured again for.
	Confirms string `json:"confirms,omitempty"`
}

// EventType is bench.reported.
func (BenchReported) EventType() Type { return TypeBenchReported }

// About is the id of the bench.
func (d BenchReported) About() string { return d.Bench }

// Route is end.<bench>.
func (d BenchReported) Route() string { return "end." + d.Bench }

// Validate reports the fields at fault.
func (d BenchReported) Validate() error {
	c := checking(d.EventType())
	c.id("bench", d.Bench)
	c.text("name", d.Name, 100)
	oneOf(c, "verdict", d.Verdict, VerdictImproved, VerdictUnchanged, VerdictRegressed, VerdictInconclusive, VerdictInvalid, VerdictFailed, VerdictBaseline)
	c.text("headline", d.Headline, MaxHeadline)
	c.count("comparisons", len(d.Comparisons), 50)
	c.claims("reports", d.Reports, 20)
	if d.Shift != nil {
		d.Shift.check(c, "shift")
	}
	if d.Recovered != nil {
		d.Recovered.check(c, "recovered")
	}
	if d.Settled != nil {
		d.Settled.check(c, "settled")
	}
	if d.Confirmation != nil {
		d.Confirmation.check(c)
	}
	c.optionalID("confirms", d.Confirms)
	return c.err()
}

// BenchUnplaced ends a bench that nobody can or may measure.
type BenchUnplaced struct {
	Bench string `json:"bench"`
	Name  string `json:"name"`
	// Problems say what did not match or was not allowed, nearest misses first.
	Problems []Problem `json:"problems" jsonschema:"minItems=1,maxItems=50"`
	Origin   *Origin   `json:"origin,omitempty"`
	// Confirms is the bench that this one was to measure again for.
	Confirms string `json:"confirms,omitempty"`
}

// EventType is bench.unplaced.
func (BenchUnplaced) EventType() Type { return TypeBenchUnplaced }

// About is the id of the bench.
func (d BenchUnplaced) About() string { return d.Bench }

// Route is end.<bench>.
func (d BenchUnplaced) Route() string { return "end." + d.Bench }

// Validate reports the fields at fault.
func (d BenchUnplaced) Validate() error {
	c := checking(d.EventType())
	c.id("bench", d.Bench)
	c.text("name", d.Name, 100)
	c.problems("problems", d.Problems)
	c.optionalID("confirms", d.Confirms)
	return c.err()
}

// BenchCancelled ends a bench that was cancelled, once all its runs have ended.
type BenchCancelled struct {
	Bench string `json:"bench"`
	Name  string `json:"name"`
	// Reason and By repeat the cancel.requested.
	Reason string  `json:"reason"`
	By     string  `json:"by"`
	Counts Counts  `json:"counts"`
	Origin *Origin `json:"origin,omitempty"`
	// Confirms is the bench that this one was to measure again for.
	Confirms string `json:"confirms,omitempty"`
}

// EventType is bench.cancelled.
func (BenchCancelled) EventType() Type { return TypeBenchCancelled }

// About is the id of the bench.
func (d BenchCancelled) About() string { return d.Bench }

// Route is end.<bench>.
func (d BenchCancelled) Route() string { return "end." + d.Bench }

// Validate reports the fields at fault.
func (d BenchCancelled) Validate() error {
	c := checking(d.EventType())
	c.id("bench", d.Bench)
	c.text("name", d.Name, 100)
	c.text("reason", d.Reason, MaxReason)
	c.text("by", d.By, MaxActor)
	c.optionalID("confirms", d.Confirms)
	return c.err()
}

// BaselineAccepted makes a shift the new baseline.
type BaselineAccepted struct {
	// Bench whose results are the baseline from now on.
	Bench string `json:"bench"`
	// By is who accepted, Reason why.
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
	// Requester is who asks, and by what right.
	Requester *Requester `json:"requester,omitempty"`
}

// EventType is baseline.accepted.
func (BaselineAccepted) EventType() Type { return TypeBaselineAccepted }

// About is the id of the bench.
func (d BaselineAccepted) About() string { return d.Bench }

// Validate reports the fields at fault.
func (d BaselineAccepted) Validate() error {
	c := checking(d.EventType())
	c.id("bench", d.Bench)
	c.text("by", d.By, MaxActor)
	c.optional("reason", d.Reason, MaxReason)
	d.Requester.check(c)
	return c.err()
}

// PlotsRendered lists the figures of one run.
type PlotsRendered struct {
	Bench string `json:"bench"`
	Run   string `json:"run"`
	// Figures: iops.svg, bandwidth.svg, ... A PNG of each is drawn when it is asked
	// for, at the run's address: /runs/ID/figures/iops.png.
	Figures []Artifact `json:"figures" jsonschema:"maxItems=60"`
	// Flags that the figures carry, such as a log that disagrees with the summary.
	Flags []string `json:"flags,omitempty"`
	// URL of the run's page.
	URL string `json:"url,omitempty"`
}

// EventType is plots.rendered.
func (PlotsRendered) EventType() Type { return TypePlotsRendered }

// About is the id of the run.
func (d PlotsRendered) About() string { return d.Run }

// Validate reports the fields at fault.
func (d PlotsRendered) Validate() error {
	c := checking(d.EventType())
	c.id("bench", d.Bench)
	c.id("run", d.Run)
	c.claims("figures", d.Figures, 60)
	c.count("flags", len(d.Flags), 20)
	c.texts("flags", d.Flags, MaxFlag)
	return c.err()
}
