// Package bench is the service that measures: one worker per host runs fio for
// the benches placed on it.
//
// # Consumes
//
// runs.requested on its host's own route and on those of the pools it serves.
// Each names a list of invocations, which are run in order. cancel.requested
// and the ends of benches are followed as a view, to stop what nobody wants.
//
// # Publishes
//
// run.started for each start of fio, then exactly one of run.completed,
// run.failed, run.rejected and run.cancelled, arbitrated by the bus: a run
// that inventory has expired meanwhile stays expired. Progress goes to the
// live stream once a second. The host announces itself in the registry.
//
// # Keeps
//
// A spool on the host's own disk (see package spool): what fio wrote, and the
// end of each attempt until store and bus have it. Starts of fio are counted
// per run in the attempts bucket, because attempts are starts, not deliveries.
//
// # Idempotency
//
// The key is the run's id. Before each invocation the worker asks whether the
// run, or its bench, has ended, whether it is waiting in the spool, and whether
// a container of it still runs. A redelivered list therefore goes on at the
// first invocation that has not ended. Artifacts of attempts lie apart, and the
// end names the attempt whose artifacts count.
//
// # Stopping
//
// A worker that is told to stop lets fio be, in its container, if the run is
// meant for this host: the next start adopts it. A run of a pool, or of a plain
// process, is ended and handed back, and that start is not counted. So updates
// cost no run its attempts. A worker that is killed hands nothing back.
//
// # Order of a run
//
//	fetch and verify the job file     store
//	apply the point, add logs         fio/job
//	judge it                          guard: run.rejected
//	pass the gate, lock the devices   internal/gate, locks.go
//	lease what other hosts see too    lease, shared.go, leased.go
//	count the start, run.started      starts.go
//	what the bench wants done before  precondition.go, cache.go, together.go
//	run fio                           runner: docker or process
//	judge the result                  verdict: integrity
//	commit to the spool, ship         spool, ship.go
//
// # Packages
//
//	runner   what it means to start fio once; its conformance suite
//	docker   in a hardened container      process  as a plain child
//	guard    what a job may touch         block    what Linux knows of its disks
//	facts    what the host is             verdict  whether to believe a run
//	spool    what waits for the store     hook     adapters of the operator
//	activity what the host does meanwhile
//	memory   what jobs were last measured in, and what has changed since
//	lease    who has a device that several hosts see
//	supervise ends fio with such a lease
package bench
