// Package log reads fio's logs: bandwidth, IOPS, latency and histogram logs of
// fio 3.0 to 3.42, as text, gzip, zstd, or as fio's own .fz.
//
// The columns of a log depend on fio's version and on the job's options, and
// cannot be told from the file for certain: five columns may end in an offset
// or in a priority. So the caller gives a [Layout], made by [LayoutOf] from
// what is known; where nothing is known [Reader] guesses from the first lines
// and says so.
//
// Readers stream: memory is bounded whatever the file holds, and no line
// allocates. Lines that cannot be read are counted and the first ones kept.
//
// [Rates] and [Means] put samples onto a time grid. fio writes no row for an
// interval in which nothing completed; on a grid such an interval is zero.
package log
