package index_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/plot/index"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// lived is an index of so many benches, a day after the other, and of no archive.
func lived(t *testing.T, benches int) *index.Index {
	t.Helper()
	x, n := opened(t, "", nil), uint64(0)
	for i := range benches {
		_, list := life(i * 24)
		for _, s := range list {
			n++
			x.Apply(t.Context(), s.Event, s.Stored, n)
		}
	}
	if err := x.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestHostsSayWhatTheyMeasuredAndHowSteadyTheyAre(t *testing.T) {
	x := lived(t, 4)
	hosts, more, err := x.Hosts(t.Context(), index.Choice{Limit: 10})
	if err != nil || more || len(hosts) != 2 {
		t.Fatalf("%+v, %v, %v", hosts, more, err)
	}
	h := hosts[0]
	if h.Name != "node-a" || h.Facts["kernel"] != "6.12" || len(h.Devices) != 1 || h.Devices[0].Model != "Model node-a" || len(h.Running) != 0 {
		t.Errorf("%+v", h)
	}
	// 100,001 per second on the first day, and 24,000 more on each.
	if h.DayToDay == nil || cmp.Diff(.1935, *h.DayToDay, approximately) != "" {
		t.Errorf("day to day: %v", *h.DayToDay)
	}
	for text, want := range map[string]int{"node-b": 1, "MODEL NODE": 2, "6.12": 2, "no such": 0} {
		if got, _, err := x.Hosts(t.Context(), index.Choice{Text: text, Limit: 10}); err != nil || len(got) != want {
			t.Errorf("%q finds %d hosts, want %d (%v)", text, len(got), want, err)
		}
	}
	first, more, _ := x.Hosts(t.Context(), index.Choice{Limit: 1})
	rest, last, _ := x.Hosts(t.Context(), index.Choice{After: first[0].Name, Limit: 1})
	if !more || last || rest[0].Name != "node-b" {
		t.Errorf("paged: %v, then %v (%v)", first, rest, last)
	}
	if _, err := x.Host(t.Context(), "no such"); !errors.Is(err, model.ErrUnknown) {
		t.Errorf("a host that never measured: %v", err)
	}
}

var approximately = cmp.Comparer(func(a, b float64) bool { return a-b < 1e-3 && b-a < 1e-3 })

func TestEnvironmentChangesAreFound(t *testing.T) {
	x := lived(t, 2) // the firmware's number is a fifth of the bench's
	changes, err := x.EnvironmentChanges(t.Context(), "node-a", "")
	if err != nil || len(changes) != 1 {
		t.Fatalf("%+v, %v", changes, err)
	}
	c := changes[0]
	if c.What != "firmware" || c.Before != "f0" || c.Now != "f4" || c.Device != "S-node-a" || !c.After.Before(c.At) {
		t.Errorf("%+v", c)
	}
	// Back to the old firmware: no new combination, and a change all the same.
	at := start.Add(1000 * time.Hour)
	ref := events.RunRef{Bench: events.HashID("back"), Run: events.HashID("back run"), Name: "back", Job: "r.fio", Host: "node-a", Attempt: 1}
	e := events.New("fiord/bench", "back", nil, events.RunStarted{RunRef: ref, Facts: map[string]string{"kernel": "6.12"},
		Device: &events.Device{Path: "/dev/nvme0n1", Model: "Model node-a", Serial: "S-node-a", Firmware: "f0", Scheduler: "none"}})
	x.Apply(t.Context(), e, at, 1000)
	if err := x.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	changes, err = x.EnvironmentChanges(t.Context(), "", "S-node-a")
	if err != nil || len(changes) != 2 || changes[0].Before != "f4" || changes[0].Now != "f0" || !changes[0].At.Equal(at) {
		t.Errorf("after it went back: %+v, %v", changes, err)
	}
	h, err := x.Host(t.Context(), "node-a")
	if err != nil || len(h.Running) != 1 || h.Running[0].ID != ref.Run {
		t.Errorf("running: %+v, %v", h.Running, err)
	}
}

// Cursors lead through all, each once, whatever the length of a page.
func TestCursorsLeadThroughAll(t *testing.T) {
	x := lived(t, 9)
	for _, limit := range []int{1, 4, 36, 100} {
		runs, lines := map[string]bool{}, map[string]bool{}
		for q, more := (index.RunQuery{Limit: limit}), true; more; {
			var page []index.Run
			var err error
			if page, more, err = x.Runs(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			for _, r := range page {
				if runs[r.ID] || r.Metrics["read"].IOPS == nil {
					t.Fatalf("run twice or without figures: %+v", r)
				}
				runs[r.ID], q.After = true, r.Cursor()
			}
		}
		for q, more := (index.SeriesQuery{Limit: limit}), true; more; {
			var page []index.Measured
			var err error
			if page, more, err = x.Series(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			for _, l := range page {
				key := fmt.Sprint(l.Bench, l.Host, l.Point, l.Series)
				if lines[key] || l.Name == "" {
					t.Fatalf("line twice or without a bench: %+v", l)
				}
				lines[key], q.After = true, l.Cursor()
			}
		}
		if len(runs) != 36 || len(lines) != 18 {
			t.Errorf("pages of %d lead through %d runs and %d lines, want 36 and 18", limit, len(runs), len(lines))
		}
	}
	if _, _, err := x.Runs(t.Context(), index.RunQuery{After: "x", Limit: 1}); !errors.Is(err, index.ErrCursor) {
		t.Errorf("a cursor of nowhere: %v", err)
	}
}

func TestSeriesChoose(t *testing.T) {
	x := lived(t, 6)
	for _, c := range []struct {
		q    index.SeriesQuery
		want int
	}{
		{index.SeriesQuery{Hosts: []string{"node-a"}}, 6}, {index.SeriesQuery{Hosts: []string{"node-a", "node-b"}, Names: []string{"randread"}}, 12},
		{index.SeriesQuery{Names: []string{"oltp"}}, 0}, {index.SeriesQuery{Points: []string{"-"}, Series: []string{"read"}}, 12}, {index.SeriesQuery{Points: []string{"bs=4k"}}, 0},
		{index.SeriesQuery{Devices: []string{"S-node-b"}, Since: start.Add(24 * time.Hour), Until: start.Add(72 * time.Hour)}, 2},
	} {
		c.q.Limit = 100
		got, _, err := x.Series(t.Context(), c.q)
		if err != nil || len(got) != c.want {
			t.Errorf("%+v chooses %d, want %d (%v)", c.q, len(got), c.want, err)
		}
	}
	newest, err := x.Newest(t.Context(), "node-a", "")
	if err != nil || len(newest) != 1 || len(newest[0].History) != 6 {
		t.Errorf("newest: %+v, %v", newest, err)
	}
}
