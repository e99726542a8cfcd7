// Package fidelity measures whether fiord measures what fio alone would: a job
// through a whole fiord, which adds its logs to it, against the same job as its
// author wrote it in a bare container of the same image, in interleaved pairs.
//
// The machine's own noise is measured in the same session, by pairs of two bare
// runs: only beside those can a cost of fiord be distinguished from the machine.
// While a bare run lasts, fiord is stopped (SIGSTOP), so that "bare" means a host
// without it.
//
//	make fidelity                                      20 rounds of 10 s: half an hour
//	make fidelity FIDELITY_PAIRS=3 FIDELITY_RUNTIME=2s
//
// A round measures a load once as each arm, in an order drawn anew:
//
//	fiord   through webhook-to-verdict fiord: bus, store, worker, engine
//	bare    docker run with the job file as its author wrote it
//	again   the same once more
//	logged  docker run with the job file that fiord made of it; every other round
//
// fiord/bare is judged, again/bare is the noise, logged/bare is the part of it
// that the logs cost which fiord adds by default.
package fidelity
