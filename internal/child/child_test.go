package child

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// parentVariable makes the test binary a parent that starts a program, prints
// its process id and waits.
const parentVariable = "FIORD_TEST_CHILD_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parentVariable) == "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command("sleep", "60")
	if err := Start(cmd, syscall.SIGKILL); err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString(strconv.Itoa(cmd.Process.Pid) + "\n")
	_ = cmd.Wait()
}

// endThreads makes Go end the threads it has, as far as it lets itself.
func endThreads() {
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() { runtime.LockOSThread() }) // and never unlocks
	}
	all.Wait()
}

func TestAProgramOutlivesTheThreadsOfItsParent(t *testing.T) {
	for range 20 {
		cmd := exec.Command("sleep", "60")
		if err := Start(cmd, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		endThreads()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("it had ended already: %v", err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
			t.Errorf("it ended with %v", err)
		}
	}
}

func TestAProgramEndsWithItsParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentVariable+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	pid, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	for end := time.Now().Add(time.Minute); runs(strings.TrimSpace(pid)); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("process %s outlives its parent", pid)
		}
	}
}

// runs tells whether a process is there and no zombie.
func runs(pid string) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

func TestAProgramThatDoesNotStartIsAnError(t *testing.T) {
	if err := Start(exec.Command(filepath.Join(t.TempDir(), "none")), syscall.SIGKILL); err == nil {
		t.Error("it started")
	}
}
