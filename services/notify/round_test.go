package notify

import (
	"slices"
	"testing"
	"time"
)

// start is when the first notice of each test's group comes.
var start = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func TestRoundsGoFromCollectingToToldAndNeverBack(t *testing.T) {
	g := grouping{by: groupBy, wait: 30 * time.Second, interval: 5 * time.Minute}
	day := 24 * time.Hour
	collecting := round{Due: start.Add(30 * time.Second)}
	closed := round{Leader: "a", Closed: start, Members: []string{"a", "b"}}
	sent := closed
	sent.Sent = true
	for _, c := range []struct {
		name string
		r    round
		id   string
		at   time.Duration
		want move
		wait time.Duration
		due  time.Duration
	}{
		{"the first opens", round{}, "a", 0, moveOpen, 0, 30 * time.Second},
		{"the first after a message waits for the interval", round{Told: start.Add(-time.Minute)}, "a", 0, moveOpen, 0, 4 * time.Minute},
		{"long after a message only for the others", round{Told: start.Add(-time.Hour)}, "a", 0, moveOpen, 0, 30 * time.Second},
		{"others wait until it is due", collecting, "b", 10 * time.Second, moveWait, 20 * time.Second, 0},
		{"whoever comes then leads", collecting, "b", 30 * time.Second, moveClose, 0, 0},
		{"the leader sends, at each try", closed, "a", time.Hour, moveSend, 0, 0},
		{"members wait for it", closed, "b", 0, moveWait, time.Second, 0},
		{"ever longer", closed, "b", 20 * time.Second, moveWait, 20 * time.Second, 0},
		{"but not for hours", closed, "b", 3 * time.Hour, moveWait, time.Minute, 0},
		{"who came late waits for the next", closed, "c", 5 * time.Second, moveWait, 5 * time.Second, 0},
		{"a leader that is gone is succeeded", closed, "b", day + 1, moveClose, 0, 0},
		{"what was sent is not sent again", sent, "a", time.Hour, moveFinish, 0, 0},
		{"nor by others", sent, "b", 0, moveWait, time.Second, 0},
	} {
		m, wait, due := c.r.next(c.id, g, day, start.Add(c.at))
		if m != c.want || wait != c.wait || c.want == moveOpen && !due.Equal(start.Add(c.due)) {
			t.Errorf("%s: move %d, wait %v, due %v", c.name, m, wait, due)
		}
	}
}

func TestClosedRoundsHoldTheirLeader(t *testing.T) {
	for _, members := range [][]string{nil, {"b"}, {"a", "b"}} {
		r := round{Due: start, Told: start}.close("a", members, start)
		if !slices.Contains(r.Members, "a") || r.Leader != "a" || !r.Due.IsZero() || !r.Told.Equal(start) {
			t.Errorf("round %+v", r)
		}
	}
}
