// Package integrity decides whether a run's numbers can be trusted, and shows why
// not. Each check leaves a finding with its evidence in figures; the worst of
// them is the run's state.
//
//	fio_errors     invalid  a job reported errors, or was killed
//	               suspect  short or dropped I/Os
//	noise          suspect  fio said something besides its report
//	log_mismatch   suspect  I/Os in the logs and in the summary disagree
//	stall          suspect  nothing completed for a while, though nothing was paused
//	short_run      suspect  it ended before its runtime, or is too short to mean much
//	not_steady     suspect  the steady state asked for was not reached
//	throttled      suspect  heat, a falling clock or a limit of CPU time held it up;
//	               ok       a limit that the bench asked for
//	busy_neighbour suspect  others used its device, or CPU time that it lacked
//	cut            invalid  the report ends in its middle
//
// Two more checks are the worker's own: not_synchronised (suspect) and
// environment_changed (ok).
//
// fio's averages leave silent intervals out, so a run that stalled looks fast
// in them: that is what log_mismatch and stall are about.
package integrity
