// Package verdict decides what a bench says about its commit: improved,
// unchanged, regressed, or why that cannot be told.
//
// It is pure statistics over the runs of two benches. Runs are grouped by
// point, job and machine; only groups measured on the same kind of machine are
// compared, and only runs whose integrity is ok take part. Within a group each
// metric is compared by
//
//   - its medians before and after,
//   - an interval for the relative shift: Hodges and Lehmann's estimate on
//     logarithms with the bounds that the rank test itself implies,
//   - the exact rank test of Mann and Whitney (golang.org/x/perf/benchmath).
//
// A shift is told when the rank test rejects and the shift is at least the
// threshold. Equality is told only when the interval lies within the
// threshold; what lies between is inconclusive, and the headline says what
// would help. Five runs against five, or four against six, are the least with
// which the rank test can reject at the level used here; a comparison of fewer
// never tells a shift.
//
// A percentile is also compared between all I/Os of either side, their histograms
// merged bin by bin, with an interval bootstrapped over runs ([TailShift]). That
// never tells a shift, but one that it does not bear out is not told: it is
// inconclusive. Where the runs' histograms are not at hand, the runs' own
// percentiles decide alone. Beside the verdict, [Tails] gives percentiles of all
// I/Os of several runs.
package verdict
