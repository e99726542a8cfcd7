package outage

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/child"
	"github.com/fiord-bench/fiord/internal/listen/listentest"
)

// binaries is the folder of the programs, built once for all tests.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "fiord-outage-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binaries = dir
	build := exec.Command("go", "build", "-o", dir+"/", "github.com/fiord-bench/fiord/cmd/fiord", "github.com/fiord-bench/fiord/services/bench/cmd/bench")
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, "build programs:", err)
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// center is a `fiord up` whose own worker serves nobody. It listens at the
// same addresses each time it is started.
type center struct {
	t        *testing.T
	dir      string
	nats, s3 string
	cmd      *exec.Cmd
}

func newCenter(t *testing.T) *center {
	c := &center{t: t, dir: filepath.Join(t.TempDir(), "center"), nats: listentest.Address(t), s3: listentest.Address(t)}
	c.start()
	t.Cleanup(c.kill)
	return c
}

func (c *center) start() {
	c.t.Helper()
	c.cmd = exec.Command(filepath.Join(binaries, "fiord"), "up", "--json", "--data", c.dir, "--nats.listen="+c.nats, "--s3.listen="+c.s3,
		"--admin.listen=127.0.0.1:0", "--plot.listen=127.0.0.1:0", "--ingest.listen=127.0.0.1:0",
		"--bench.host=center", "--bench.pools=center", "--bench.runner=process", "--log.format=text")
	c.cmd.Stderr = c.t.Output()
	out, err := c.cmd.StdoutPipe()
	if err == nil {
		err = child.Start(c.cmd, syscall.SIGKILL)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		c.t.Fatalf("fiord up says %q: %v", line, err)
	}
}

// kill is kill -9: NATS and S3 are gone at once.
func (c *center) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// fiord runs another command of fiord's and returns its output.
func (c *center) fiord(args ...string) string {
	c.t.Helper()
	cmd := exec.Command(filepath.Join(binaries, "fiord"), args...)
	cmd.Env = append(os.Environ(), "FIORD_DATA="+c.dir)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("fiord %s: %v\n%s%s", strings.Join(args, " "), err, out, said.String())
	}
	return string(out)
}

// request asks for jobs on a host, one after the other, and returns the bench's
// id.
func (c *center) request(host string, jobs ...string) string {
	c.t.Helper()
	args := []string{"run", "--json", "--detach", "--host", host, "--timeout", "3h"}
	for i, job := range jobs {
		path := filepath.Join(c.t.TempDir(), host+strconv.Itoa(i)+".fio")
		if err := os.WriteFile(path, []byte(job), 0o600); err != nil {
			c.t.Fatal(err)
		}
		args = append(args, path)
	}
	out := c.fiord(args...)
	var said struct {
		Bench string `json:"bench"`
	}
	if err := json.Unmarshal([]byte(out), &said); err != nil || said.Bench == "" {
		c.t.Fatalf("fiord run says %q: %v", out, err)
	}
	return said.Bench
}

// worker is the worker of a host.
type worker struct {
	dir   string
	admin string
	cmd   *exec.Cmd
}

// host lets a host in and starts its worker.
func (c *center) host(name string) *worker {
	c.t.Helper()
	w := &worker{dir: filepath.Join(c.t.TempDir(), name), admin: listentest.Address(c.t)}
	c.fiord("creds", "bench", name, "--out", w.dir, "--at", w.dir)
	c.letsIn(filepath.Join(w.dir, "nats.nk"), access.InboxPrefix("bench-"+name))
	config := filepath.Join(w.dir, "fiord.yaml")
	w.cmd = exec.Command(filepath.Join(binaries, "bench"), "--config", config, "--admin.listen", w.admin, "--runner=process", "--log.format=text",
		"--state_dir", filepath.Join(w.dir, "state"), "--gate", filepath.Join(w.dir, "gate"), "--directories", filepath.Join(w.dir, "scratch"),
		"--facts_dir", filepath.Join(w.dir, "facts.d"), "--min_free=0B")
	w.cmd.Stderr = c.t.Output()
	if err := child.Start(w.cmd, syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		err := w.cmd.Process.Signal(syscall.SIGTERM)
		if err := errors.Join(err, w.cmd.Wait()); err != nil {
			c.t.Errorf("worker of %s ended with %v", name, err)
		}
	})
	return w
}

// letsIn waits until a new user's key is known.
func (c *center) letsIn(seed, inbox string) {
	c.t.Helper()
	eventually(c.t, "right to connect", func() bool {
		nc, err := bus.Connect(c.t.Context(), bus.Connection{URL: "nats://" + c.nats, Name: c.t.Name(), NKeySeedFile: seed, InboxPrefix: inbox})
		if err == nil {
			nc.Close()
		}
		return err == nil
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within %s", what, patience)
		}
	}
}
