package index_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/index"
	"github.com/fiord-bench/fiord/services/plot/model"
)

var start = time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)

// kept is an archive: events by bench.
type kept map[string][]model.Seen

func (k kept) Archived(_ context.Context, bench string) ([]model.Seen, error) { return k[bench], nil }

func (k kept) ArchivedBenches(context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for id := range k {
			if !yield(id, nil) {
				return
			}
		}
	}
}

// life is all that happens to a bench of the given number: two hosts, two repeats.
func life(number int) (id string, list []model.Seen) {
	at, name := start.Add(time.Duration(number)*time.Hour), []string{"randread", "oltp"}[number%2]
	add := func(e events.Event) events.Event {
		at = at.Add(time.Second)
		e.Time = at
		list = append(list, model.Seen{Event: e, Stored: at})
		return e
	}
	origin := &events.Origin{Repo: events.Repo{Forge: "gitea", Name: "ada/disks", CloneURL: "https://git.example.org/ada/disks.git"}, Ref: "refs/heads/main", Commit: fmt.Sprintf("%040d", number)}
	request := add(events.New("fiord/ingest", fmt.Sprint("bench", number), nil, events.BenchRequested{
		Name: name, Jobs: []events.Job{{Name: "r.fio", Inline: "[r]"}}, Origin: origin, Repeat: 2}))
	id = events.BenchID(request)
	claim := events.ClaimCheck{Bucket: "fiord", Key: "placements/x.json", SHA256: fmt.Sprintf("%064d", 1), Size: 1, MediaType: "application/json"}
	add(events.New("fiord/inventory", "", &request, events.BenchPlaced{Bench: id, Name: name, Placement: claim, Hosts: 2, Slots: 2, Runs: 4, PlacedAt: at, Deadline: at.Add(time.Hour), Origin: origin}))
	counts := events.Counts{Planned: 4}
	for i := range 4 {
		host := []string{"node-a", "node-b"}[i%2]
		ref := events.RunRef{Bench: id, Run: events.HashID("run", id, fmt.Sprint(i)), Name: name, Job: "r.fio", Slot: i % 2, Index: i / 2, Repeat: i / 2, Host: host, Attempt: 1}
		device := &events.Device{Path: "/dev/nvme0n1", Model: "Model " + host, Serial: "S-" + host, Firmware: fmt.Sprint("f", number/5), Size: 1e12, Scheduler: "none"}
		add(events.New("fiord/bench", ref.Run+"s", &request, events.RunStarted{RunRef: ref, Device: device, Facts: map[string]string{"kernel": "6.12"}}))
		p := float64(100_000 + 1000*number + i)
		state := events.Integrity{State: events.IntegrityOK}
		if i == 3 {
			state = events.Integrity{State: events.IntegritySuspect, Findings: []events.Finding{{Check: "stall", State: events.IntegritySuspect, Evidence: "2 s"}}}
		}
		add(events.New("fiord/bench", ref.Run, &request, events.RunCompleted{RunRef: ref, StartedAt: at, EndedAt: at.Add(time.Second), Integrity: state, Artifacts: []events.Artifact{},
			Summary: events.Summary{Read: &events.Figures{IOPS: p, BandwidthBytes: p * 4096, TotalIOs: 10, RuntimeMS: 1000, Latency: &events.Latency{Of: "lat", Mean: 1e5, P50: &p, P99: &p, Max: 1e6}}}}))
		counts.Completed++
	}
	verdict := []events.Verdict{events.VerdictUnchanged, events.VerdictRegressed, events.VerdictImproved}[number%3]
	add(events.New("fiord/plot", "", &request, events.BenchReported{Bench: id, Name: name, Verdict: verdict, Headline: "So it is.", Counts: counts, Origin: origin, Reports: []events.Artifact{},
		Comparisons: []events.Comparison{{Job: "r.fio", Host: "node-a", Metric: "read.iops", Verdict: verdict, Unit: "iops", Before: 1, After: 1, Change: -.1 * float64(number%3)}}}))
	return id, list
}

func opened(t testing.TB, dir string, older index.Older) *index.Index {
	t.Helper()
	x, err := index.Open(t.Context(), dir, model.New(1000), older, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// found is what searches find, to be compared.
func found(t testing.TB, x *index.Index, q index.Query) index.Result {
	t.Helper()
	if err := x.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := x.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stream is the lives of benches in one order.
func stream(benches int) (list []model.Seen, archive kept) {
	archive = kept{}
	for i := range benches {
		id, events := life(i)
		list, archive[id] = append(list, events...), events
	}
	return list, archive
}

func TestRowsSayWhatWasMeasured(t *testing.T) {
	x := opened(t, "", nil)
	_, list := life(4)
	for i, s := range list {
		x.Apply(t.Context(), s.Event, s.Stored, uint64(i+1))
	}
	r := found(t, x, index.Query{})
	if len(r.Rows) != 1 || len(r.Rows[0].Lines) != 2 {
		t.Fatalf("%+v", r)
	}
	row, a, b := r.Rows[0], r.Rows[0].Lines[0], r.Rows[0].Lines[1]
	if row.State != "reported" || row.Verdict != "regressed" || row.Completed != 4 || row.Repo != "ada/disks" || len(row.Hosts) != 2 || row.Right != "repository" {
		t.Errorf("row: %+v", row)
	}
	if a.Host != "node-a" || a.Device != "S-node-a" || a.Model != "Model node-a" || *a.IOPS != 104_001 || a.Verdict != "regressed" || *a.IOPSChange != -.1 || a.Runs != 2 || a.Sound != 2 {
		t.Errorf("line of two sound runs: %+v, iops %v", a, *a.IOPS)
	}
	if b.Host != "node-b" || *b.IOPS != 104_001 || b.Sound != 1 || b.Verdict != "" || b.IOPSChange != nil {
		t.Errorf("line with a run in doubt, which no figure may be of: %+v, iops %v", b, *b.IOPS)
	}
	if diff := cmp.Diff(map[string]int{"regressed": 1}, r.Verdicts); diff != "" {
		t.Error(diff)
	}
}

func TestQueriesChoose(t *testing.T) {
	x := opened(t, "", nil)
	list, _ := stream(30)
	for i, s := range list {
		x.Apply(t.Context(), s.Event, s.Stored, uint64(i+1))
	}
	for _, c := range []struct {
		q    index.Query
		want int
	}{
		{index.Query{}, 30}, {index.Query{Name: "oltp"}, 15}, {index.Query{Verdict: "improved"}, 10}, {index.Query{Text: "OLTP node-b 0000029"}, 1},
		{index.Query{Host: "node-a", Repo: "ada/disks", Branch: "main"}, 30}, {index.Query{Host: "node"}, 0}, {index.Query{Model: "Model node-a", Section: "read"}, 30},
		{index.Query{Since: start.Add(10 * time.Hour), Until: start.Add(12 * time.Hour)}, 2}, {index.Query{State: "open"}, 0}, {index.Query{Text: "100%"}, 0}, {index.Query{Limit: 7, Skip: 28}, 2},
	} {
		if r := found(t, x, c.q); len(r.Rows) != c.want {
			t.Errorf("%+v finds %d, want %d", c.q, len(r.Rows), c.want)
		}
	}
	r := found(t, x, index.Query{Sort: "iops", Ascending: true, Limit: 3})
	if !r.More || *r.Rows[0].Lines[0].IOPS > *r.Rows[2].Lines[0].IOPS || len(found(t, x, index.Query{Limit: 1}).Rows[0].Lines[0].History) != 15 {
		t.Errorf("sorted by IOPS, with the history of the name: %+v", r.Rows)
	}
	if worst := found(t, x, index.Query{Sort: "change", Ascending: true, Limit: 1}).Rows[0]; worst.Change == nil || *worst.Change != -.2 {
		t.Errorf("the worst change first: %+v", worst)
	}
}

// A restart reads what came since; a database that was deleted, or is damaged, is
// made again from the archive and the stream, and says the same.
func TestRestartsAndRebuildsSayTheSame(t *testing.T) {
	list, archive := stream(12)
	whole := opened(t, "", nil)
	for i, s := range list {
		whole.Apply(t.Context(), s.Event, s.Stored, uint64(i+1))
	}
	want := found(t, whole, index.Query{})

	dir, from := t.TempDir(), uint64(0)
	for from < uint64(len(list)) { // stopped again and again, in the middle of benches
		x := opened(t, dir, nil)
		next, behind := x.From(start, 1, uint64(len(list)))
		if next != from+1 || behind != (from == 0) {
			t.Fatalf("goes on at %d (%v), %d were seen", next, behind, from)
		}
		for range 7 {
			if from < uint64(len(list)) {
				x.Apply(t.Context(), list[from].Event, list[from].Stored, from+1)
				from++
			}
		}
		if err := x.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	x := opened(t, dir, nil)
	if diff := cmp.Diff(want, found(t, x, index.Query{})); diff != "" {
		t.Errorf("after restarts:\n%s", diff)
	}
	if next, behind := x.From(start.Add(time.Hour), 1, 5); next != 1 || !behind {
		t.Errorf("of another stream it goes on at %d, %v", next, behind)
	}

	last := len(list) - 20 // what the stream still has
	again := opened(t, "", archive)
	if err := again.CatchUp(t.Context(), archive); err != nil {
		t.Fatal(err)
	}
	for i, s := range list[last:] {
		again.Apply(t.Context(), s.Event, s.Stored, uint64(last+i+1))
	}
	if diff := cmp.Diff(want, found(t, again, index.Query{})); diff != "" {
		t.Errorf("made again from the archive:\n%s", diff)
	}
}

func TestOrderAndRepetitionChangeNothing(t *testing.T) {
	list, _ := stream(6)
	want := index.Result{}
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 5 {
		x := opened(t, "", nil)
		mixed := append(append([]model.Seen{}, list...), list[r.IntN(len(list))])
		if n > 0 {
			r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		}
		for i, s := range mixed {
			x.Apply(t.Context(), s.Event, s.Stored, uint64(i+1))
			if i%9 == 0 {
				_ = found(t, x, index.Query{})
			}
		}
		got := found(t, x, index.Query{})
		if n == 0 {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("order %d:\n%s", n, diff)
		}
	}
}

func TestDamagedIndexIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	x := opened(t, dir, nil)
	_, list := life(1)
	for i, s := range list {
		x.Apply(t.Context(), s.Event, s.Stored, uint64(i+1))
	}
	if err := x.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	spoil(t, filepath.Join(dir, "index.db"))
	x = opened(t, dir, nil)
	if r := found(t, x, index.Query{}); len(r.Rows) != 0 {
		t.Errorf("of a damaged database %d rows are shown", len(r.Rows))
	}
	if next, behind := x.From(start, 1, 100); next != 1 || !behind {
		t.Errorf("it goes on at %d, %v: want all", next, behind)
	}
}

// Events as they came are forgotten when they are old; their bench is whole again
// when something more is heard of it.
func TestLateNewsOfAnOldBenchKeepItsRows(t *testing.T) {
	id, list := life(3)
	dir, archive := t.TempDir(), kept{id: list}
	x := opened(t, dir, archive)
	for i, s := range list {
		x.Apply(t.Context(), s.Event, s.Stored, uint64(i+1))
	}
	want := found(t, x, index.Query{})
	if err := x.Prune(t.Context(), start.Add(1000*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	x = opened(t, dir, archive)
	if _, ok, err := x.Bench(t.Context(), id); ok || err != nil {
		t.Errorf("the bench is still put together from its events: %v", err)
	}
	run := want.Rows[0]
	x.Apply(t.Context(), events.New("fiord/plot", "late", nil, events.PlotsRendered{Bench: run.ID, Run: events.HashID("run", id, "0"), Figures: []events.Artifact{}}), start.Add(2000*time.Hour), 100)
	if diff := cmp.Diff(want, found(t, x, index.Query{})); diff != "" {
		t.Errorf("after late news:\n%s", diff)
	}
}
