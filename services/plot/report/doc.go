// Package report ends benches. It counts the runs that have ended, and when all
// runs of the placement have, it compares the bench with its baseline, has what
// regressed measured again if the bench wants that, writes the report, and ends
// the bench with its verdict.
//
// Whichever event comes last finds the bench complete. The decision is created
// once in the store, and the bus lets a bench end once, so replicas may race.
package report
