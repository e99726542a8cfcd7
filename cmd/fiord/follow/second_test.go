package follow_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

// story is a bench whose one run has ended, and the bench that confirms it.
type story struct {
	first, placed, ended, second, again events.Event
	firstID, secondID                   string
}

func confirmed() story {
	request := events.BenchRequested{Name: "n", Jobs: []events.Job{{Name: "j.fio", Inline: "[j]\n"}}}
	s := story{first: events.New("fiord/test", "first", nil, request)}
	s.firstID = events.BenchID(s.first)
	place := func(bench, confirms string, cause events.Event) events.Event {
		now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		return events.New("fiord/inventory", "placed", &cause, events.BenchPlaced{
			Bench: bench, Name: "n", Slots: 1, Runs: 1, PlacedAt: now, Deadline: now.Add(time.Hour), Confirms: confirms,
			Placement: events.ClaimCheck{Bucket: "b", Key: "placements/x.json", SHA256: strings.Repeat("0", 64), MediaType: "application/json"},
		})
	}
	s.placed = place(s.firstID, "", s.first)
	run := events.RunRef{Bench: s.firstID, Run: events.RunID(s.firstID, 0, "", 0), Name: "n", Job: "j.fio", Host: "h", Attempt: 1}
	s.ended = events.New("fiord/bench", "run", &s.first, events.RunFailed{RunRef: run, Reason: "r", EndedAt: time.Now().UTC()})
	request.Confirms = s.firstID
	s.second = events.New("fiord/plot", "confirm", &s.first, request)
	s.secondID = events.BenchID(s.second)
	s.again = place(s.secondID, s.firstID, s.second)
	return s
}

func TestABenchWaitsForItsSecondLook(t *testing.T) {
	s := confirmed()
	b := follow.New(s.firstID)
	for _, e := range []events.Event{s.first, s.placed, s.ended} {
		b.Apply(e)
	}
	if w := b.Waiting(); len(w) != 1 || w[0].For != "plot" {
		t.Errorf("before: %+v", w)
	}
	for _, e := range []events.Event{s.second, s.again} {
		if !b.Apply(e) {
			t.Errorf("%s is not taken as news", e.Type)
		}
	}
	if w := b.Waiting(); len(w) != 1 || w[0].For != "bench" || !strings.Contains(w[0].What, "measuring again to confirm") {
		t.Errorf("meanwhile: %+v", w)
	}
	if n := b.Counts(); n.Failed != 1 || n.Planned != 1 {
		t.Errorf("the second look's runs are counted as the first's: %+v", n)
	}
	b.Apply(events.New("fiord/inventory", "end", &s.second, events.BenchUnplaced{Bench: s.secondID, Name: "n", Confirms: s.firstID, Problems: []events.Problem{{Rule: "r", Message: "m"}}}))
	if w := b.Waiting(); len(w) != 1 || w[0].For != "plot" || b.End != nil {
		t.Errorf("afterwards: %+v, ended with %v", w, b.End)
	}
}

// A person who follows a bench sees its second look, and the chain that both
// belong to tells each of who is waited for once.
func TestFollowingABenchShowsItsSecondLook(t *testing.T) {
	s := confirmed()
	b := bustest.New(t)
	for _, e := range []events.Event{s.first, s.placed, s.ended, s.second, s.again} {
		if _, err := b.Publish(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	end := func(cause events.Event, bench, confirms string) {
		t.Helper()
		if _, err := b.End(t.Context(), events.New("fiord/plot", "end", &cause, events.BenchReported{Bench: bench, Name: "n", Verdict: events.VerdictFailed, Headline: "h", Confirms: confirms})); err != nil {
			t.Fatal(err)
		}
	}
	c, err := follow.LoadChain(t.Context(), b, s.first.CorrelationID)
	if err != nil || len(c.Benches) != 2 || len(c.First()) != 1 || len(c.Waiting()) != 1 {
		t.Errorf("chain of %d benches waits for %+v: %v", len(c.Benches), c.Waiting(), err)
	}
	var seen []string
	told := 0
	_, err = follow.Tail(t.Context(), b, follow.Located{Bench: s.firstID}, func(e bus.Seen) { seen = append(seen, events.BenchOf(e.Event)) }, func(w []follow.Waiting) {
		if told++; told == 1 {
			end(s.second, s.secondID, s.firstID)
			end(s.first, s.firstID, "")
		}
	})
	if err != nil || len(seen) != 7 || seen[3] != s.secondID || seen[6] != s.firstID {
		t.Errorf("saw events of %v: %v", seen, err)
	}
}
