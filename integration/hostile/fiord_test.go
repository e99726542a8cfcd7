package hostile_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// built is where fiordBinary is, once it was asked for.
var built string

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// fiordBinary is the command, built once for all tests.
var fiordBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "fiord-hostile-")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "fiord")
	out, err := exec.Command("go", "build", "-o", path, "github.com/fiord-bench/fiord/cmd/fiord").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

// fiord is a running `fiord up`, as a program of its own.
type fiord struct {
	t      *testing.T
	binary string
	dir    string
	at     struct {
		Web, Ingest, NATS, S3, Admin string
		Secret                       string `json:"webhook_secret_file"`
	}
}

// missing skips, or fails where everything must be there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// startFiord runs `fiord up` until the test ends. fio is a plain process: what
// a container is for is tested by the bench service.
func startFiord(t *testing.T, dir string, args ...string) *fiord {
	t.Helper()
	for _, program := range []string{"fio", "git", "curl", "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, program+" is missing: scripts/setup installs it")
		}
	}
	binary, err := fiordBinary()
	if err != nil {
		t.Fatal(err)
	}
	f := &fiord{t: t, binary: binary, dir: dir}
	cmd := exec.Command(binary, append([]string{
		"up", "--json", "--data", dir, "--nats.listen=127.0.0.1:0", "--s3.listen=127.0.0.1:0", "--admin.listen=127.0.0.1:0", "--plot.listen=127.0.0.1:0",
		"--ingest.listen=127.0.0.1:0", "--bench.host=here", "--bench.runner=process", "--bench.others=0", "--ingest.checkout.allow_local", "--log.format=text", "--log.level=warn",
	}, args...)...)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("fiord up ended with %v", err)
		}
	})
	line, readErr := bufio.NewReader(out).ReadString('\n')
	if err := json.Unmarshal([]byte(line), &f.at); err != nil {
		t.Fatalf("fiord up says %q: %v", line, errors.Join(err, readErr))
	}
	return f
}

// run runs another command of fiord's and returns all that it prints.
func (f *fiord) run(args ...string) (string, error) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, f.binary, args...)
	cmd.Env = append(os.Environ(), "FIORD_DATA="+f.dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// seen is an event as `fiord watch --json` prints it.
type seen struct {
	ID, Type      string
	CorrelationID string `json:"correlationid"`
	Data          json.RawMessage
}

// watch prints events until the test ends.
func (f *fiord) watch() *json.Decoder {
	f.t.Helper()
	cmd := exec.CommandContext(f.t.Context(), f.binary, "watch", "--json", "--since=1h")
	cmd.Env = append(os.Environ(), "FIORD_DATA="+f.dir)
	cmd.Stderr = f.t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		f.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = cmd.Wait() })
	return json.NewDecoder(out)
}

// repository is a bare repository with fiord's hook, and a clone to push from.
type repository struct {
	t          *testing.T
	bare, work string
}

func (f *fiord) repository() *repository {
	f.t.Helper()
	dir := f.t.TempDir()
	r := &repository{t: f.t, bare: filepath.Join(dir, "jobs.git"), work: filepath.Join(dir, "work")}
	r.git(dir, "init", "--quiet", "--bare", "--initial-branch=main", r.bare)
	hook, err := os.ReadFile(filepath.Join("..", "..", "deploy", "git", "post-receive"))
	if err == nil {
		err = os.WriteFile(filepath.Join(r.bare, "hooks", "post-receive"), hook, 0o700) //nolint:gosec // git runs it
	}
	if err != nil {
		f.t.Fatal(err)
	}
	for key, value := range map[string]string{"fiord.url": f.at.Ingest, "fiord.secretFile": f.at.Secret, "fiord.repository": "lab/jobs"} {
		r.git(r.bare, "config", key, value)
	}
	r.git(dir, "clone", "--quiet", r.bare, r.work)
	return r
}

// push pushes a fiord.yaml and a job file, and returns the commit.
func (r *repository) push(fiordYAML, job string) string {
	r.t.Helper()
	err := errors.Join(
		os.MkdirAll(filepath.Join(r.work, "jobs"), 0o700),
		os.WriteFile(filepath.Join(r.work, "fiord.yaml"), []byte(fiordYAML), 0o600),
		os.WriteFile(filepath.Join(r.work, "jobs", "x.fio"), []byte(job), 0o600),
	)
	if err != nil {
		r.t.Fatal(err)
	}
	r.git(r.work, "add", "--all")
	r.git(r.work, "commit", "--quiet", "--allow-empty", "--message", "Measure")
	commit := strings.TrimSpace(r.git(r.work, "rev-parse", "HEAD"))
	r.git(r.work, "push", "--quiet", "origin", "HEAD:main")
	return commit
}

func (r *repository) git(dir string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.org", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.org")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
