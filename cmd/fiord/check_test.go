package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts"
)

// The archive of a real bench proves who made it: in the store, in a copy without a server, and
// no longer once the copy was changed.
func TestAnArchiveIsCheckedLongAfter(t *testing.T) {
	dir := t.TempDir()
	f := startUp(t, dir)
	if code, _, _ := f.command("run", jobFile(t)); code != 0 {
		t.Fatalf("fiord run: exit code %d", code)
	}
	bucket := filepath.Join(dir, "s3", "fiord")
	var ended string
	eventually(t, "the archived end", func() bool {
		found, err := filepath.Glob(filepath.Join(bucket, artifacts.PrefixArchive, "*", "ended.json"))
		if err != nil || len(found) != 1 {
			return false
		}
		ended = found[0]
		return true
	})
	code, out, _ := f.command("check")
	contains(t, out, "event stream: ", "archive: ", ", 0 that prove nothing")
	if code != 0 || strings.Contains(out, "archive: 0 events") || strings.Contains(out, "event stream: 0 events") {
		t.Errorf("exit code %d", code)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(bucket)); err != nil {
		t.Fatal(err)
	}
	f.stop()

	offline := func(args ...string) (int, string, string) {
		t.Helper()
		return command(t, "", []string{"FIORD_DATA=" + dir}, append([]string{"check", copied}, args...)...)
	}
	if code, out, _ := offline(); code != 0 || !strings.Contains(out, ", 0 that prove nothing") {
		t.Errorf("a copy: exit code %d", code)
	}
	// The archive's verdict is changed in the copy.
	rest, err := filepath.Rel(bucket, ended)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(old, new string) {
		t.Helper()
		path := filepath.Join(copied, rest)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), old, new, 1)
		if changed == string(text) {
			t.Fatalf("%s holds no %s", path, old)
		}
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit(`"verdict":"baseline"`, `"verdict":"improved"`)
	code, out, errs := offline()
	contains(t, out+errs, "1 that prove nothing", filepath.ToSlash(rest), "signature", "1 event with no proof of who made it")
	if code != 1 {
		t.Errorf("a changed copy: exit code %d", code)
	}
	// Without its proof nothing can be said of it.
	edit(`"verdict":"improved"`, `"verdict":"baseline"`)
	edit(`"proof":{`, `"dropped":{`)
	code, out, _ = offline()
	contains(t, out, "1 kept without a proof")
	if code != 4 {
		t.Errorf("a copy without a proof: exit code %d", code)
	}
}

func TestACheckNamesWhatIsMissing(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"check", "--grant", "x"}, "name DIR"},
		{[]string{"check", empty}, "--grant"},
		{[]string{"check", empty, "--grant", filepath.Join(empty, "none")}, "read grant"},
	} {
		code, _, errs := command(t, "", []string{"FIORD_DATA=" + empty}, c.args...)
		contains(t, errs, c.want)
		if code != 2 {
			t.Errorf("%v: exit code %d", c.args, code)
		}
	}
}
