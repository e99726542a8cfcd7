package laidout

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// folder is a ledger and a folder for files, with a file of somebody else's.
type folder struct {
	*Ledger
	t   *testing.T
	dir string
}

func newFolder(t *testing.T) *folder {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := &folder{t: t, dir: dir}
	f.write("theirs")
	if _, _, known, err := look(f.at("theirs")); err != nil || !known {
		t.Skipf("the file system of %s keeps no time of birth (%v)", dir, err)
	}
	f.reopen()
	return f
}

func (f *folder) reopen() {
	f.t.Helper()
	l, err := Open(filepath.Join(f.dir, "ledger.json"), Reclaim)
	if err != nil {
		f.t.Fatal(err)
	}
	f.Ledger = l
}

func (f *folder) at(name string) string { return filepath.Join(f.dir, name) }

func (f *folder) write(name string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.at(name)), 0o750); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.at(name), make([]byte, 8192), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) there(name string) bool {
	_, err := os.Lstat(f.at(name))
	return err == nil
}

// run begins and ends a run that makes files.
func (f *folder) run(id string, files ...string) {
	f.t.Helper()
	f.begin(id, files...)
	for _, name := range files {
		f.write(name)
	}
	if err := f.End(id); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) begin(id string, files ...string) {
	f.t.Helper()
	var paths []string
	for _, name := range files {
		paths = append(paths, f.at(name))
	}
	if err := f.Begin("bench", id, paths); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) removeAll() []string {
	f.t.Helper()
	removed, err := f.Remove(f.Of("bench"))
	if err != nil {
		f.t.Fatal(err)
	}
	var names []string
	for _, path := range removed {
		name, err := filepath.Rel(f.dir, path)
		if err != nil {
			f.t.Fatal(err)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestWhatAJobMadeIsRemovedAndNothingElse(t *testing.T) {
	f := newFolder(t)
	f.run("r1", "a.0.0", "new/deep/b", "theirs")
	f.reopen()
	if got := f.removeAll(); !slices.Equal(got, []string{"a.0.0", "new", "new/deep", "new/deep/b"}) {
		t.Errorf("removed %v", got)
	}
	if !f.there("theirs") || f.there("new") {
		t.Error("not what was to be removed")
	}
}

func TestAFileThatTookTheNameIsKept(t *testing.T) {
	f := newFolder(t)
	f.run("r1", "a", "b", "c/d")
	if err := os.Remove(f.at("a")); err != nil {
		t.Fatal(err)
	}
	f.write("a")       // may well get the number of the one that is gone
	f.write("c/other") // in a folder that a job made
	if got := f.removeAll(); !slices.Equal(got, []string{"b", "c/d"}) {
		t.Errorf("removed %v", got)
	}
	if !f.there("a") || !f.there("c/other") {
		t.Error("a file of somebody else's is gone")
	}
}

func TestALinkIsNotFollowed(t *testing.T) {
	f := newFolder(t)
	f.run("r1", "sub/x")
	elsewhere := f.at("elsewhere")
	if err := os.Rename(f.at("sub"), elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, f.at("sub")); err != nil {
		t.Fatal(err)
	}
	if removed, err := f.Remove(f.Of("")); len(removed) > 0 || err == nil {
		t.Errorf("removed %v, %v", removed, err)
	}
	if !f.there("elsewhere/x") {
		t.Error("a file behind a link is gone")
	}
}

func TestFilesInUseStay(t *testing.T) {
	f := newFolder(t)
	f.run("r1", "a", "b")
	f.begin("r2", "a") // uses it again
	if got := f.removeAll(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("removed %v", got)
	}
	// fio lays it out anew: another file, and still a job's.
	if err := os.Remove(f.at("a")); err != nil {
		t.Fatal(err)
	}
	f.write("a")
	if err := f.End("r2"); err != nil {
		t.Fatal(err)
	}
	if got := f.removeAll(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("removed %v", got)
	}
}

func TestAWorkerThatWasKilledKnowsWhatItsRunMade(t *testing.T) {
	f := newFolder(t)
	f.begin("r1", "a", "never", "theirs")
	f.begin("r2", "b")
	f.write("a")
	f.write("b")
	f.reopen() // the worker is gone, and r2 goes on
	if err := f.Settle(map[string]bool{"r2": true}); err != nil {
		t.Fatal(err)
	}
	if got := f.removeAll(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("removed %v", got)
	}
	if err := f.End("r2"); err != nil {
		t.Fatal(err)
	}
	if got := f.removeAll(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("removed %v", got)
	}
}

func TestIdleFilesComeFromTheOneUsedLongestAgo(t *testing.T) {
	f := newFolder(t)
	f.run("r1", "a")
	f.run("r2", "b")
	f.run("r3", "a")
	f.begin("r4", "c")
	var st unix.Stat_t
	if err := unix.Stat(f.dir, &st); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range f.Idle(st.Dev, nil) {
		names = append(names, filepath.Base(file.Path))
		if file.Bytes != 8192 {
			t.Errorf("%+v", file)
		}
	}
	if !slices.Equal(names, []string{"b", "a"}) {
		t.Errorf("idle %v", names)
	}
	if got := f.Idle(st.Dev, map[string]bool{f.at("b"): true}); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}
