package gate_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fiord-bench/fiord/internal/gate"
)

// holdVariable makes the test binary a process that measures until it dies.
const holdVariable = "GATE_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdVariable); path != "" {
		g, err := gate.Open(path)
		var release func()
		if err == nil {
			release, err = g.Measure(context.Background())
		}
		fmt.Println("holding", err)
		// Not select {}: with nobody left to wake it the runtime ends the process.
		time.Sleep(time.Hour)
		release()
	}
	os.Exit(m.Run())
}

// open returns two gates on one file, as two services have.
func open(t *testing.T) (a, b *gate.Gate) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gate")
	a, err := gate.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = gate.Open(path); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// must returns the release and fails the test when there is none.
func must(t *testing.T) func(release func(), err error) func() {
	return func(release func(), err error) func() {
		t.Helper()
		if err != nil {
			t.Error(err) // not Fatal: goroutines call this too
			return func() {}
		}
		return release
	}
}

// refused asserts that pass cannot be had within a moment.
func refused(t *testing.T, pass func(context.Context) (func(), error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := pass(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want the deadline's error", err)
	}
}

func TestAMeasurementIsAlone(t *testing.T) {
	a, b := open(t)
	release := must(t)(a.Measure(t.Context()))
	refused(t, b.Measure)
	refused(t, b.Render)
	refused(t, a.Render)
	release()
	release() // a second call does nothing
	must(t)(b.Measure(t.Context()))()
}

func TestRenderersShare(t *testing.T) {
	a, b := open(t)
	first := must(t)(a.Render(t.Context()))
	second := must(t)(b.Render(t.Context()))
	refused(t, a.Measure)
	first()
	refused(t, a.Measure)
	second()
	must(t)(a.Measure(t.Context()))()
}

func TestRenderersDoNotPassAMeasurementThatWaits(t *testing.T) {
	a, b := open(t)
	rendering := must(t)(b.Render(t.Context()))
	measuring := make(chan func())
	go func() {
		release, err := a.Measure(t.Context())
		if err != nil {
			t.Error(err)
		}
		measuring <- release
	}()
	waits(t, b) // from here on new renderers wait
	rendering()
	release := <-measuring
	refused(t, b.Render)
	release()
	must(t)(b.Render(t.Context()))()
}

// waits returns once a measurement waits, which shows in that renderers do.
func waits(t *testing.T, g *gate.Gate) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		release, err := g.Render(ctx)
		cancel()
		if err != nil {
			return
		}
		release()
	}
	t.Fatal("renderers pass a measurement that waits")
}

func TestAWaiterThatGivesUpLeavesTheGateUsable(t *testing.T) {
	a, b := open(t)
	release := must(t)(a.Render(t.Context()))
	refused(t, b.Measure) // it held the turn while it waited
	must(t)(b.Render(t.Context()))()
	release()
	must(t)(b.Measure(t.Context()))()
}

func TestADeadContextPassesNobody(t *testing.T) {
	a, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Measure(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAReleaseWakesTheWaiter(t *testing.T) {
	a, b := open(t)
	b.RetryAfter(time.Hour)
	release := must(t)(a.Measure(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var waiting sync.WaitGroup
	waiting.Go(func() { must(t)(b.Measure(ctx))() })
	for !a.TurnIsTaken(t) {
		time.Sleep(time.Millisecond)
	}
	release()
	waiting.Wait()
}

func TestWaitingBurnsNoCPU(t *testing.T) {
	a, b := open(t)
	defer must(t)(a.Measure(t.Context()))()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	before := cpu(t)
	var waiting sync.WaitGroup
	for range 20 {
		waiting.Go(func() { _, _ = b.Measure(ctx) })
	}
	waiting.Wait()
	if used := cpu(t) - before; used > 100*time.Millisecond {
		t.Errorf("20 waiters used %v of CPU in 500ms", used)
	}
}

func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestAKilledProcessLetsGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gate")
	g, err := gate.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), holdVariable+"="+path)
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "holding <nil>\n" {
		t.Fatalf("the other process says %q", line)
	}
	refused(t, g.Measure)
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t)(g.Measure(ctx))()
	_ = holder.Wait() // killed
}

func TestManyPassWithoutEverMeeting(t *testing.T) {
	a, b := open(t)
	var measuring, rendering, wrong atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		g := []*gate.Gate{a, b}[i%2]
		all.Go(func() {
			for range 50 {
				release := must(t)(g.Measure(t.Context()))
				if measuring.Add(1) != 1 || rendering.Load() != 0 {
					wrong.Add(1)
				}
				measuring.Add(-1)
				release()
			}
		})
		all.Go(func() {
			for range 50 {
				release := must(t)(g.Render(t.Context()))
				rendering.Add(1)
				if measuring.Load() != 0 {
					wrong.Add(1)
				}
				rendering.Add(-1)
				release()
			}
		})
	}
	all.Wait()
	if wrong.Load() != 0 {
		t.Errorf("%d times somebody was not alone", wrong.Load())
	}
}

func TestNoGateLetsEverybodyThrough(t *testing.T) {
	g, err := gate.Open("")
	if err != nil {
		t.Fatal(err)
	}
	first := must(t)(g.Measure(t.Context()))
	must(t)(g.Measure(t.Context()))()
	must(t)(g.Render(t.Context()))()
	first()
}

// Whoever can open the gate can hold up all measuring.
func TestTheGateIsForItsUserAloneUnlessAGroupShallShareIt(t *testing.T) {
	for name, tt := range map[string]struct{ was, want os.FileMode }{
		"made here": {0, 0o600}, "of an earlier version": {0o644, 0o600}, "read only": {0o444, 0o600}, "open": {0o666, 0o660}, "shared": {0o660, 0o660},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "gate")
			for _, file := range []string{path, path + ".turn"} {
				if tt.was == 0 {
					continue
				}
				if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chmod(file, tt.was)); err != nil {
					t.Fatal(err)
				}
			}
			if tt.was == 0o444 && os.Geteuid() != 0 {
				t.Skip("only root opens it")
			}
			g, err := gate.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			must(t)(g.Measure(t.Context()))()
			for _, file := range []string{path, path + ".turn"} {
				if info, err := os.Stat(file); err != nil || info.Mode().Perm() != tt.want {
					t.Errorf("%s: %v, %v, want %v", file, info.Mode(), err, tt.want)
				}
			}
		})
	}
}

func TestAGateOfSomebodyElseIsRefused(t *testing.T) {
	dir := t.TempDir()
	link, target := filepath.Join(dir, "link"), filepath.Join(dir, "target")
	if err := errors.Join(os.WriteFile(target, nil, 0o600), os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	if _, err := gate.Open(link); !errors.Is(err, gate.ErrForeign) {
		t.Errorf("a link: %v", err)
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can make a file of another's")
	}
	if err := os.Chown(target, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if _, err := gate.Open(target); !errors.Is(err, gate.ErrForeign) || !strings.Contains(err.Error(), "user 12345") {
		t.Errorf("another user's: %v", err)
	}
	if err := os.Chmod(target, 0o660); err != nil {
		t.Fatal(err)
	}
	if _, err := gate.Open(target); err != nil {
		t.Errorf("another user's, shared: %v", err)
	}
}

func TestAGateThatCannotBeMadeIsTold(t *testing.T) {
	if _, err := gate.Open(filepath.Join(t.TempDir(), "missing", "gate")); err == nil {
		t.Error("want an error")
	}
}
