package events

import "time"

// LivePrefix starts the subjects of what is shown and forgotten.
const LivePrefix = "fiord.live."

// Progress of a run while fio works, once a second. It is no CloudEvent: the
// last one of a run replaces the one before, and nothing reacts to it.
type Progress struct {
	Bench string `json:"bench"`
	Run   string `json:"run"`
	Name  string `json:"name"`
	Job   string `json:"job"`
	Host  string `json:"host"`
	// Index of the run in its slot's list of Runs.
	Index   int   `json:"index"`
	Runs    int   `json:"runs"`
	Slot    int   `json:"slot"`
	Point   Point `json:"point,omitempty"`
	Repeat  int   `json:"repeat"`
	Attempt int   `json:"attempt"`
	// Phase is waiting, preparing, layout, running, storing or ended.
	Phase string `json:"phase"`
	// Percent done, 0 to 100; negative when fio cannot tell.
	Percent float64 `json:"percent"`
	// ETA of the run, 0 when unknown.
	ETA Duration `json:"eta,omitzero"`
	// IOPS and BandwidthBytes (per second) since the last report, by direction.
	// LatencyNS is the mean time in nanoseconds that a request took at the disks
	// measured, as the kernel counts it: fio tells its own at its end. Without a
	// disk of the host, or without requests that reached it, there is none.
	IOPS           map[string]float64 `json:"iops,omitempty"`
	BandwidthBytes map[string]float64 `json:"bandwidth_bytes,omitempty"`
	LatencyNS      map[string]float64 `json:"latency_ns,omitempty"`
	At             time.Time          `json:"at"`
}

// Subject is fiord.live.<host token>.<bench>.<run>: a worker may only speak
// for itself.
func (p Progress) Subject() string {
	return LivePrefix + Token(p.Host) + "." + p.Bench + "." + p.Run
}

// LiveFilter matches the progress of one bench on every host, or of all
// benches if bench is empty.
func LiveFilter(bench string) string {
	if bench == "" {
		return LivePrefix + ">"
	}
	return LivePrefix + "*." + bench + ".*"
}
