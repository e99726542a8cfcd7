// Package plot is fiord's plot service: it turns what was measured into what
// people look at. It draws the figures of each run, ends each bench with a
// report and a verdict, and serves the web page.
//
// # Consumes, publishes, keeps
//
//	reaction  consumes                                     effect
//	draw      run.completed                                figures in plots/<run>/, plots.rendered
//	tally     plots.rendered, the other ends of runs,      when nothing is missing: reports/<bench>/, and
//	          bench.placed                                 bench.reported or bench.cancelled
//	confirm   bench.reported, bench.unplaced,              judges the bench again that the ended one was to
//	          bench.cancelled                              confirm
//	cancel    cancel.requested                             bench.cancelled, if the bench is not placed, or
//	                                                       waits for its confirmation
//	archive   bench.requested, run.started, ends of        archive/<bench>/, and for reported benches
//	          benches, baseline.accepted                   archive/history/
//
// Every event about a bench or run is archived by the reaction that consumes
// it, before anything else, so that the page outlives the stream. The page
// itself is fed by a view of the same events, which fill an index in the replica's
// own folder: package index. Which hosts are there now it reads from the bucket
// fiord-hosts, and does without where it cannot.
//
// # Once, and whatever the order
//
// Keys in the store follow from ids and are written once. A bench is complete
// when the tally (a key per run in the bucket fiord-drawn, written after the
// run's end is archived and its figures are stored) has every run of the
// placement document; the last event to arrive finds it so, be it a run's or
// bench.placed itself. The verdict is decided by creating
// reports/<bench>/verdict.json, and the bench ends through the bus, which lets
// it end once. So replicas may race, and events may come twice, late or in any
// order.
//
// # Measured again before it is reported
//
// A bench that regressed and wants that confirmed doesn't end yet. What is to be
// measured again is stored as reports/<bench>/confirm.json: one bench.requested
// whose id follows from the bench's. The bench is judged again when that one has
// ended, in whatever way, and ends with what follows from both. Cancelling the
// first cancels the second. A regression that was reported before ends its bench
// at once.
//
// # What failure brings about
//
// A run that cannot be drawn is announced without figures and with the reason,
// so that its bench goes on. A bench whose report cannot be made is reported as
// invalid with the reason. Neither is left waiting.
package plot
