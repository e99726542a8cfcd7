package mark_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/bench/mark"
)

func open(t *testing.T, folder string) mark.Mark {
	t.Helper()
	m, err := mark.Open(folder, "host")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(m.Own, "host-") {
		t.Errorf("mark %q does not name the host", m.Own)
	}
	return m
}

func TestAMarkIsItsFoldersAlone(t *testing.T) {
	one, two := filepath.Join(t.TempDir(), "state"), filepath.Join(t.TempDir(), "state")
	a, b := open(t, one), open(t, two)
	if a.Own == b.Own {
		t.Errorf("two folders have the mark %s", a.Own)
	}
	if again := open(t, one); again.Own != a.Own {
		t.Errorf("mark %s, then %s", a.Own, again.Own)
	}
	if older := "host-" + events.HashID(one)[:8]; !slices.Equal(a.Former, []string{older}) {
		t.Errorf("former marks %v, want the older version's %s", a.Former, older)
	}
	if err := os.RemoveAll(one); err != nil {
		t.Fatal(err)
	}
	if again := open(t, one); again.Own == a.Own {
		t.Error("a folder of the same path has the mark of the one before it")
	}
	info, err := os.Stat(filepath.Join(two, mark.File))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestAFolderThatIsMovedKeepsItsMarkAndACopyDoesNot(t *testing.T) {
	one, moved, copied := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "c")
	was := open(t, one)
	if err := os.Rename(one, moved); err != nil {
		t.Fatal(err)
	}
	if is := open(t, moved); is.Own != was.Own {
		t.Errorf("mark %s, moved %s", was.Own, is.Own)
	}
	if err := os.CopyFS(copied, os.DirFS(moved)); err != nil {
		t.Fatal(err)
	}
	of := open(t, copied)
	if of.Own == was.Own || !slices.Contains(of.Former, was.Own) {
		t.Errorf("a copy has the mark %s, formerly %v; the first %s", of.Own, of.Former, was.Own)
	}
	if again := open(t, copied); again.Own != of.Own || !slices.Equal(again.Former, of.Former) {
		t.Errorf("the copy had %+v, now %+v", of, again)
	}
}

func TestWorkersThatStartAtOnceAgree(t *testing.T) {
	folder, all := t.TempDir(), make([]mark.Mark, 16)
	var wait sync.WaitGroup
	for i := range all {
		wait.Go(func() { all[i], _ = mark.Open(folder, "host") })
	}
	wait.Wait()
	for _, m := range all {
		if m.Own == "" || m.Own != all[0].Own {
			t.Errorf("marks %s and %s", m.Own, all[0].Own)
		}
	}
}

func TestADamagedIdentityIsReported(t *testing.T) {
	for _, text := range []string{"", "{", "{}", "x"} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, mark.File), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := mark.Open(folder, "host"); err == nil || !strings.Contains(err.Error(), mark.File) {
			t.Errorf("%q: %+v, %v", text, m, err)
		}
	}
}
