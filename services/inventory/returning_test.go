package inventory_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
)

// The third document leaves the hosts of the first, and another machine out: the
// same inventory with another report. Its report's key held other content, so the
// inventory never came to be, the terminated machine stayed, and everything behind
// it waited.
func TestInventoryThatComesBackHasItsOwnReport(t *testing.T) {
	s := newSite(t)
	s.replica(quick())
	var first events.InventoryGenerated
	for i := 1; i <= 3; i++ {
		raw, err := os.ReadFile(fmt.Sprintf("testdata/returning/%d.json", i))
		if err != nil {
			t.Fatal(err)
		}
		claim := artifactstest.Put(t, s.store, fmt.Sprintf("requests/pipe/%d.json", i), "application/json", string(raw))
		s.publish(events.New("fiord/cli", fmt.Sprint(i), nil, events.InstancesDiscovered{
			Snapshot: claim, Sources: []events.SourceStatus{{Source: "pipe"}}, Complete: true, At: time.Now(),
		}))
		g, _ := await(s, func(events.InventoryGenerated) bool { return true })
		switch i {
		case 1:
			first = g
		case 3:
			if g.Inventory != first.Inventory {
				t.Fatalf("inventory %s, want %s again", g.Inventory, first.Inventory)
			}
			if g.Report.SHA256 == first.Report.SHA256 || g.Report.Key == first.Report.Key {
				t.Errorf("report %+v is that of the first, %+v", g.Report, first.Report)
			}
			artifactstest.Read(t, s.store, *g.Report)
		}
	}
	for letter, err := range s.bus.DeadLetters(context.Background(), "") {
		t.Errorf("dead letter %+v, %v", letter, err)
	}
}
