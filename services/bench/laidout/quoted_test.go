package laidout

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What is printed to be pasted names the files that a job made, whatever the job
// called them, and runs nothing.
func TestNamesAreQuotedForAShell(t *testing.T) {
	names := []string{"/d/plain", "/d/q /etc/passwd", "/d/$(id>&2)", "/d/`id`", "/d/it's", `/d/a"b\\c`, "/d/x\r/etc", "/d/\x1b[2J", "/d/l\nrm", "/d/it's\ttabbed", "-rf", "/d/ü*"}
	out, err := exec.Command("bash", "-c", `printf '%s\0' `+strings.Join(quoted(names), " ")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); !slices.Equal(got, names) {
		t.Errorf("got  %q\nwant %q", got, names)
	}
	for _, q := range quoted(names) {
		if strings.ContainsAny(q, "\r\n\x1b") {
			t.Errorf("%q goes to a terminal as it is", q)
		}
	}
}
