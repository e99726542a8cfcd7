// Package reading turns what fio left of one run into what figures show: its
// result document and its logs, of any size, into series on a common grid.
//
// Jobs are added up (rates), weighted by their I/Os (mean latencies) or merged
// bin by bin (percentiles); silent intervals count. What cannot be read, what
// had to be guessed and what does not add up is said in words, which stand on
// the figures: nothing is skipped in silence.
//
// Logs are streamed side by side. Memory depends on the length of the grid,
// which is bounded, and not on the size of the logs.
package reading
