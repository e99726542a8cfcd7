package spool

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func open(t *testing.T, dir string, limit int64) *Spool {
	t.Helper()
	s, err := Open(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func begin(t *testing.T, s *Spool, run string, attempt int) *Attempt {
	t.Helper()
	a, err := s.Begin(run, attempt, map[string]string{"run": run})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func commit(t *testing.T, a *Attempt, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(a.Dir, "fio.json"), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := a.Commit(Entry{Files: []File{{Name: "fio.json"}}, End: json.RawMessage(`{"type":"x"}`)}); err != nil {
		t.Fatal(err)
	}
}

func TestAttemptsPassFromBegunToCommittedToGone(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 0)
	a, b := begin(t, s, "first", 1), begin(t, s, "second", 2)
	commit(t, b, "results")
	_ = s.Close()

	s = open(t, dir, 0) // as the next worker does
	unfinished, err := s.Unfinished()
	if err != nil || len(unfinished) != 1 || unfinished[0].Run != a.Run || unfinished[0].Attempt != 1 {
		t.Fatalf("unfinished %+v, %v", unfinished, err)
	}
	var about map[string]string
	if err := unfinished[0].About(&about); err != nil || about["run"] != "first" {
		t.Fatalf("about %v, %v", about, err)
	}
	if holds, err := s.Holds("second"); err != nil || !holds {
		t.Fatalf("holds %v, %v", holds, err)
	}
	var shipped []string
	err = s.Ship(t.Context(), func(_ context.Context, e Entry) error {
		content, err := os.ReadFile(s.Path(e, e.Files[0]))
		shipped = append(shipped, e.Run, string(content))
		return err
	})
	if err != nil || !slices.Equal(shipped, []string{"second", "results"}) {
		t.Fatalf("shipped %v, %v", shipped, err)
	}
	if pending, err := s.Pending(); err != nil || len(pending) != 0 {
		t.Fatalf("pending %v, %v", pending, err)
	}
	if _, err := os.Stat(b.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("folder of a shipped attempt: %v", err)
	}
}

func TestShippingGoesOnPastABrokenEntryAndRepeatsIt(t *testing.T) {
	s := open(t, t.TempDir(), 0)
	for _, run := range []string{"a", "b", "c"} {
		commit(t, begin(t, s, run, 1), run)
	}
	away := errors.New("store is away")
	var order []string
	err := s.Ship(t.Context(), func(_ context.Context, e Entry) error {
		order = append(order, e.Run)
		if e.Run == "b" {
			return away
		}
		return nil
	})
	if !errors.Is(err, away) || strings.Join(order, "") != "abc" {
		t.Fatalf("shipped %v, %v", order, err)
	}
	pending, err := s.Pending()
	if err != nil || len(pending) != 1 || pending[0].Run != "b" {
		t.Fatalf("pending %+v, %v", pending, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Ship(ctx, func(context.Context, Entry) error { t.Error("shipped after the end"); return nil }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestACommitThatWasCutShortIsNoCommit(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 0)
	a := begin(t, s, "cut", 1)
	if err := a.Commit(Entry{Files: []File{{Name: "never-written"}}}); err == nil {
		t.Fatal("committed a file that is not there")
	}
	// The worker died between writing and renaming the entry.
	if err := os.WriteFile(filepath.Join(a.Dir, "."+entryFile), []byte(`{"run":`), 0o644); err != nil {
		t.Fatal(err)
	}
	// And another died while it removed a shipped attempt.
	if err := os.Mkdir(filepath.Join(dir, "old.1"+goneMark), 0o755); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	s = open(t, dir, 0)
	pending, _ := s.Pending()
	unfinished, err := s.Unfinished()
	if err != nil || len(pending) != 0 || len(unfinished) != 1 || unfinished[0].Run != "cut" {
		t.Fatalf("pending %v, unfinished %v, %v", pending, unfinished, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "old.1"+goneMark)); !errors.Is(err, os.ErrNotExist) {
		t.Fatal("half removed attempt is still there")
	}
}

func TestAFullSpoolBeginsNothingAndKeepsAll(t *testing.T) {
	s := open(t, t.TempDir(), 4096)
	commit(t, begin(t, s, "large", 1), strings.Repeat("x", 8192))
	if _, err := s.Begin("next", 1, nil); !errors.Is(err, ErrFull) {
		t.Fatalf("begin in a full spool: %v", err)
	}
	if err := s.Ship(t.Context(), func(context.Context, Entry) error { return nil }); err != nil {
		t.Fatal(err)
	}
	begin(t, s, "next", 1)
}

func TestOneAttemptBeginsOnce(t *testing.T) {
	s := open(t, t.TempDir(), 0)
	begin(t, s, "run", 1)
	if _, err := s.Begin("run", 1, nil); !errors.Is(err, ErrBegun) {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "../up", "a/b", "a.b"} {
		if _, err := s.Begin(bad, 1, nil); err == nil {
			t.Errorf("began %q", bad)
		}
	}
}

func TestTwoWorkersDoNotShareASpool(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, 0)
	if _, err := Open(dir, 0); err == nil || !strings.Contains(err.Error(), "another worker") {
		t.Fatal(err)
	}
	_ = s.Close()
	open(t, dir, 0)
}
