// Package attempt is what happens in one attempt of a run, from the invocation
// in a worker's hand to its end in the spool or in the stream. Conduct brings an
// invocation to its end; Recover takes up what an earlier worker left.
//
// How far a run has come is its Phase. The files follow it from top to bottom;
// none calls one that stands before it:
//
//	recovery.go      what an earlier worker left, by phase
//	conduct.go       received, planned, admitted: plan, gate, locks, lease
//	start.go         begun, started: spool, run.started, fio
//	precondition.go  what a bench wants done right before fio measures
//	finish.go        exited, committed: wait for fio, commit its end
//	end.go           ended: runs whose fio was not started
//	stop.go          what a worker that stops does with a run
//	lease.go         the lease of what other hosts see too
//	watch.go         progress, host, size and free space while fio runs
//	session.go       what is remembered from one run of a list to the next
//	run.go           the run, and what the spool keeps of it
//	phase.go         phases, and what a crash leaves in each
//	worker.go        what all attempts on a host share
package attempt
