// Package fidelity measures whether fiord measures what fio alone would: the
// same job, with the same log options, in the same image, through a whole fiord
// and by a bare container, in interleaved pairs.
//
// The machine's own noise is measured in the same session, by pairs of two bare
// runs: what fiord does to a figure is told from what the machine does only
// beside those. While a bare run lasts, fiord is stopped (SIGSTOP), so that
// "bare" means a host without it.
//
//	make fidelity                                      20 rounds of 10 s: half an hour
//	make fidelity FIDELITY_PAIRS=3 FIDELITY_RUNTIME=2s
//
// A round measures a load once as each arm, in an order drawn anew:
//
//	fiord   through webhook-to-verdict fiord: bus, store, worker, engine
//	bare    docker run with the job file that fiord made, and its logs
//	again   the same once more
//	silent  docker run with the job file as written, no logs; every other round
//
// fiord/bare is judged, again/bare is the noise, bare/silent is what the logs
// cost that fiord adds by default.
package fidelity
