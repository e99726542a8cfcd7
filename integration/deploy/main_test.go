package deploy_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/internal/child"
	"github.com/fiord-bench/fiord/internal/service"
)

// patience is how long a test waits for what must happen, on a machine that
// has other things to do as well.
const patience = 2 * time.Minute

// folder is deploy, as seen from this package.
const folder = "../../deploy"

// built is the folder that programs made; "" while no test has asked for one.
var built string

// programs builds the programs as they are shipped, once, and names their folder.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "fiord-deploy-")
	if err != nil {
		return "", err
	}
	built = dir
	args := []string{"build", "-o", dir, "github.com/fiord-bench/fiord/cmd/fiord", "github.com/fiord-bench/fiord/services/bench/cmd/fiord-supervisor"}
	for _, name := range service.Names() {
		args = append(args, "github.com/fiord-bench/fiord/services/"+name+"/cmd/"+name)
	}
	build := exec.Command("go", args...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("build programs: %w: %s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

func program(t testing.TB, name string) string {
	t.Helper()
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// fiord runs the command and returns what it prints.
func fiord(t testing.TB, env []string, args ...string) string {
	t.Helper()
	out, err := tryFiord(t, env, args...)
	if err != nil {
		t.Fatalf("fiord %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func tryFiord(t testing.TB, env []string, args ...string) (string, error) {
	t.Helper()
	binary := program(t, "fiord")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// start runs a service until the test ends, and ends it as an operator would.
func start(t testing.TB, name string, env []string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program(t, name))
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = t.Output()
	if err := child.Start(cmd, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState != nil {
			return // the test has ended it
		}
		_ = cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s ended with %v", name, err)
		}
	})
	return cmd
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within %s", what, patience)
		}
	}
}

// missing skips the test, or fails it where everything must be there.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func testLogger(t testing.TB) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }
