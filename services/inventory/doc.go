// Package inventory knows the hosts and decides which of them measures a bench.
//
// It consumes bench.requested and answers with bench.placed and one
// runs.requested for each slot, or with bench.unplaced. The document
// placements/<bench>.json, created once, is the decision: a replica that loses
// the race announces the winner's, so that any number of replicas decide once.
//
// It follows the workers' records in the bucket fiord-hosts and tells when a
// host stops beating (host.lost). It writes how each run ended into the bucket
// fiord-tally, under <bench>.<run>, and ends what nobody ended, arbitrated like
// every terminal: runs still open long after their bench's deadline expire
// (run.expired), and those of a cancelled bench that no worker had come to are
// cancelled (run.cancelled).
//
// Everything is keyed by the bench's id, which follows from the event that
// asked for it; events sent in reaction have deterministic ids. Handling an
// event again finds the decision made and only repeats the announcement.
package inventory
