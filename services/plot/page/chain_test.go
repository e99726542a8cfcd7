package page_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// chained adds a bench that a push asked for to m: of its four runs as many
// have ended, been drawn and run as is said. It returns its id and what applies
// further events half a minute later each.
func chained(m *model.Model, key string, ended, drawn, running int) (string, func(events.Event) events.Event) {
	now := start
	apply := func(e events.Event) events.Event {
		now = now.Add(30 * time.Second)
		m.Apply(e, now)
		return e
	}
	push := apply(events.New("fiord/ingest", "push "+key, nil, events.PushReceived{}))
	request := apply(events.New("fiord/ingest", key, &push, events.BenchRequested{Name: "randread-nvme", Jobs: []events.Job{{Name: "r.fio"}}}))
	id := events.BenchID(request)
	apply(events.New("fiord/inventory", "", &request, events.BenchPlaced{Bench: id, Name: "randread-nvme", Runs: 4, Slots: 2, PlacedAt: now.Add(time.Second), Deadline: start.Add(time.Hour)}))
	for i := range ended + running {
		ref := events.RunRef{Bench: id, Run: events.HashID(key, fmt.Sprint(i)), Name: "randread-nvme", Job: "jobs/randread.fio", Index: i, Point: events.Point{"iodepth": fmt.Sprint(1 << i)}, Host: "node-a", Attempt: 1}
		apply(events.New("fiord/bench", ref.Run, &request, events.RunStarted{RunRef: ref}))
		if i >= ended {
			continue
		}
		begun := now
		c := apply(events.New("fiord/bench", ref.Run, &request, events.RunCompleted{RunRef: ref, StartedAt: begun, EndedAt: begun.Add(30 * time.Second), Integrity: events.Integrity{State: events.IntegrityOK}}))
		if i < drawn {
			apply(events.New("fiord/plot", "", &c, events.PlotsRendered{Bench: id, Run: ref.Run}))
		}
	}
	return id, apply
}

// tags are what is no text.
var tags = regexp.MustCompile(`<[^>]*>`)

// chainOf reads the chain off a page: one line a step.
func chainOf(t *testing.T, page string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, `<ol class="chain">`)
	if !ok {
		t.Fatalf("no chain in\n%s", page)
	}
	rest, _, _ = strings.Cut(rest, "</ol>")
	return strings.Join(strings.FieldsFunc(tags.ReplaceAllString(rest, ""), func(r rune) bool { return r == '\n' }), "\n")
}

func TestABenchTellsWhoDidWhatAndWhoIsWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		ended, drawn, running int
		want                  []string
	}{
		"placed": {0, 0, 0, []string{"push received forge, to ingest", "requested fiord/ingest", "placed inventory · 4 runs on 2 slots", "waiting for bench to start 4 more runs"}},
		"running": {2, 1, 1, []string{"measured bench · 2 of 4 runs ended", "drawn plot · figures of 1 of 2 completed runs", "waiting for bench on node-a to measure jobs/randread.fio, iodepth=4, repeat 1",
			"waiting for bench to start 1 more run ", "waiting for plot to draw 1 run "}},
		"all measured": {4, 4, 0, []string{"measured bench · 4 of 4 runs ended", "took 5m0s", "waiting for plot to report since"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := model.New(100)
			id, _ := chained(m, name, c.ended, c.drawn, c.running)
			got := chainOf(t, get(handler(t, source{Model: m}, nil), "/benches/"+id).Body.String())
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
		})
	}
}

func TestTheChainGoesOnToWhatPeopleWereTold(t *testing.T) {
	m := model.New(100)
	id, apply := chained(m, "told", 4, 4, 0)
	end := apply(events.New("fiord/plot", "", nil, report(id, "randread-nvme")))
	about := func(target string) events.Notice {
		return events.Notice{Notice: events.HashID(target), Target: target, Kind: "slack", Told: end.ID, ToldType: string(end.Type)}
	}
	for range 2 { // a replay tells nothing new
		apply(events.New("fiord/notify", "a", &end, events.NoticeSent{Notice: about("storage-chat")}))
	}
	apply(events.New("fiord/notify", "b", &end, events.NoticeFailed{Notice: about(hostile), Reason: "403 " + hostile}))
	apply(events.New("fiord/notify", "c", &end, events.NoticeSent{Notice: events.Notice{Target: "elsewhere", Told: "another event"}}))
	page := get(handler(t, source{Model: m}, nil), "/benches/"+id).Body.String()
	got := chainOf(t, page)
	for _, want := range []string{"reported plot · regressed", "told notify · storage-chat (slack) of bench reported", "could not be told notify · &lt;script&gt;"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is there %d times in\n%s", want, strings.Count(got, want), got)
		}
	}
	if strings.Contains(got, "waiting") || strings.Contains(got, "elsewhere") || strings.Contains(page, "<script>alert") {
		t.Errorf("%s", got)
	}
}

// A bench whose beginning nobody has seen, and clocks that are off, make no
// negative widths.
func TestAChainOfFragments(t *testing.T) {
	m := model.New(100)
	ref := events.RunRef{Bench: events.HashID("x"), Run: events.HashID("y"), Job: "r.fio", Host: "a", Attempt: 1}
	m.Apply(events.New("fiord/bench", "", nil, events.RunCompleted{RunRef: ref, StartedAt: start.Add(time.Hour), EndedAt: start, Integrity: events.Integrity{State: events.IntegrityOK}}), start)
	m.Apply(events.New("fiord/plot", "", nil, report(ref.Bench, "x")), start.Add(-time.Hour))
	page := get(handler(t, source{Model: m}, nil), "/benches/"+ref.Bench).Body.String()
	if got := chainOf(t, page); !strings.Contains(got, "reported") || strings.Contains(page, `width="-`) || strings.Contains(page, `x="-`) {
		t.Errorf("%s\n%s", got, page)
	}
}
