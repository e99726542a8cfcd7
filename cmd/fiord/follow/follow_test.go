package follow_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

var benchID = events.HashID("a bench")

func ref(index int, point events.Point, repeat int) events.RunRef {
	return events.RunRef{
		Bench: benchID, Run: events.RunID(benchID, 0, point.Key(), repeat), Name: "n", Job: "j.fio",
		Index: index, Point: point, Repeat: repeat, Host: "h", Attempt: 1,
	}
}

func completed(r events.RunRef, iops float64, state events.IntegrityState) events.RunCompleted {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return events.RunCompleted{
		RunRef: r, StartedAt: at, EndedAt: at.Add(time.Second), Integrity: events.Integrity{State: state},
		Summary: events.Summary{Read: &events.Figures{
			IOPS: iops, BandwidthBytes: iops * 4096, Latency: &events.Latency{Of: "lat", Mean: 100, P99: new(float64(1e6 / iops))},
		}},
	}
}

func event(d events.Data) events.Event {
	return events.New("fiord/test", d.(events.Named).About(), nil, d)
}

func TestRepeatsAreSummedUpPerPointInTheOrderOfTheirValues(t *testing.T) {
	b := follow.New(benchID)
	deep, shallow := events.Point{"iodepth": "32"}, events.Point{"iodepth": "1"}
	for _, d := range []events.RunCompleted{
		completed(ref(5, shallow, 2), 30, events.IntegrityOK),
		completed(ref(1, shallow, 0), 10, events.IntegritySuspect),
		completed(ref(0, deep, 0), 500, events.IntegrityOK),
		completed(ref(3, shallow, 1), 1000, events.IntegrityOK),
	} {
		if !b.Apply(event(d)) {
			t.Fatal("not taken as this bench's")
		}
	}
	want := []follow.Row{
		{Job: "j.fio", Point: "iodepth=1", Host: "h", Direction: "read", N: 3, IOPS: 30, BandwidthBytes: 30 * 4096, LatencyOf: "lat", MeanNS: new(100.0), P99NS: new(1e6 / 30.0), Integrity: "suspect"},
		{Job: "j.fio", Point: "iodepth=32", Host: "h", Direction: "read", N: 1, IOPS: 500, BandwidthBytes: 500 * 4096, LatencyOf: "lat", MeanNS: new(float64(100)), P99NS: new(float64(2000)), Integrity: "ok"},
	}
	if diff := cmp.Diff(want, b.Rows()); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestTheEndOfARunStandsWhateverComesAfter(t *testing.T) {
	b := follow.New(benchID)
	r := ref(0, nil, 0)
	b.Apply(event(events.RunFailed{RunRef: r, Reason: "no space", EndedAt: time.Now()}))
	b.Apply(event(events.RunStarted{RunRef: r}))
	if runs := b.Runs(); len(runs) != 1 || runs[0].State != follow.Failed || runs[0].Reason != "no space" {
		t.Errorf("got %+v", runs[0])
	}
	if n := b.Counts(); n.Failed != 1 || n.Ended() != 1 {
		t.Errorf("counts %+v", n)
	}
}

func TestEventsOfOtherBenchesAreLeftAlone(t *testing.T) {
	b := follow.New(events.HashID("another"))
	if b.Apply(event(completed(ref(0, nil, 0), 1, events.IntegrityOK))) || len(b.Runs()) != 0 {
		t.Error("a foreign run was taken in")
	}
	b.Show(events.Progress{Bench: benchID, Run: "x"})
	if len(b.Runs()) != 0 {
		t.Error("foreign progress was taken in")
	}
}

// Every example event that names a bench must be known to Of, or following
// would be blind to it.
func TestEveryEventOfABenchIsKnown(t *testing.T) {
	for _, e := range events.Examples() {
		if events.BenchOf(e) == "" && (e.Type.Noun() == "run" || e.Type.Noun() == "bench" || e.Type.Noun() == "runs") {
			t.Errorf("%s belongs to no bench", e.Type)
		}
	}
	for _, typ := range follow.Types() {
		if _, err := events.Parse(string(typ)); err != nil {
			t.Error(err)
		}
	}
}

func TestOutcomes(t *testing.T) {
	reported := func(v events.Verdict, n events.Counts) events.Data {
		return events.BenchReported{Bench: benchID, Verdict: v, Counts: n}
	}
	for name, in := range map[string]struct {
		end  events.Data
		want follow.Outcome
	}{
		"unchanged":          {reported(events.VerdictUnchanged, events.Counts{Completed: 1}), follow.AllWell},
		"first":              {reported(events.VerdictBaseline, events.Counts{Completed: 1}), follow.AllWell},
		"improved":           {reported(events.VerdictImproved, events.Counts{Completed: 1}), follow.AllWell},
		"a run failed":       {reported(events.VerdictUnchanged, events.Counts{Completed: 1, Failed: 1}), follow.RunsFailed},
		"all failed":         {reported(events.VerdictFailed, events.Counts{Failed: 1}), follow.RunsFailed},
		"all rejected":       {reported(events.VerdictFailed, events.Counts{Rejected: 1}), follow.RunsFailed},
		"all expired":        {reported(events.VerdictFailed, events.Counts{Expired: 2}), follow.NotMeasured},
		"regressed":          {reported(events.VerdictRegressed, events.Counts{Completed: 1, Failed: 1}), follow.Regressed},
		"inconclusive":       {reported(events.VerdictInconclusive, events.Counts{Completed: 1}), follow.Inconclusive},
		"invalid":            {reported(events.VerdictInvalid, events.Counts{Completed: 1}), follow.Inconclusive},
		"a run was stopped":  {reported(events.VerdictUnchanged, events.Counts{Completed: 1, Cancelled: 1}), follow.Stopped},
		"cancelled":          {events.BenchCancelled{Bench: benchID}, follow.Stopped},
		"unplaced":           {events.BenchUnplaced{Bench: benchID}, follow.NotMeasured},
		"failed, no figures": {reported(events.VerdictFailed, events.Counts{}), follow.RunsFailed},
	} {
		b := follow.New(benchID)
		b.End = in.end
		if got := b.Outcome(); got != in.want {
			t.Errorf("%s: outcome %d, want %d", name, got, in.want)
		}
	}
}

func TestFollowEndsWithTheBench(t *testing.T) {
	b := bustest.New(t)
	request := events.BenchRequested{Name: "n", Jobs: []events.Job{{Name: "j.fio", Inline: "[j]\n"}}}
	e := events.New("fiord/test", "k", nil, request)
	receipt, err := b.Publish(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	id := events.BenchID(e)
	type news struct{ progress, ended bool }
	seen := make(chan news, 100)
	done := make(chan error, 1)
	go func() {
		bench, err := follow.Follow(t.Context(), b, id, receipt.Sequence, func(b *follow.Bench) {
			seen <- news{len(b.Runs()) > 0, b.End != nil}
		})
		if err == nil && bench.Outcome() != follow.NotMeasured {
			err = errors.New("wrong outcome")
		}
		done <- err
	}()
	if first := <-seen; first != (news{}) {
		t.Errorf("first news %+v, want the request's", first)
	}
	if err := b.Live(events.Progress{Bench: id, Run: events.HashID("r"), Host: "h", Phase: "running"}); err != nil {
		t.Fatal(err)
	}
	if second := <-seen; !second.progress {
		t.Errorf("second news %+v, want progress", second)
	}
	if _, err := b.End(t.Context(), events.New("fiord/test", "k", &e, events.BenchUnplaced{
		Bench: id, Name: "n", Problems: []events.Problem{{Rule: "where", Message: "nobody"}},
	})); err != nil {
		t.Fatal(err)
	}
	if third := <-seen; !third.ended {
		t.Errorf("third news %+v, want the end", third)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	bench, chain, err := follow.Load(t.Context(), b, id)
	if err != nil || len(chain) != 2 || bench.End == nil || bench.Request == nil {
		t.Errorf("loaded %+v with %d events: %v", bench, len(chain), err)
	}
}

func TestFollowStopsWhenAsked(t *testing.T) {
	b := bustest.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := follow.Follow(ctx, b, benchID, 0, func(*follow.Bench) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// A push is followed from what happened before to the end of what it brought
// about; who is waited for is told once the past has been seen, and when it changes.
func TestTailGoesOnUntilNobodyHasAWordLeft(t *testing.T) {
	b := bustest.New(t)
	raw, err := events.Example(events.TypePushReceived)
	if err != nil {
		t.Fatal(err)
	}
	push, err := events.Unmarshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Publish(t.Context(), push); err != nil {
		t.Fatal(err)
	}
	var seen []events.Type
	told := make(chan string, 10)
	done := make(chan error, 1)
	var chain *follow.Chain
	go func() {
		var err error
		chain, err = follow.Tail(t.Context(), b, follow.Located{Correlation: push.CorrelationID},
			func(s bus.Seen) { seen = append(seen, s.Event.Type) },
			func(w []follow.Waiting) { told <- w[0].For })
		done <- err
	}()
	if who := <-told; who != "ingest" {
		t.Errorf("waiting for %s, want ingest", who)
	}
	request, err := b.Emit(t.Context(), "bench", &push, events.BenchRequested{
		Name: "n", Jobs: []events.Job{{Name: "j.fio", Inline: "[j]\n"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if who := <-told; who != "inventory" {
		t.Errorf("waiting for %s, want inventory", who)
	}
	end := events.New("fiord/inventory", "end", &request, events.BenchUnplaced{Bench: events.BenchID(request), Name: "n", Problems: []events.Problem{{Rule: "r", Message: "m"}}})
	if _, err := b.End(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	want := []events.Type{events.TypePushReceived, events.TypeBenchRequested, events.TypeBenchUnplaced}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
	if len(chain.Benches) != 1 || chain.Benches[0].Outcome() != follow.NotMeasured {
		t.Errorf("benches %+v", chain.Benches)
	}
}

// "fio failed with exit status 1" was all that people were told; what fio had
// said lay in the event.
func TestAFailureSaysWhatFioSaid(t *testing.T) {
	for said, want := range map[string]string{
		"": "fio failed", "fio: failed parsing iodepth=a\n": "fio failed\nfio: failed parsing iodepth=a",
		"1\n2\n3\n4\n5\n6\n": "fio failed\n2\n3\n4\n5\n6", "failed": "fio failed",
	} {
		b := follow.New(benchID)
		b.Apply(event(events.RunFailed{RunRef: ref(0, nil, 0), Reason: "fio failed", Stderr: said}))
		if got := b.Runs()[0].Reason; got != want {
			t.Errorf("said %q: %q, want %q", said, got, want)
		}
	}
}

// A push that a newer one replaced, or that checkout gave up on, was waited for for
// ever, and a bench of another chain since the year 1.
func TestWhatNobodyHasAWordAboutIsNotWaitedFor(t *testing.T) {
	for name, handle := range map[string]func(context.Context, *bus.Delivery) error{
		"done":     func(context.Context, *bus.Delivery) error { return nil },
		"given up": func(context.Context, *bus.Delivery) error { return bus.Permanent(errors.New("no such repository")) },
	} {
		t.Run(name, func(t *testing.T) {
			b := bustest.New(t)
			raw, err := events.Example(events.TypePushReceived)
			if err != nil {
				t.Fatal(err)
			}
			push, err := events.Unmarshal(raw)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.Publish(t.Context(), push); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Emit(t.Context(), "cancel", &push, events.CancelRequested{Bench: events.HashID("another's"), Reason: "superseded", By: "a push"}); err != nil {
				t.Fatal(err)
			}
			before, err := follow.LoadChain(t.Context(), b, push.CorrelationID)
			if err != nil || len(before.Waiting()) != 1 || before.Waiting()[0].For != "ingest" || before.Waiting()[0].Since.IsZero() {
				t.Fatalf("waiting for %+v: %v", before.Waiting(), err)
			}
			sub, err := b.React(t.Context(), bus.Reaction{Service: "ingest", Name: "checkout", Types: []events.Type{events.TypePushReceived}, Handle: handle, OnDead: bus.OwesNothing})
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Stop()
			chain, err := follow.Tail(t.Context(), b, follow.Located{Correlation: push.CorrelationID}, func(bus.Seen) {}, func([]follow.Waiting) {})
			if err != nil || len(chain.Events) != 2 {
				t.Fatalf("%+v: %v", chain, err)
			}
			if gaveUp := name == "given up"; gaveUp != (len(chain.Dead) == 1) || gaveUp && !strings.Contains(chain.Dead[0].Reason, "no such repository") {
				t.Errorf("dead letters %+v", chain.Dead)
			}
			if after, err := follow.LoadChain(t.Context(), b, push.CorrelationID); err != nil || len(after.Waiting()) != 0 {
				t.Errorf("still waiting for %+v: %v", after.Waiting(), err)
			}
		})
	}
}
