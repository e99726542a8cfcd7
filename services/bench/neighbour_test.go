package bench

import (
	"testing"

	"github.com/fiord-bench/fiord/events"
)

// TestTwoWorkersOfOneNameLeaveEachOtherAlone: two installations on one machine
// have the same host name. The second to start once took the first one's fio
// for a leftover of its own and ended it.
func TestTwoWorkersOfOneNameLeaveEachOtherAlone(t *testing.T) {
	first, second := newWorld(t), newWorld(t)
	first.start(first.config("host-1"))
	list := first.request(bench{host: "host-1", jobs: []string{timedJob}})
	first.started(list.Runs[0])
	second.start(second.config("host-1"))
	other := second.request(bench{host: "host-1", jobs: []string{quickJob}})
	ended[events.RunCompleted](t, second.end(other.Runs[0]))
	ended[events.RunCompleted](t, first.end(list.Runs[0]))
}
