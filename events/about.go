package events

import "slices"

// RunOf returns the run that an event is about, for the events that carry a
// [RunRef]: the start of a run and its ends.
func RunOf(e Event) (RunRef, bool) {
	d, ok := e.Data.(interface{ runRef() RunRef })
	if !ok {
		return RunRef{}, false
	}
	return d.runRef(), true
}

// runRef is promoted to the data of every event that embeds it.
func (r RunRef) runRef() RunRef { return r }

// BenchOf returns the id of the bench that an event is about, "" if it is about
// none. The id of a bench that is being requested is the request's.
func BenchOf(e Event) string {
	if ref, ok := RunOf(e); ok {
		return ref.Bench
	}
	switch d := e.Data.(type) {
	case BenchRequested:
		return BenchID(e)
	case BenchPlaced:
		return d.Bench
	case BenchReported:
		return d.Bench
	case BenchUnplaced:
		return d.Bench
	case BenchCancelled:
		return d.Bench
	case CancelRequested:
		return d.Bench
	case RunsRequested:
		return d.Bench
	case PlotsRendered:
		return d.Bench
	case BaselineAccepted:
		return d.Bench
	}
	return ""
}

// BenchEnds are the terminals of a bench, in the catalogue's order.
func BenchEnds() []Type { return endsOf("bench") }

// RunEnds are the terminals of a run, in the catalogue's order.
func RunEnds() []Type { return endsOf("run") }

func endsOf(noun string) []Type {
	return slices.DeleteFunc(Types(), func(t Type) bool { return t.Ends() != noun })
}
