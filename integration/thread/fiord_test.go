package thread_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binary is the command, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "fiord-thread-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "fiord")
	build := exec.Command("go", "build", "-o", binary, "github.com/fiord-bench/fiord/cmd/fiord")
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, "build fiord:", err)
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// needs skips the test where a program is missing, and fails where everything
// must be there.
func needs(t testing.TB, programs map[string]string) {
	t.Helper()
	for program, remedy := range programs {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, program+" is missing: "+remedy)
		}
	}
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// needsEngine wants a Docker engine that has the image fiord-fio.
func needsEngine(t testing.TB) {
	t.Helper()
	if out, err := exec.Command("docker", "image", "inspect", "fiord-fio:latest", "--format", "{{.Id}}").CombinedOutput(); err != nil {
		missing(t, fmt.Sprintf("no Docker engine with the image fiord-fio:latest: run scripts/setup: %s", out))
	}
}

// fiord is a running `fiord up`.
type fiord struct {
	t     testing.TB
	dir   string
	at    addresses
	cmd   *exec.Cmd
	ended chan error
}

// addresses are what `fiord up --json` prints.
type addresses struct {
	Web, Ingest, NATS, S3, Admin string
	Secret                       string `json:"webhook_secret_file"`
}

// start runs `fiord up` on free ports until the test ends.
func start(t testing.TB, dir string, args ...string) *fiord {
	t.Helper()
	f := &fiord{t: t, dir: dir, ended: make(chan error, 1)}
	f.cmd = exec.Command(binary, append([]string{
		"up", "--json", "--data", dir, "--nats.listen=127.0.0.1:0", "--s3.listen=127.0.0.1:0", "--admin.listen=127.0.0.1:0",
		"--plot.listen=127.0.0.1:0", "--ingest.listen=127.0.0.1:0", "--bench.host=here", "--log.format=text",
		"--bench.others=0", // other tests run beside this one
	}, args...)...)
	f.cmd.Stderr = t.Output()
	out, err := f.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.stop)
	line, readErr := bufio.NewReader(out).ReadString('\n')
	go func() { f.ended <- f.cmd.Wait() }()
	if err := json.Unmarshal([]byte(line), &f.at); err != nil {
		t.Fatalf("fiord up says %q: %v", line, errors.Join(err, readErr))
	}
	return f
}

// stop ends fiord as an operator would, and checks that it ends well.
func (f *fiord) stop() {
	if f.cmd.ProcessState != nil {
		return
	}
	_ = f.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-f.ended:
		if err != nil {
			f.t.Errorf("fiord up ended with %v", err)
		}
	case <-time.After(2 * time.Minute):
		f.t.Error("fiord up does not end within 30 s of SIGTERM")
		_ = f.cmd.Process.Kill()
		f.t.Log("killed:", <-f.ended)
	}
}

// run runs another command of fiord's and returns its output.
func (f *fiord) run(args ...string) (string, error) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), "FIORD_DATA="+f.dir)
	cmd.Stderr = f.t.Output()
	out, err := cmd.Output()
	return string(out), err
}

// await waits for the first event of a type for which want holds, and reads
// it into into.
func await[T any](f *fiord, typ string, want func(event[T]) bool) event[T] {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "watch", "--json", "--since=1h", "--type", typ)
	cmd.Env = append(os.Environ(), "FIORD_DATA="+f.dir)
	cmd.Stderr = f.t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		f.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	defer func() { cancel(); _ = cmd.Wait() }()
	for decoder := json.NewDecoder(out); ; {
		var e event[T]
		if err := decoder.Decode(&e); err != nil {
			f.t.Fatalf("no %s that is waited for: %v", typ, err)
		}
		if want(e) {
			return e
		}
	}
}

// event is a line of `fiord watch --json`.
type event[T any] struct {
	ID, Type, Subject string
	CorrelationID     string `json:"correlationid"`
	CausationID       string `json:"causationid"`
	Data              T
}

// git runs git in a folder, apart from the settings of whoever runs the test.
func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.org", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.org")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// repository is a bare repository with fiord's hook, and a clone to push from.
type repository struct {
	t          testing.TB
	bare, work string
}

func newRepository(t testing.TB, f *fiord) *repository {
	t.Helper()
	dir := t.TempDir()
	r := &repository{t: t, bare: filepath.Join(dir, "jobs.git"), work: filepath.Join(dir, "work")}
	git(t, dir, "init", "--quiet", "--bare", "--initial-branch=main", r.bare)
	hook, err := os.ReadFile(filepath.Join("..", "..", "deploy", "git", "post-receive"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.bare, "hooks", "post-receive"), hook, 0o755); err != nil { //nolint:gosec // git runs it
		t.Fatal(err)
	}
	git(t, r.bare, "config", "fiord.url", f.at.Ingest)
	git(t, r.bare, "config", "fiord.secretFile", f.at.Secret)
	git(t, r.bare, "config", "fiord.repository", "lab/jobs")
	git(t, dir, "clone", "--quiet", r.bare, r.work)
	return r
}

// push commits files and pushes; it returns the commit and what git says.
func (r *repository) push(files map[string]string) (commit, says string) {
	r.t.Helper()
	for name, text := range files {
		path := filepath.Join(r.work, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	git(r.t, r.work, "add", "--all")
	git(r.t, r.work, "commit", "--quiet", "--message", "Measure")
	commit = strings.TrimSpace(git(r.t, r.work, "rev-parse", "HEAD"))
	return commit, git(r.t, r.work, "push", "origin", "HEAD:main")
}
