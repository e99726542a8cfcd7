package outcome

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/host/runner"
)

// maxReasons is how many sections a reason names.
const maxReasons = 5

// Reasons says in fio's own words why it failed: the error of each section, as
// its report has it, or else what it printed first. It is "" when fio said
// nothing.
func Reasons(dir string) string {
	var out []string
	seen := map[string]bool{}
	for _, j := range reported(dir) {
		if j.Error == 0 {
			continue
		}
		why := fmt.Sprintf("section %s: %s", j.Name, errnoText(j.Error))
		if !seen[why] {
			seen[why] = true
			out = append(out, why)
		}
	}
	if len(out) > maxReasons {
		out = append(out[:maxReasons], fmt.Sprintf("and %d more", len(out)-maxReasons))
	}
	said, _, _ := strings.Cut(complaints(dir), "\n")
	if said = strings.TrimSpace(strings.TrimPrefix(said, "fio: ")); said != "" {
		out = append(out, said)
	}
	return strings.Join(out, "; ")
}

// reported are the jobs in fio's report, none if it left none that can be read.
func reported(dir string) []result.Job {
	f, err := os.Open(filepath.Join(dir, runner.OutputFile)) //nolint:gosec // the attempt's own
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	output, err := result.Read(f)
	if err != nil {
		return nil
	}
	return output.Jobs
}

// errnoText is how the C library, and so fio, says a number of an error.
func errnoText(n int) string {
	errno := unix.Errno(n) //nolint:gosec // out of range is said as such
	text := errno.Error()
	if name := unix.ErrnoName(errno); name != "" {
		return strings.ToUpper(text[:1]) + text[1:] + " (" + name + ")"
	}
	return fmt.Sprintf("error %d", n)
}

// maxStderr is what an event carries of fio's complaints.
const maxStderr = 4 << 10

// complaints are the last lines of stderr.txt.
func complaints(dir string) string {
	f, err := os.Open(filepath.Join(dir, runner.StderrFile)) //nolint:gosec // the attempt's own
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, size-maxStderr+64), io.SeekStart)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxStderr-64))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.ToValidUTF8(string(b), "�"))
}
