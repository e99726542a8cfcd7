package docker

import (
	"bytes"
	"io"
	"os"
	"path/filepath"

	"github.com/fiord-bench/fiord/host/runner"
)

// killed is how fio reports a job of its own that got SIGKILL.
var killed = []byte("got signal=9")

// reportHead is how much of a file is searched: fio says what became of its jobs
// before the report.
const reportHead = 64 << 10

// lostAJob reports whether fio says that a job was killed. In a container with a
// limit, that is the kernel's doing: it takes a job rather than fio itself, which
// then ends as if nothing were wrong, and engines do not notice each time.
func lostAJob(dir string) bool {
	for _, name := range []string{runner.OutputFile, runner.StderrFile} {
		f, err := os.Open(filepath.Join(dir, name)) //nolint:gosec // the caller's directory
		if err != nil {
			continue
		}
		head, _ := io.ReadAll(io.LimitReader(f, reportHead)) // what cannot be read says nothing
		_ = f.Close()
		if bytes.Contains(head, killed) {
			return true
		}
	}
	return false
}
