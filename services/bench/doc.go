// Package bench is the service that measures: one worker per host runs fio for
// the benches placed on it.
//
// # Consumes
//
// runs.requested on its host's own route and on those of the pools it serves.
// Each names a list of invocations, which are run in order. cancel.requested
// and the ends of benches are followed as a view, to stop the runs of cancelled benches.
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
// per run in the bucket fiord-starts, because attempts are starts, not deliveries.
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
// A worker that is stopped in good order lets fio be, in its container, if the run is
// meant for this host: the next start adopts it. A run of a pool, or of a plain
// process, is ended and handed back, and that start is not counted. So updates
// cost no run its attempts. A worker that is killed hands nothing back; where fio's
// exit status was lost with it, what fio wrote decides: a whole report is a result,
// a section's error a failure, and anything else leaves the run to its next attempt.
//
// # Packages
//
// None of them knows this one. What happens in an attempt, and what is left of it
// when its worker is killed, is in package attempt, by phases.
//
//	attempt       one run of fio, from the invocation in hand to its end
//	plan          what one invocation will run, and what it may touch
//	outcome       the event that an attempt ends with, from what fio left behind
//	measure       how carefully a bench is measured: options, filling, cache, common start, repeats
//	status        what the worker is doing and what it knows of its host
//	cancellation  which benches are cancelled
//	starts        how often fio was started for a run
//	locks         the turnstile before the measurement gate, and locks of disks
//	lease         which host has a device that several hosts see
//	supervise     ends fio with such a lease
//	docker        runs fio in a hardened container
//	hook          adapters of the operator
//	laidout       files that jobs laid out
//	memory        what jobs were last measured in, and what has changed since
//	spool         what waits on the host's disk for the store and the bus
//	outbox        ships it
//	throttle      how often a failure that goes on is logged
//
// What is true of a host without a service is in the module host.
package bench
