// Package runnertest is the conformance suite that every runner passes, with
// real fio: what it leaves in the directory, how it ends, how it is stopped,
// and what a dead worker leaves for the next.
package runnertest
