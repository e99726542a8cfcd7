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
// A shift is reported when the rank test rejects and the shift is at least the
// threshold; so it is where that leaves a shift open and Yuen's test, which leaves
// out the highest and the lowest runs of either side, rejects at a smaller level: a
// stray run hides nothing. Equality is reported only when the interval lies within
// the threshold; what lies between is inconclusive, and the headline says what would
// help. Five runs against five, or four against six, are the least with which the
// rank test can reject at the level used here; a comparison of fewer never reports
// a shift.
//
// A percentile is also compared between all I/Os of either side, their histograms
// merged bin by bin, with an interval bootstrapped over runs ([TailShift]). That
// never reports a shift, and takes one back only if it went the other way for
// certain. Where the runs' histograms are not at hand, the runs' own percentiles
// decide alone. Beside the verdict, [Tails] gives percentiles of all I/Os of several
// runs.
//
// Package level has the judgement of a bench against many before it, and package
// simulate how often both are right.
package verdict
