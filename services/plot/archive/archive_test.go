package archive

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/model"
)

var (
	bench  = events.HashID("bench")
	runID  = events.RunID(bench, 0, "", 0)
	stored = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	origin = &events.Origin{Repo: events.Repo{Forge: "forge", Name: "fiord/example"}, Ref: "refs/heads/main", Commit: strings.Repeat("a", 40)}
)

// memoryless is an archive whose model knows nothing, as after a restart.
func memoryless(t *testing.T) *Archive {
	t.Helper()
	return New(artifactstest.New(t), model.New(10))
}

func event(subject string, data events.Data) events.Event {
	return events.New("fiord/test", subject, nil, data)
}

func put(t *testing.T, a *Archive, all ...events.Event) {
	t.Helper()
	for _, e := range all {
		if err := a.Put(t.Context(), bus.Original{Event: e, Stored: stored}); err != nil {
			t.Fatalf("%s: %v", e.Type, err)
		}
	}
}

// ended are the events of a bench with one run that completed.
func ended(a *Archive, t *testing.T) []events.Event {
	t.Helper()
	ref := events.RunRef{Bench: bench, Run: runID, Name: "randread", Job: "a.fio", Host: "host-1", Attempt: 1}
	claim, err := a.store.Put(t.Context(), artifacts.RunKey(ref.Host, ref.Run, 1, "fio.json"), "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	return []events.Event{
		event(runID, events.RunStarted{RunRef: ref}),
		event(runID, events.RunCompleted{
			RunRef: ref, StartedAt: stored, EndedAt: stored.Add(time.Second), Integrity: events.Integrity{State: events.IntegrityOK},
			Artifacts: []events.Artifact{{Name: "fio.json", ClaimCheck: claim}},
		}),
		event(bench, events.BenchReported{Bench: bench, Name: "randread", Verdict: events.VerdictBaseline, Headline: "nothing to compare with yet", Origin: origin, Counts: events.Counts{Completed: 1}}),
	}
}

func TestABenchIsReadBackWholeWithoutMemory(t *testing.T) {
	a := memoryless(t)
	put(t, a, ended(a, t)...)
	b, err := a.Bench(t.Context(), bench)
	if err != nil {
		t.Fatal(err)
	}
	if b.Name != "randread" || !b.State.Ended() || len(b.Runs) != 1 || b.Runs[0].Completed == nil {
		t.Errorf("%+v", b)
	}
	if of, err := a.BenchOf(t.Context(), runID); err != nil || of != bench {
		t.Errorf("the run is of %q, %v", of, err)
	}
}

func TestAnEventIsArchivedOnce(t *testing.T) {
	a := memoryless(t)
	all := ended(a, t)
	put(t, a, all...)
	if err := a.Put(t.Context(), bus.Original{Event: all[2], Stored: stored.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	seen, err := a.Get(t.Context(), bench, Ended)
	if err != nil || !seen.Stored.Equal(stored) {
		t.Errorf("stored %s, %v", seen.Stored, err)
	}
}

func TestWhatIsAboutNoBenchIsNotArchived(t *testing.T) {
	a := memoryless(t)
	if err := a.Put(t.Context(), bus.Original{Event: event("host", events.HostLost{Host: "host-1"}), Stored: stored}); err == nil {
		t.Error("archived")
	}
}

func TestUnknownIsNotUnreadable(t *testing.T) {
	a := memoryless(t)
	for _, id := range []string{bench, "../escape", ""} {
		if _, err := a.Bench(t.Context(), id); !errors.Is(err, model.ErrUnknown) {
			t.Errorf("bench %q: %v", id, err)
		}
		if _, err := a.BenchOf(t.Context(), id); !errors.Is(err, model.ErrUnknown) {
			t.Errorf("run %q: %v", id, err)
		}
	}
	if _, err := a.store.Put(t.Context(), artifacts.ArchiveKey(bench, Ended), "application/json", strings.NewReader("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Bench(t.Context(), bench); err == nil || errors.Is(err, model.ErrUnknown) {
		t.Errorf("a damaged archive: %v", err)
	}
}

// What a host stored later, or beside its run, is not shown as the run's.
func TestOnlyWhatTheEndNamesIsOpened(t *testing.T) {
	a := memoryless(t)
	put(t, a, ended(a, t)...)
	key := artifacts.RunKey("host-1", runID, 1, "fio.json")
	body, claim, err := a.Objects(1<<20).Open(t.Context(), key, false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = body.Close() }()
	if text, err := io.ReadAll(body); err != nil || string(text) != "{}" || claim.MediaType != "application/json" {
		t.Errorf("%q, %+v, %v", text, claim, err)
	}
	beside := artifacts.RunKey("host-1", runID, 1, "beside.json")
	if _, err := a.store.Put(t.Context(), beside, "application/json", strings.NewReader("{}")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Objects(1<<20).Open(t.Context(), beside, false); !errors.Is(err, model.ErrUnknown) {
		t.Errorf("opened what no end names: %v", err)
	}
}

func TestTheFirstDecisionStands(t *testing.T) {
	a := memoryless(t)
	first := Decision{Verdict: events.VerdictUnchanged, Headline: "unchanged"}
	first.Bench.Bench = bench
	second := first
	second.Verdict, second.Headline = events.VerdictRegressed, "worse"
	if none, err := a.Decision(t.Context(), bench); none != nil || err != nil {
		t.Fatalf("%+v, %v", none, err)
	}
	for _, made := range []Decision{first, second} {
		got, claim, err := a.Decide(t.Context(), made)
		if err != nil || claim.SHA256 == "" {
			t.Fatalf("%+v, %v", claim, err)
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Error(diff)
		}
	}
	kept, err := a.Decision(t.Context(), bench)
	if err != nil || kept.Headline != first.Headline {
		t.Errorf("%+v, %v", kept, err)
	}
}

func TestAReportIsInItsHistoryOnce(t *testing.T) {
	a := memoryless(t)
	all := ended(a, t)
	put(t, a, all...)
	report := all[2].Data.(events.BenchReported)
	for range 2 {
		if err := a.Remember(t.Context(), report, stored); err != nil {
			t.Fatal(err)
		}
	}
	h, err := a.History(t.Context(), "randread", origin)
	if err != nil || len(h.Entries) != 1 || h.Entries[0].Bench != bench || h.Entries[0].Commit != origin.Commit {
		t.Errorf("%+v, %v", h, err)
	}
	if other, err := a.History(t.Context(), "randwrite", origin); err != nil || len(other.Entries) != 0 {
		t.Errorf("another name: %+v, %v", other, err)
	}
}

func TestABaselineIsAcceptedOnlyIfItIsAllowed(t *testing.T) {
	a := memoryless(t)
	put(t, a, ended(a, t)...)
	accepted := events.BaselineAccepted{Bench: bench, By: "ada", Reason: "a new drive"}
	refused := errors.New("not hers to accept")
	err := a.Accept(t.Context(), accepted, func(repo *events.Repo) error {
		if repo == nil || repo.Name != origin.Repo.Name {
			t.Errorf("asked about %+v", repo)
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	if err := a.Accept(t.Context(), accepted, func(*events.Repo) error { return nil }); err != nil {
		t.Fatal(err)
	}
	h, err := a.History(t.Context(), "randread", origin)
	if err != nil || len(h.Entries) != 1 {
		t.Fatalf("%+v, %v", h, err)
	}
}
