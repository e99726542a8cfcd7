// Package fleet makes up a fleet of hosts and what it measured in three months:
// 12 hosts, 6 models of devices, 400 benches with shifts, creep, failures and
// noise. It fills the page for who develops it, and for who tries fiord before
// there are disks to measure.
//
// Its figures are those of real runs: fio's documents and logs in measured/,
// stretched in time, rate and latency to what a device of the made-up model does.
// Summaries, verdicts and histories come out of them by the same code as in the
// service. The same seed makes the same fleet; only the day on which it ends is
// the caller's.
package fleet
