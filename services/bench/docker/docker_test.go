package docker

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/host/runner/runnertest"
)

func testImage() string {
	if image := os.Getenv("FIORD_TEST_FIO_IMAGE"); image != "" {
		return image
	}
	return "fiord-fio:latest"
}

// newEngine needs a real engine with the image.
func newEngine(t testing.TB, cfg Config) *Engine {
	t.Helper()
	if cfg.Image == "" {
		cfg.Image = testImage()
	}
	if cfg.Host == "" {
		cfg.Host = runnertest.Host(t)
	}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	d, err := e.Describe(t.Context())
	switch {
	case err == nil && (d.ImageID != "" || cfg.Image != testImage()):
		return e
	case err == nil:
		err = errors.New("no image " + cfg.Image + ": make images builds it")
	default:
		err = errors.Join(err, errors.New("start a Docker engine: apt-get install docker.io"))
	}
	if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
	return nil
}

func TestContainerConforms(t *testing.T) {
	runnertest.Suite(t, func(t *testing.T, host string) runner.Runner {
		return newEngine(t, Config{Host: host})
	}, freeze)
}

// freeze reaches into the container from outside.
func freeze(t *testing.T, p runner.Process) {
	t.Helper()
	c := p.(*fio)
	var top container.TopResponse
	for end := time.Now().Add(time.Minute); len(top.Processes) < 3; time.Sleep(50 * time.Millisecond) {
		var err error
		if top, err = c.engine.api.ContainerTop(t.Context(), c.id, []string{"-o", "pid"}); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(end) {
			t.Fatalf("fio has not started its two jobs: %v", top.Processes)
		}
	}
	for _, row := range top.Processes {
		pid, err := strconv.Atoi(row[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Skipf("needs root to stop a container's processes: %v", err)
		}
	}
}

// inside is the folder of /proc of a container's first process: what it is and
// sees, without a program in the image to ask.
func inside(t *testing.T, p runner.Process) string {
	t.Helper()
	c := p.(*fio)
	info, err := c.engine.api.ContainerInspect(t.Context(), c.id)
	if err != nil {
		t.Fatal(err)
	}
	return "/proc/" + strconv.Itoa(info.State.Pid)
}

func see(t *testing.T, elem ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Skipf("needs root to look into a container: %v", err)
	}
	return string(b)
}

func end(t *testing.T, p runner.Process) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	runnertest.Wait(ctx, t, p)
}

const longJob = "[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=30\nrate_iops=100\n"

func TestContainerIsHardened(t *testing.T) {
	e := newEngine(t, Config{})
	inv := runnertest.Job(t, "hardened", longJob)
	owner := runner.User{UID: 1234, GID: 2345}
	inv.User = &owner
	give(t, inv, owner)
	p := runnertest.Start(t, e, inv)
	defer end(t, p)
	proc := inside(t, p)
	status := see(t, proc, "status")
	for _, want := range []string{
		"CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000",
		"NoNewPrivs:\t1", "Seccomp:\t2", "Uid:\t1234\t1234", "Gid:\t2345\t2345",
	} {
		if !strings.Contains(status, want) {
			t.Errorf("the container lacks %q:\n%s", want, status)
		}
	}
	if interfaces := strings.Count(see(t, proc, "net/dev"), ":"); interfaces != 1 {
		t.Errorf("%d network interfaces, want the loopback alone", interfaces)
	}
	mounts := see(t, proc, "mountinfo")
	if root, _, _ := strings.Cut(mounts, "\n"); !strings.Contains(root, " / / ro,") {
		t.Errorf("the root can be written: %s", root)
	}
	for _, device := range []string{"kmsg", "mem", "vda", "sda", "nvme0n1"} {
		if _, err := os.Stat(filepath.Join(proc, "root/dev", device)); err == nil {
			t.Errorf("the container has /dev/%s", device)
		}
	}
}

func TestFioRunsAsTheOwnerOfItsFolderUnlessToldOtherwise(t *testing.T) {
	e := newEngine(t, Config{})
	inv := runnertest.Job(t, "owner", longJob)
	give(t, inv, runner.User{UID: 4321, GID: 5432})
	p := runnertest.Start(t, e, inv)
	defer end(t, p)
	if status := see(t, inside(t, p), "status"); !strings.Contains(status, "Uid:\t4321\t4321") {
		t.Errorf("%s", status)
	}
}

func give(t *testing.T, inv runner.Invocation, to runner.User) {
	t.Helper()
	for _, d := range []string{inv.Dir, filepath.Join(inv.Dir, "logs"), filepath.Join(inv.Dir, "data")} {
		if err := os.Chown(d, to.UID, to.GID); err != nil {
			t.Skipf("needs root to give folders away: %v", err)
		}
	}
	if err := os.Chmod(filepath.Dir(inv.Dir), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestIOUringIsPermitted(t *testing.T) {
	if b, err := os.ReadFile("/proc/sys/kernel/io_uring_disabled"); err == nil && strings.TrimSpace(string(b)) != "0" {
		t.Skip("the host's kernel.io_uring_disabled forbids it")
	}
	e := newEngine(t, Config{})
	inv := runnertest.Job(t, "uring", "[a]\nioengine=io_uring\nrw=write\nsize=256k\niodepth=4\n")
	if exit := runnertest.Wait(t.Context(), t, runnertest.Start(t, e, inv)); !exit.OK() {
		t.Fatalf("exit %+v: %s", exit, runnertest.Read(t, inv, runner.StderrFile))
	}
	if !strings.Contains(e.seccomp, "io_uring_setup") || !json.Valid([]byte(e.seccomp)) {
		t.Fatal("the profile does not name io_uring")
	}
}

func TestLimitsReachTheContainer(t *testing.T) {
	e := newEngine(t, Config{})
	inv := runnertest.Job(t, "limits", "[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=30\n")
	inv.Limits = runner.Limits{CPUs: 0.5, CPUSet: "0", Memory: 256 << 20, PIDs: 50, Memlock: 32 << 10}
	if device := anyBlockDevice(); device != "" {
		inv.Limits.ReadIOPS = map[string]uint64{device: 50000}
	}
	p := runnertest.Start(t, e, inv)
	info, err := e.api.ContainerInspect(t.Context(), p.(*fio).id)
	if err != nil {
		t.Fatal(err)
	}
	r := info.HostConfig.Resources
	if r.NanoCPUs != 5e8 || r.CpusetCpus != "0" || r.Memory != 256<<20 || r.MemorySwap != 256<<20 || *r.PidsLimit != 50 ||
		len(r.Ulimits) != 1 || len(r.BlkioDeviceReadIOps) != len(inv.Limits.ReadIOPS) {
		t.Fatalf("resources %+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	runnertest.Wait(ctx, t, p)
}

func anyBlockDevice() string {
	found, _ := filepath.Glob("/sys/block/[svn]*")
	for _, f := range found {
		if dev := "/dev/" + filepath.Base(f); len(f) > 0 {
			if _, err := os.Stat(dev); err == nil {
				return dev
			}
		}
	}
	return ""
}

func TestOutOfMemoryIsTold(t *testing.T) {
	e := newEngine(t, Config{})
	inv := runnertest.Job(t, "oom", "[a]\nioengine=null\nrw=write\nbs=128m\nsize=10g\niodepth=8\nmem=malloc\n")
	inv.Limits.Memory = 96 << 20
	exit := runnertest.Wait(t.Context(), t, runnertest.Start(t, e, inv))
	// The kernel takes a job, and fio's own exit status is then often 0.
	if exit.OK() || !exit.OutOfMem || exit.Memory != 96<<20 {
		t.Fatalf("%+v\n%s", exit, runnertest.Read(t, inv, runner.StderrFile)+runnertest.Read(t, inv, runner.OutputFile))
	}
}

// A container has a limit, and a limit of processes, though nobody asked for one.
func TestAContainerIsLimitedThoughNobodyAsks(t *testing.T) {
	e := newEngine(t, Config{Memory: 96 << 20})
	inv := runnertest.Job(t, "default", "[a]\nioengine=null\nrw=write\nbs=128m\nsize=10g\niodepth=8\nmem=malloc\n")
	p := runnertest.Start(t, e, inv)
	info, err := e.api.ContainerInspect(t.Context(), p.(*fio).id)
	if err != nil {
		t.Fatal(err)
	}
	if r := info.HostConfig.Resources; r.Memory != 96<<20 || r.MemorySwap != 96<<20 || r.PidsLimit == nil || *r.PidsLimit <= 0 {
		t.Errorf("resources %+v", r)
	}
	if exit := runnertest.Wait(t.Context(), t, p); !exit.OutOfMem {
		t.Errorf("%+v", exit)
	}
}

func TestMissingImageSaysWhatToDo(t *testing.T) {
	e := newEngine(t, Config{Image: "fiord-no-such-image:1"})
	_, err := e.Start(t.Context(), runnertest.Job(t, "missing", "[a]\n"))
	if !errors.Is(err, runner.ErrImageMissing) || !strings.Contains(err.Error(), `"fiord-no-such-image:1"`) {
		t.Fatal(err)
	}
}

func TestMissingEngineIsUnavailable(t *testing.T) {
	e, err := New(Config{Address: "unix:///nowhere/docker.sock", Image: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Ping(t.Context()); !errors.Is(err, runner.ErrUnavailable) {
		t.Fatal(err)
	}
}

func TestAnUnprotectedAddressIsRefused(t *testing.T) {
	for address, want := range map[string]string{
		"tcp://10.0.0.1:2375": "certificates", "npipe://x": "want unix", "ssh://host/..?x": "ssh",
	} {
		if _, err := New(Config{Address: address, Image: "x"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestASecondStartOfOneAttemptIsRefused(t *testing.T) {
	e := newEngine(t, Config{})
	inv := runnertest.Job(t, "twice", "[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=30\n")
	first := runnertest.Start(t, e, inv)
	if _, err := e.Start(t.Context(), inv); err == nil || !strings.Contains(err.Error(), "already in use") {
		t.Fatalf("second start: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	runnertest.Wait(ctx, t, first)
}

func TestTheNextWorkerAdoptsAContainerWithAllItWrote(t *testing.T) {
	host := runnertest.Host(t)
	inv := runnertest.Job(t, "adopted", "[a]\nioengine=null\nrw=read\nsize=1g\ntime_based\nruntime=3\nrate_iops=100\n")
	first := newEngine(t, Config{Host: host})
	if _, err := first.Start(t.Context(), inv); err != nil { // and nobody waits
		t.Fatal(err)
	}
	next := newEngine(t, Config{Host: host})
	left, err := next.Leftovers(t.Context())
	if err != nil || len(left) != 1 || left[0].Key() != inv.Key {
		t.Fatalf("left %v, %v", left, err)
	}
	exit := runnertest.Wait(t.Context(), t, left[0])
	if !exit.OK() || exit.Ended.Sub(exit.Started) < 3*time.Second {
		t.Fatalf("exit %+v", exit)
	}
	runnertest.Report(t, inv)
	if out := runnertest.Read(t, inv, runner.StdoutFile); !strings.Contains(out, "Jobs: 1") {
		t.Fatalf("progress is lost: %q", out)
	}
	nobody(t, next)
}

func TestAContainerThatNeverStartedIsCleared(t *testing.T) {
	e := newEngine(t, Config{})
	if _, err := e.create(t.Context(), runnertest.Job(t, "created", "[a]\n")); err != nil {
		t.Fatal(err)
	}
	nobody(t, e)
}

func nobody(t *testing.T, e *Engine) {
	t.Helper()
	for range 2 { // the first call clears
		left, err := e.Leftovers(t.Context())
		if err != nil || len(left) != 0 {
			t.Fatalf("left %v, %v", left, err)
		}
	}
	list, err := e.api.ContainerList(t.Context(), container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		if c.Labels[LabelHost] == e.cfg.Host {
			t.Errorf("container %v is left in state %s", c.Names, c.State)
		}
	}
}

func TestVolumesAreMadeAndMeasured(t *testing.T) {
	e := newEngine(t, Config{})
	inv := runnertest.Job(t, "volume", "[a]\nrw=write\nsize=64k\nfilename=/data/x\n")
	name := "fiord-test-" + strings.ToLower(runnertest.Host(t))
	inv.Volumes = []runner.Volume{{Name: name, Driver: "local", Options: map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "size=8m"}, Target: "/data"}}
	t.Cleanup(func() { _ = e.api.VolumeRemove(context.Background(), name, true) })
	if exit := runnertest.Wait(t.Context(), t, runnertest.Start(t, e, inv)); !exit.OK() {
		t.Fatalf("exit %+v: %s", exit, runnertest.Read(t, inv, runner.StderrFile))
	}
	made, err := e.api.VolumeInspect(t.Context(), name)
	if err != nil || made.Options["type"] != "tmpfs" {
		t.Fatalf("%+v, %v", made, err)
	}
	d, err := e.Describe(t.Context())
	if err != nil || !slices.Contains(d.VolumeDrivers, "local") {
		t.Fatalf("%+v, %v", d, err)
	}
}

// hooks are adapters in process: what they change is given by functions.
type hooks struct {
	before func(path string, body []byte) ([]byte, error)
	after  func(path string, code int, answer []byte)
}

func (h hooks) Before(_ context.Context, path string, body []byte) ([]byte, error) {
	return h.before(path, body)
}

func (h hooks) After(_ context.Context, path string, _ []byte, code int, answer []byte) ([]byte, error) {
	h.after(path, code, answer)
	return answer, nil
}

func TestAdaptersSeeCreateAndStart(t *testing.T) {
	var saw []string
	e := newEngine(t, Config{Hooks: hooks{
		before: func(path string, body []byte) ([]byte, error) {
			saw = append(saw, "before "+path[strings.LastIndex(path, "/"):])
			return []byte(strings.Replace(string(body), `"Env":[`, `"Env":["ADDED=yes",`, 1)), nil
		},
		after: func(path string, code int, _ []byte) {
			saw = append(saw, "after "+path[strings.LastIndex(path, "/"):]+" "+http.StatusText(code))
		},
	}})
	inv := runnertest.Job(t, "hooked", "[a]\nrw=write\nsize=64k\nfilename=${ADDED}\n")
	if exit := runnertest.Wait(t.Context(), t, runnertest.Start(t, e, inv)); !exit.OK() {
		t.Fatalf("exit %+v", exit)
	}
	if _, err := os.Stat(filepath.Join(inv.WorkDir, "yes")); err != nil {
		t.Fatal(err)
	}
	want := "before /create, after /create Created, before /start, after /start No Content"
	if got := strings.Join(saw, ", "); got != want {
		t.Fatalf("saw %s\nwant %s", got, want)
	}
}
