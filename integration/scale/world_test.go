package scale_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/child"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/admin"
	"github.com/fiord-bench/fiord/services/bench"
)

var (
	hosts   = flag.Int("scale.hosts", 6, "bench hosts")
	benches = flag.Int("scale.benches", 8, "benches asked for at once, of two runs on one host each")
	runs    = flag.Int("scale.runs", 18, "runs of one more bench, over all hosts")
	patient = flag.Duration("scale.patience", 4*time.Minute, "how long to wait for all of it")
)

// atOnce is how many fio may run at the same time, on all hosts together.
const atOnce = 4

// world is the cluster, the store, and what was seen.
type world struct {
	t        *testing.T
	cluster  *bustest.Cluster
	store    *artifacts.Store
	binaries string
	dir      string
	services []*exec.Cmd
	names    []string // of services, by index

	mu      sync.Mutex
	ends    map[string]int // by run or bench
	placed  map[string]time.Time
	ended   map[string]time.Time // benches
	drawn   []time.Time
	events  int
	notices map[string]int // benches told of
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, dir: t.TempDir(), ends: map[string]int{}, placed: map[string]time.Time{}, ended: map[string]time.Time{}, notices: map[string]int{},
	}
	w.binaries = filepath.Join(w.dir, "bin")
	args := []string{"build", "-o", w.binaries + "/"}
	for _, name := range []string{"inventory", "plot", "notify"} {
		args = append(args, "github.com/fiord-bench/fiord/services/"+name+"/cmd/"+name)
	}
	if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Fatalf("build services: %v\n%s", err, out)
	}
	w.cluster = bustest.NewCluster(t)
	s3 := artifactstest.Start(t, t.TempDir()).Config()
	w.store = artifactstest.Open(t, s3)
	told := httptest.NewServer(http.HandlerFunc(w.told))
	t.Cleanup(told.Close)
	for _, name := range []string{"inventory", "plot", "notify"} {
		for replica := range 2 {
			w.start(name, replica, s3, told.URL)
		}
	}
	return w
}

// start starts one replica of a service as a process.
func (w *world) start(name string, replica int, s3 artifacts.Config, told string) {
	w.t.Helper()
	file := filepath.Join(w.dir, fmt.Sprintf("%s-%d.yaml", name, replica))
	own := map[string]string{
		"inventory": "inventory: {grace: 1s}", "plot": `plot: {listen: "127.0.0.1:0"}`,
		"notify": fmt.Sprintf("notify: {targets: [{name: hook, kind: webhook, url: %q, on: [bench.reported]}]}", told),
	}[name]
	text := fmt.Sprintf("nats: {url: %q, provision: false, replicas: 3}\ns3: {endpoint: %q, bucket: %q}\nadmin: {listen: \"\"}\nlog: {level: error}\n%s\n",
		w.cluster.URL(), s3.Endpoint, s3.Bucket, own)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(w.binaries, name), "--config", file)
	cmd.Env = append(os.Environ(), "FIORD_S3_ACCESS_KEY="+s3.AccessKey, "FIORD_S3_SECRET_KEY="+s3.SecretKey)
	cmd.Stderr = w.t.Output()
	if err := child.Start(cmd, syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
	w.services, w.names = append(w.services, cmd), append(w.names, fmt.Sprintf("%s-%d", name, replica))
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// told counts notices.
func (w *world) told(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if e, err := events.Unmarshal(body); err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.notices[e.Subject]++
	}
}

// see keeps what the test asks for.
func (w *world) see(_ context.Context, s bus.Seen) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events++
	now := time.Now()
	switch e := s.Event; {
	case e.Type == events.TypeBenchPlaced:
		w.placed[e.Data.(events.BenchPlaced).Bench] = now
	case e.Type == events.TypePlotsRendered:
		w.drawn = append(w.drawn, now)
	case e.Type.Ends() != "":
		w.ends[e.Subject]++
		if e.Type.Ends() == "bench" {
			w.ended[e.Subject] = now
		}
	}
}

func hostName(i int) string { return fmt.Sprintf("host-%04d", i) }

// host runs one bench host until the test ends.
func (w *world) host(ctx context.Context, i int, ended *sync.WaitGroup) {
	w.t.Helper()
	cfg := bench.DefaultConfig()
	dir := filepath.Join(w.dir, hostName(i))
	cfg.Host, cfg.Runner, cfg.Others = hostName(i), "process", 0
	cfg.StateDir, cfg.Gate = filepath.Join(dir, "state"), filepath.Join(w.dir, "gate"+strconv.Itoa(i%atOnce))
	cfg.Directories, cfg.FactsDir, cfg.MinFree = []string{filepath.Join(dir, "data")}, filepath.Join(dir, "facts.d"), 0
	log := slog.New(slog.DiscardHandler)
	s, err := bench.New(cfg, service.Deps{
		Bus: w.cluster.Bus(i%3, "fiord/bench"), Store: w.store, Log: log, Metrics: prometheus.NewRegistry(), Version: "test",
		Ready: func(string, admin.Check) {},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ended.Go(func() {
		if err := s.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			w.t.Errorf("%s ended with %v", hostName(i), err)
		}
	})
}

// peak is the most memory that a process has held, in MiB.
func peak(t *testing.T, pid int) int {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Errorf("a service is gone: %v", err)
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kib >> 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

// spent is the CPU time of a process, in user and system mode.
func spent(t *testing.T, pid int) time.Duration {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Errorf("a service is gone: %v", err)
		return 0
	}
	// The name, in parentheses, may hold blanks. The times are fields 14 and 15, in
	// hundredths of a second.
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	user, userErr := strconv.Atoi(fields[11])
	system, systemErr := strconv.Atoi(fields[12])
	if err := errors.Join(userErr, systemErr); err != nil {
		t.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}
