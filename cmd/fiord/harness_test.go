package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
)

// fiord is a running `fiord up`.
type fiord struct {
	t    testing.TB
	dir  string
	conn connection.Connection
	out  *buffer
	stop func() int // ends it and returns the exit code
}

// anyPort are the flags that let several fiords run on one machine. fio runs
// as a process: what Docker does is tested by the bench service.
func anyPort() []string {
	return []string{
		"--nats.listen=127.0.0.1:0", "--s3.listen=127.0.0.1:0", "--admin.listen=127.0.0.1:0",
		"--plot.listen=127.0.0.1:0", "--ingest.listen=127.0.0.1:0", "--bench.runner=process", "--bench.host=here", "--bench.others=0", "--log.level=warn",
	}
}

// startUp runs `fiord up` in this process until the test ends.
func startUp(t testing.TB, dir string, args ...string) *fiord {
	t.Helper()
	if _, err := exec.LookPath("fio"); err != nil {
		missing(t, "fio is not installed: apt-get install fio")
	}
	f := &fiord{t: t, dir: dir, out: &buffer{}}
	ready, ended := make(chan connection.Connection, 1), make(chan int, 1)
	ctx, cancel := context.WithCancel(context.Background())
	p := program{stdin: strings.NewReader(""), stdout: f.out, stderr: t.Output(), onUp: func(c connection.Connection) { ready <- c }}
	go func() {
		ended <- p.run(ctx, slices.Concat([]string{"up", "--data", dir}, anyPort(), args))
	}()
	f.stop = sync.OnceValue(func() int { cancel(); return <-ended })
	t.Cleanup(func() {
		if code := f.stop(); code != 0 {
			t.Errorf("fiord up ended with %d", code)
		}
	})
	select {
	case f.conn = <-ready:
	case code := <-ended:
		f.stop = func() int { return code }
		t.Fatalf("fiord up ended with %d before it was ready", code)
	case <-time.After(3 * time.Minute):
		t.Fatal("fiord up is not ready after a minute")
	}
	return f
}

// missing skips, or fails where everything must be there.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// command runs a command against the fiord.
func (f *fiord) command(args ...string) (code int, stdout, stderr string) {
	f.t.Helper()
	return command(f.t, "", []string{"FIORD_DATA=" + f.dir}, args...)
}

func command(t testing.TB, stdin string, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs buffer
	p := program{environ: environ, stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	code = p.run(ctx, args)
	t.Logf("fiord %s: exit code %d\n%s%s", strings.Join(args, " "), code, out.String(), errs.String())
	return code, out.String(), errs.String()
}

// buffer is a bytes.Buffer for two goroutines.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// jobFile writes a job that measures nothing for a moment.
func jobFile(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "null.fio")
	text := "[null]\nioengine=null\nrw=randread\nbs=4k\nsize=64m\nruntime=1\ntime_based=1\n" + strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func contains(t testing.TB, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func get(t testing.TB, url string) int {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
