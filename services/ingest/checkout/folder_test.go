package checkout_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fiord-bench/fiord/services/ingest/checkout"
)

// What a folder and a commit of it say has to be the same, word for word: lint
// reads the one, a push the other.
func TestFolderReadsAsACommitIsRead(t *testing.T) {
	o := newOrigin(t)
	o.write("jobs/a.fio", "[a]\n")
	o.write("jobs/Case.fio", "[a]\n")
	o.write("big.fio", strings.Repeat("#", 2000))
	o.write("lfs.fio", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 5\n")
	for link, target := range map[string]string{"link.fio": "jobs/a.fio", "links": "jobs", "outside.fio": "/etc/passwd"} {
		if err := os.Symlink(target, filepath.Join(o.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	sub := newOrigin(t)
	sub.write("s.fio", "[s]\n")
	sub.commit("A submodule")
	o.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", sub.dir, "sub")
	commit := open(t, newClient(t, func(c *checkout.Config) { c.MaxFile = 1000 }), o.dir, o.commit("Everything"))
	folder := checkout.Folder{Root: o.dir, MaxFile: 1000}
	for name, says := range map[string]string{
		"jobs/a.fio": "", "jobs/case.fio": `there is "Case.fio"`, "none.fio": "no such file", "jobs/none/a.fio": "no such file",
		"jobs": "is a folder", "jobs/a.fio/b": "is no folder", "link.fio": "symbolic link", "links/a.fio": "symbolic link",
		"outside.fio": "symbolic link", "sub/s.fio": "submodule", "lfs.fio": "Git LFS", "big.fio": "at most 1000",
		"../a.fio": "climbs", "/etc/passwd": "climbs", "./jobs/a.fio": "climbs", "": "climbs",
	} {
		want, wantErr := commit.ReadFile(name)
		got, err := folder.ReadFile(name)
		if text(err) != text(wantErr) || err == nil && string(got) != string(want) {
			t.Errorf("%q: folder %q, %v; commit %q, %v", name, got, err, want, wantErr)
		}
		if (err == nil) != (says == "") || !strings.Contains(text(err), says) {
			t.Errorf("%q: error %v, want one saying %q", name, err, says)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Reading a named pipe waits for a writer, and a device may never end.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.fio"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := checkout.Folder{Root: dir, MaxFile: 1 << 20}.ReadFile("pipe.fio")
	if err == nil || !strings.Contains(err.Error(), "pipe.fio: is a named pipe") {
		t.Errorf("error is %v", err)
	}
}
