package embedded_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts/artifactstest"
)

// tracedDir tells a copy of this test binary to put one object there and end.
const tracedDir = "FIORD_TEST_TRACED_DIR"

func TestPutOneObjectForTheTrace(t *testing.T) {
	dir := os.Getenv(tracedDir)
	if dir == "" {
		t.Skip("runs below strace, started by TestAcknowledgedObjectsAreOnTheDisk")
	}
	s := artifactstest.Open(t, artifactstest.Start(t, dir).Config())
	artifactstest.Put(t, s, "runs/r/1/fio.json", "application/json", "{}")
	if err := s.Remove(t.Context(), "runs/r/1/fio.json"); err != nil {
		t.Fatal(err)
	}
}

// No test can pull the plug; this one reads what the kernel was asked to do,
// and in which order.
func TestAcknowledgedObjectsAreOnTheDisk(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no strace, which CI must have: apt-get install strace")
		}
		t.Skip("no strace: apt-get install strace")
	}
	dir, log := t.TempDir(), filepath.Join(t.TempDir(), "trace")
	cmd := exec.CommandContext(t.Context(), strace, "-f", "-y", "-o", log, "-e", "trace=fsync,linkat,renameat,renameat2,unlinkat",
		os.Args[0], "-test.run=^TestPutOneObjectForTheTrace$")
	cmd.Env = append(os.Environ(), tracedDir+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("strace does not work here: %v\n%s", err, out)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	calls := interesting(string(text), dir)
	bucket := "/" + artifactstest.Bucket
	want := []string{
		"fsync unnamed", // the content, before it has a name
		"name fio.json",
		"fsync " + bucket + "/runs/r/1/fio.json", // the attributes
		"fsync " + bucket + "/runs/r/1",
		"fsync " + bucket + "/runs/r",
		"fsync " + bucket + "/runs",
		"fsync " + bucket,
		"fsync /",
		"unlink fio.json",
		"fsync " + bucket, // what the removal left of the way
	}
	rest := calls
	for _, step := range want {
		i := slices.Index(rest, step)
		if i < 0 {
			t.Fatalf("%q is missing or out of order in:\n%s", step, strings.Join(calls, "\n"))
		}
		rest = rest[i+1:]
	}
}

var (
	fsyncCall  = regexp.MustCompile(`fsync\(\d+<([^>]*)>`)
	nameCall   = regexp.MustCompile(`(?:linkat|renameat2?)\(.*"(?:[^"]*/)?([^"/]+)"[^"]*$`) // by O_TMPFILE, or without
	unlinkCall = regexp.MustCompile(`unlinkat\(.*/([^"/]+)", 0`)
)

// interesting shortens the calls below dir.
func interesting(trace, dir string) (calls []string) {
	for line := range strings.Lines(trace) {
		if m := fsyncCall.FindStringSubmatch(line); m != nil && strings.HasPrefix(m[1], dir) {
			name := strings.TrimPrefix(m[1], dir)
			switch {
			case strings.Contains(name, ".sgwtmp/"):
				name = "unnamed"
			case name == "":
				name = "/"
			}
			calls = append(calls, "fsync "+name)
		}
		if m := unlinkCall.FindStringSubmatch(line); m != nil {
			calls = append(calls, "unlink "+m[1])
		} else if m := nameCall.FindStringSubmatch(line); m != nil {
			calls = append(calls, "name "+m[1])
		}
	}
	return calls
}
