package plan

import (
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/guard"
)

func TestABenchGetsNoMoreMemoryThanItsHostGives(t *testing.T) {
	p := &Planner{Settings: Settings{MaxMemory: 1 << 30}}
	for limit, refused := range map[events.Bytes]bool{0: false, 1 << 20: false, 1 << 30: false, 1<<30 + 1: true, 1 << 60: true} {
		problems := p.aboveCeiling(events.Limits{Memory: limit})
		if refused != (len(problems) == 1) {
			t.Errorf("%s: problems %+v", limit.Text(), problems)
		}
		if refused && (problems[0].Rule != guard.RuleCeiling || problems[0].Option != "limits.memory" || !strings.Contains(problems[0].Message, "at most 1GiB (bench.max_memory)")) {
			t.Errorf("%s: %+v", limit.Text(), problems[0])
		}
	}
	if problems := (&Planner{}).aboveCeiling(events.Limits{Memory: 1 << 60}); len(problems) > 0 {
		t.Errorf("without a ceiling: %+v", problems)
	}
}
