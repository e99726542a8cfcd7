package attempt

// Phase is how far a worker has come with a run. A run only goes forward, as
// transitions has it. It leaves the worker's hand in Committed or Ended, or with
// an error, by which the bus brings its list again or which Recover finds out
// about at the worker's next start.
type Phase int

// The phases. "Kept" is what outlives the worker, should it be killed then.
const (
	// Received: the invocation is in hand. Kept: nothing but the list, which the
	// bus brings again.
	Received Phase = iota
	// Planned: its job file is fetched, edited and judged; it waits for the gate
	// or for a lease. Kept: nothing.
	Planned
	// Admitted: it has the gate, its disks are locked and held, what other hosts
	// see is leased, and the start is counted. Kept: the count, so that a run
	// which takes its host down is not begun for ever; locks end with the
	// process, the lease at its deadline.
	Admitted
	// Begun: the spool has the order and run.started is published; targets are
	// being filled, other hosts waited for. Kept: the order. A filling that still
	// runs is cleared away, the attempt is dropped and the list begins the next.
	Begun
	// Started: fio runs. Kept: the order, what fio writes and, in a container, fio
	// itself: it is adopted. A plain process ends with its worker, and the attempt is
	// dropped, unless fio had done all it was to do: its report says so.
	Started
	// Exited: fio has ended and its devices are given back. Kept: as in Started;
	// an adopted container that has ended is read once more.
	Exited
	// Committed: the end and its files are durable in the spool. Kept: all of it;
	// the outbox ships it.
	Committed
	// Ended: the end is in the stream, for a run without files.
	Ended
)

// transitions are all there are.
var transitions = map[Phase][]Phase{
	Received:  {Planned, Ended},
	Planned:   {Admitted, Ended},
	Admitted:  {Begun},
	Begun:     {Started, Committed}, // committed: it could not be prepared or started
	Started:   {Exited, Committed},  // committed: fio was lost
	Exited:    {Committed},
	Committed: nil,
	Ended:     nil,
}

// names are those of phases in logs and errors.
var names = map[Phase]string{
	Received: "received", Planned: "planned", Admitted: "admitted", Begun: "begun",
	Started: "started", Exited: "exited", Committed: "committed", Ended: "ended",
}

// shown is how progress events name a phase; those of fio itself come from fio.
var shown = map[Phase]string{
	Planned: "waiting", Admitted: "preparing", Exited: "storing", Committed: "ended", Ended: "ended",
}

// String is the phase's name.
func (p Phase) String() string { return names[p] }

// Recovery is what the next worker does about a run whose worker was killed.
type Recovery int

// The recoveries.
const (
	Adopt Recovery = iota // wait for fio, if it still runs, and commit its end
	Drop                  // forget the attempt: the list begins the next one
	Clear                 // end and remove what runs: no attempt knows it
)

// RecoveryOf decides by what is left of an attempt, one of them at least: its
// order in the spool, which says that it had begun, what still runs of it, and
// whether its fio has written how it ended.
func RecoveryOf(begun, runs, wrote bool) Recovery {
	switch {
	case begun && (runs || wrote):
		return Adopt
	case begun:
		return Drop
	default:
		return Clear
	}
}
