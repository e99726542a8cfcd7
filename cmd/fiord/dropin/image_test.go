package dropin

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// images builds the images with the code at hand, tagged test.
func images(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds images")
	}
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no Docker engine answers (scripts/setup): %s", out)
		}
		t.Skipf("no Docker engine answers (scripts/setup starts one): %s", out)
	}
	binary := filepath.Join(t.TempDir(), "fiotools")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "./fiotools")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build fiotools: %v: %s", err, out)
	}
	image := exec.CommandContext(t.Context(), "../../../deploy/images/dropin/build", "test")
	image.Env = append(os.Environ(), "FIORD_FIOTOOLS="+binary)
	if out, err := image.CombinedOutput(); err != nil {
		t.Fatalf("build images: %v: %s", err, out)
	}
}

// container is one docker run.
type container struct {
	t  *testing.T
	id string
}

// docker runs the docker command and returns what it prints.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func run(t *testing.T, args ...string) container {
	t.Helper()
	id := docker(t, append([]string{"run", "--detach"}, args...)...)
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "--force", "--volumes", id).Run() })
	return container{t, id}
}

// ends waits for the container's end and returns its exit code and output.
func (c container) ends() (code, output string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", "wait", c.id).Output()
	if err != nil {
		c.t.Fatalf("wait for container: %v: %s", err, docker(c.t, "logs", c.id))
	}
	return strings.TrimSpace(string(out)), docker(c.t, "logs", c.id)
}

// page is the address that the container's port 8000 is published at.
func (c container) page() string {
	c.t.Helper()
	return "http://" + strings.Fields(docker(c.t, "port", c.id, "8000/tcp"))[0]
}

// shared is a folder with files, for containers that run as whoever tests.
func shared(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// myself is the option that makes what a container writes the tester's.
func myself() string { return fmt.Sprintf("--user=%d:%d", os.Getuid(), os.Getgid()) }

func TestImages(t *testing.T) {
	images(t)
	t.Run("all in one", allInOne)
	t.Run("told by URL", toldByURL)
	t.Run("tells failures", tellsFailures)
	t.Run("one thing each", oneThingEach)
}

const onDisk = "[global]\nioengine=psync\nsize=4m\nbs=4k\nruntime=1\ntime_based\nrate_iops=500\n[my job]\nrw=randrw\n"

func allInOne(t *testing.T) {
	data, disk := shared(t, map[string]string{"my job.fio": onDisk + "directory=/myvol\n"}), shared(t, nil)
	c := run(t, myself(), "--env", "JOBFILES=my job.fio", "--env", "PLOTNAME=My Test", "--publish", "127.0.0.1::8000",
		"--volume", data+":/tmp/fio-data", "--volume", disk+":/myvol", "fiord-fiotools-aio:test")
	text := until(t, c.page(), "my%20job_iops.1-2Draw.svg")
	for _, want := range []string{"<h1>My Test</h1>", "fio.output", "my%20job.json", "my%20job_bw.1.log", "./figures/my-job/iops.svg"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if status, head, png := get(t, c.page()+"/my%20job_bw.1-2Draw.png"); status != 200 || head.Get("Content-Type") != "image/png" || !strings.HasPrefix(png, "\x89PNG") {
		t.Errorf("plot: %d, %s", status, head.Get("Content-Type"))
	}
	for _, path := range []string{data + "/my job.fio", data + "/fio.output", data + "/report.html", disk + "/my job.0.0"} {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("not on the volume: %v", err)
		}
	}
	docker(t, "stop", "--time", "10", c.id)
	if code, out := c.ends(); code != "0" {
		t.Errorf("exit code %s: %s", code, out)
	}
}

func toldByURL(t *testing.T) {
	listener, err := net.Listen("tcp4", ":0") // containers reach it through the bridge
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(onDisk))
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	remote := []string{"--add-host", "here:host-gateway", "--env", "REMOTEFILES=http://here:" + port + "/far.fio", "--env", "JOBFILES=far.fio", "--env", "FIORD_SERVE=never"}

	remote = append(remote, myself(), "--volume", shared(t, nil)+":/tmp/fio-data")
	code, out := run(t, append(remote, "fiord-fiotools-aio:test")...).ends()
	if code != "2" || !strings.Contains(out, "FIORD_ALLOW_PRIVATE=yes") {
		t.Errorf("a private address unasked: exit code %s: %s", code, out)
	}
	code, out = run(t, append(remote, "--env", "FIORD_ALLOW_PRIVATE=yes", "fiord-fiotools-aio:test")...).ends()
	if code != "0" || !strings.Contains(out, "far · my job: read") {
		t.Errorf("exit code %s: %s", code, out)
	}
}

func tellsFailures(t *testing.T) {
	data := shared(t, map[string]string{
		"fails.fio":   "[gone]\nrw=read\nfilename=gone\nsize=1m\nallow_file_create=0\n",
		"outside.fio": "[a]\nrw=write\nsize=1m\nfilename=/usr/lib/a\n",
		"disk.fio":    "[a]\nrw=write\nsize=1m\nfilename=/dev/sda\n",
	})
	for job, want := range map[string][2]string{
		"fails.fio":   {"1", "fio ended with status 1"},
		"outside.fio": {"2", "outside the directories"},
		"disk.fio":    {"2", "/dev/sda"},
		"none.fio":    {"2", "no such file"},
	} {
		code, out := run(t, myself(), "--env", "JOBFILES="+job, "--env", "FIORD_SERVE=success", "--volume", data+":/tmp/fio-data", "fiord-fiotools-aio:test").ends()
		if code != want[0] || !strings.Contains(out, want[1]) {
			t.Errorf("%s: exit code %s, want %s and %q: %s", job, code, want[0], want[1], out)
		}
	}
}

// oneThingEach takes the three steps that have always had an image each.
func oneThingEach(t *testing.T) {
	data := shared(t, map[string]string{"job.fio": onDisk})
	volume := data + ":/tmp/fio-data"
	if code, out := run(t, myself(), "--env", "JOBFILES=job.fio", "--volume", volume, "fiord-fio-tool:test").ends(); code != "0" {
		t.Fatalf("fio-tool: %s: %s", code, out)
	}
	if code, out := run(t, myself(), "--volume", volume, "fiord-fio-genplots:test", "-t", "A title", "-b", "-g", "-p", "*_bw*").ends(); code != "0" {
		t.Fatalf("fio-genplots: %s: %s", code, out)
	}
	c := run(t, "--publish", "127.0.0.1::8000", "--volume", volume, "fiord-fio-plotserve:test")
	if text := until(t, c.page(), "job_bw.1.log"); !strings.Contains(text, "job_bw.1-2Draw.svg") {
		t.Errorf("the page has no plot: %s", text)
	}
}
