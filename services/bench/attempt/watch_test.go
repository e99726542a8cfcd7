package attempt

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/fiord-bench/fiord/internal/hostseries"
)

// fio's user may write into the attempt's folder, and the worker may be root.
func TestTheRecordIsNotWrittenThroughALink(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(dir, hostseries.File)); err != nil {
		t.Fatal(err)
	}
	if err := writeActivity(dir, hostseries.Series{}); err == nil {
		t.Error("written")
	}
	if text, err := os.ReadFile(target); err != nil || string(text) != "precious" {
		t.Errorf("the target holds %q, %v", text, err)
	}
}
