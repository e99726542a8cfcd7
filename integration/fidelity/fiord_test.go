package fidelity

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/host/runner"
)

// fiord is a running `fiord up`, a process of its own.
type fiord struct {
	t      *testing.T
	binary string
	dir    string
	cmd    *exec.Cmd
	store  *artifacts.Store
}

// start builds fiord and runs it until the test ends. fio runs by a runner, docker
// or process.
func start(t *testing.T, by string) *fiord {
	t.Helper()
	f := &fiord{t: t, dir: filepath.Join(t.TempDir(), "data"), binary: filepath.Join(t.TempDir(), "fiord")}
	if out, err := exec.Command("go", "build", "-o", f.binary, "github.com/fiord-bench/fiord/cmd/fiord").CombinedOutput(); err != nil {
		t.Fatalf("build fiord: %v\n%s", err, out)
	}
	f.cmd = exec.Command(f.binary, "up", "--json", "--data", f.dir, "--nats.listen=127.0.0.1:0", "--s3.listen=127.0.0.1:0",
		"--admin.listen=127.0.0.1:0", "--plot.listen=127.0.0.1:0", "--ingest.listen=127.0.0.1:0",
		"--bench.host=fidelity", "--bench.runner="+by, "--bench.others=0", "--log.level=error")
	f.cmd.Stderr = t.Output()
	out, err := f.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.stop)
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("fiord up does not come up: %v", err)
	}
	c, err := connection.Find("", f.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f.store, err = artifacts.Open(t.Context(), c.S3.Artifacts()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.store.Close)
	return f
}

func (f *fiord) stop() {
	f.signal(syscall.SIGCONT)
	f.signal(syscall.SIGTERM)
	if err := f.cmd.Wait(); err != nil {
		f.t.Errorf("fiord up ended with %v", err)
	}
}

func (f *fiord) signal(s syscall.Signal) {
	if err := f.cmd.Process.Signal(s); err != nil {
		f.t.Fatalf("send %s to fiord: %v", s, err)
	}
}

// settle is what fiord gets to catch up with after having been stopped.
const settle = 500 * time.Millisecond

// without stops fiord while f runs.
func (f *fiord) without(during func()) {
	f.signal(syscall.SIGSTOP)
	defer func() {
		f.signal(syscall.SIGCONT)
		time.Sleep(settle)
	}()
	during()
}

// scratch is where jobs without a directory measure.
func (f *fiord) scratch() string { return filepath.Join(f.dir, "scratch") }

// measure runs a job as a person would, and returns fio's report and the job
// file as it was run.
func (f *fiord) measure(job string) (report, ran []byte) {
	f.t.Helper()
	path := filepath.Join(f.t.TempDir(), "job.fio")
	if err := os.WriteFile(path, []byte(job), 0o600); err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, f.binary, "run", "--json", "--host=fidelity", path)
	cmd.Env = append(os.Environ(), "FIORD_DATA="+f.dir)
	out, err := cmd.Output()
	var said struct {
		Runs     map[string]string `json:"runs"`
		Problems []any             `json:"problems"`
	}
	// A short run is suspect, which the exit status tells: it counts here.
	if bad := json.Unmarshal(out, &said); bad != nil || len(said.Runs) != 1 || len(said.Problems) > 0 {
		f.t.Fatalf("fiord run: %v\n%s", errors.Join(err, bad), out)
	}
	for run := range said.Runs {
		report, ran = f.read(run, runner.OutputFile), f.read(run, runner.JobFile)
	}
	return report, ran
}

func (f *fiord) read(run, name string) []byte {
	f.t.Helper()
	claim, err := f.store.Claim(f.t.Context(), artifacts.RunKey("fidelity", run, 1, name))
	if err != nil {
		f.t.Fatal(err)
	}
	text, err := f.store.ReadAll(f.t.Context(), claim, 64<<20)
	if err != nil {
		f.t.Fatal(fmt.Errorf("read %s of run %s: %w", name, run, err))
	}
	return text
}
