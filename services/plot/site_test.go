package plot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/plot"
)

// patience is how long a test waits for what must happen.
const patience = 2 * time.Minute

// site is a NATS server, a store, and what a test sees of the events.
type site struct {
	t     testing.TB
	nats  *bustest.Server
	store *artifacts.Store
	// objects is the folder in which the store keeps them.
	objects string
	bus     *bus.Bus // publishes as the other services would
	seen    chan events.Event
	// leaving is what a published run leaves besides; nil for nothing.
	leaving func(events.RunCompleted) []events.Artifact
}

func newSite(t testing.TB) *site {
	t.Helper()
	nats := bustest.NewServer(t)
	objects := t.TempDir()
	s := &site{t: t, nats: nats, bus: nats.Bus("fiord/test"), objects: objects, store: artifactstest.Open(t, artifactstest.Start(t, objects).Config()), seen: make(chan events.Event, 10_000)}
	sub, err := s.bus.Watch(t.Context(), bus.View{See: func(_ context.Context, seen bus.Seen) { s.seen <- seen.Event }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sub.Stop)
	return s
}

// start runs a replica until the returned function is called, or the test ends.
func (s *site) start(change ...func(*plot.Config)) (url string, stop func()) {
	s.t.Helper()
	cfg := plot.DefaultConfig()
	cfg.Listen, cfg.Grace, cfg.ConfirmAfter = "127.0.0.1:0", 50*time.Millisecond, 0
	for _, c := range change {
		c(&cfg)
	}
	svc, err := plot.New(cfg, service.Deps{
		Bus: s.nats.Bus("fiord/plot"), Store: s.store, Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Version: "test",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- svc.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				s.t.Errorf("run: %v", err)
			}
		case <-time.After(patience):
			s.t.Error("the service does not stop")
		}
	})
	s.t.Cleanup(stop)
	return svc.URL(), stop
}

func (s *site) publish(list ...events.Event) {
	s.t.Helper()
	for _, e := range list {
		if run, ok := e.Data.(events.RunCompleted); ok && s.leaving != nil {
			run.Artifacts = append(run.Artifacts, s.leaving(run)...)
			e.Data = run
		}
		if _, err := s.bus.Publish(s.t.Context(), e); err != nil {
			s.t.Fatal(err)
		}
	}
}

// await returns the next event of a type.
func await[T events.Data](s *site) T {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case e := <-s.seen:
			if data, ok := e.Data.(T); ok {
				return data
			}
		case <-deadline:
			var want T
			s.t.Fatalf("no %s", want.EventType())
		}
	}
}

// bench is a bench as inventory has placed it.
type bench struct {
	request, placed events.Event
	id              string
	runs            []events.RunRef
}

// asked is a request as ingest makes it.
func asked(key string, change ...func(*events.BenchRequested)) events.Event {
	request := events.BenchRequested{
		Name: "randread", Jobs: []events.Job{{Name: "r.fio", Inline: "[r]\nrw=randread\n"}},
		Origin: &events.Origin{Repo: events.Repo{Forge: "git", Name: "ada/disks", CloneURL: "https://git.example.org/ada/disks"}, Ref: "refs/heads/main", Commit: "0123456789abcdef0123456789abcdef01234567"},
	}
	for _, c := range change {
		c(&request)
	}
	return events.New("fiord/ingest", key, nil, request)
}

// place stores the placement of a bench with n runs on one host.
func (s *site) place(key string, n int, change ...func(*events.BenchRequested)) bench {
	s.t.Helper()
	var samples []events.Sample
	for i := range n {
		samples = append(samples, events.Sample{Job: "r.fio", Point: events.Point{"iodepth": fmt.Sprint(1 << (i % 3))}})
	}
	return s.placed(asked(key, change...), samples)
}

// placed stores the placement of a request whose runs measure the samples, one
// after the other, as inventory does.
func (s *site) placed(e events.Event, samples []events.Sample) bench {
	s.t.Helper()
	request, ok := e.Data.(events.BenchRequested)
	if !ok {
		s.t.Fatalf("%s asks for no bench", e.Type)
	}
	b := bench{request: e, id: events.BenchID(e)}
	list := events.RunList{Bench: b.id, Name: request.Name}
	repeats := map[string]int{}
	for i, sample := range samples {
		key := sample.Job + ";" + sample.Point.Key()
		ref := events.RunRef{
			Bench: b.id, Run: events.RunID(b.id, 0, key, repeats[key]), Name: request.Name, Job: sample.Job, Index: i,
			Point: sample.Point, Repeat: repeats[key], Host: "node-a", Attempt: 1,
		}
		repeats[key]++
		b.runs = append(b.runs, ref)
		list.Runs = append(list.Runs, events.Invocation{RunRef: ref, File: s.file(b.id, request, sample.Job)})
	}
	now := time.Now().UTC().Truncate(time.Second)
	doc := events.Placement{Bench: b.id, Request: request, PlacedAt: now, Deadline: now.Add(time.Hour), Slots: []events.Slot{{
		Host: "node-a", Runs: b.runs, List: s.putJSON("placements/"+b.id+"/list.json", list),
	}}}
	b.placed = events.New("fiord/inventory", "", &b.request, events.BenchPlaced{
		Bench: b.id, Name: request.Name, Placement: s.putJSON(artifacts.PlacementKey(b.id), doc), Hosts: 1, Slots: 1, Runs: len(b.runs),
		PlacedAt: now, Deadline: doc.Deadline, Origin: request.Origin, Confirms: request.Confirms,
	})
	return b
}

// file is a job file of a request as it is stored.
func (s *site) file(bench string, request events.BenchRequested, name string) events.ClaimCheck {
	s.t.Helper()
	for _, j := range request.Jobs {
		switch {
		case j.Name != name:
		case j.Claim != nil:
			return *j.Claim
		default:
			return artifactstest.Put(s.t, s.store, "placements/"+bench+"/jobs/"+name, "text/plain", j.Inline)
		}
	}
	s.t.Fatalf("no job file %s", name)
	return events.ClaimCheck{}
}

func (s *site) putJSON(key string, doc any) events.ClaimCheck {
	s.t.Helper()
	raw, err := json.Marshal(doc)
	if err != nil {
		s.t.Fatal(err)
	}
	return artifactstest.Put(s.t, s.store, key, "application/json", string(raw))
}

// completed is the good end of a run that read at a given rate.
func (b bench) completed(i int, iops float64) events.Event {
	now := time.Now().UTC().Truncate(time.Second)
	return events.New("fiord/bench", b.runs[i].Run, &b.request, events.RunCompleted{
		RunRef: b.runs[i], StartedAt: now, EndedAt: now.Add(time.Second), Integrity: events.Integrity{State: events.IntegrityOK},
		Summary: events.Summary{FioVersion: "fio-3.33", Read: &events.Figures{IOPS: iops, BandwidthBytes: iops * 4096, TotalIOs: uint64(iops), Latency: &events.Latency{Mean: 1e9 / iops, P50: new(float64(1e9 / iops)), P99: new(float64(2e9 / iops))}}},
	})
}

func (b bench) failed(i int) events.Event {
	return events.New("fiord/bench", b.runs[i].Run, &b.request, events.RunFailed{RunRef: b.runs[i], Reason: "fio ended with 1", EndedAt: time.Now().UTC()})
}

func (b bench) cancelled(i int) events.Event {
	return events.New("fiord/bench", b.runs[i].Run, &b.request, events.RunCancelled{RunRef: b.runs[i], Reason: "superseded", By: "fiord/ingest", EndedAt: time.Now().UTC()})
}

// page fetches a page and fails unless it has the status and every text.
func (s *site) page(url string, status int, texts ...string) {
	s.t.Helper()
	body := s.fetch(url, status)
	for _, text := range texts {
		if !bytes.Contains(body, []byte(text)) {
			_, shown, _ := strings.Cut(string(body), "<body>")
			s.t.Errorf("GET %s: no %q in\n%.3000s", url, text, shown)
		}
	}
}

// fetch gets what is at an address, which must answer with the status.
func (s *site) fetch(url string, status int) []byte {
	s.t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.StatusCode != status {
		s.t.Fatalf("GET %s: %s, want %d", url, resp.Status, status)
	}
	return body
}

// again is what another run left if it measured the very same; the logs are left out.
func (s *site) again(data events.RunCompleted, run events.RunRef) events.RunCompleted {
	s.t.Helper()
	kept := data.Artifacts
	data.RunRef, data.Artifacts, data.Logs = run, nil, nil
	for _, a := range kept {
		text := artifactstest.Read(s.t, s.store, a.ClaimCheck)
		a.ClaimCheck = artifactstest.Put(s.t, s.store, artifacts.RunKey(run.Host, run.Run, run.Attempt, a.Name), a.MediaType, text)
		data.Artifacts = append(data.Artifacts, a)
	}
	return data
}

// measure runs the real fio and stores what it left, as bench does.
func (s *site) measure(ref events.RunRef, args ...string) events.RunCompleted {
	s.t.Helper()
	fio, err := exec.LookPath("fio")
	if err != nil {
		if os.Getenv("CI") != "" {
			s.t.Fatal("fio is missing: apt-get install fio")
		}
		s.t.Skip("fio is missing: apt-get install fio")
	}
	dir := s.t.TempDir()
	cmd := exec.Command(fio, append([]string{"--output-format=json+", "--output=fio.json", "--name=r", "--ioengine=null", "--size=1g", "--bs=4k",
		"--time_based", "--runtime=2", "--write_bw_log=fio", "--write_iops_log=fio", "--write_lat_log=fio", "--write_hist_log=fio",
		"--log_avg_msec=100", "--log_hist_msec=500"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("fio: %v\n%s", err, out)
	}
	raw, err := os.Open(filepath.Join(dir, "fio.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer raw.Close()
	output, err := result.Read(raw)
	if err != nil {
		s.t.Fatal(err)
	}
	var doc bytes.Buffer
	if err := output.Document().Write(&doc); err != nil {
		s.t.Fatal(err)
	}
	claim := artifactstest.Put(s.t, s.store, artifacts.RunKey(ref.Host, ref.Run, 1, "result.json"), "application/json", doc.String())
	var set events.LogSet
	names, _ := filepath.Glob(filepath.Join(dir, "*.log"))
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			s.t.Fatal(err)
		}
		c, err := s.store.PutCompressed(s.t.Context(), artifacts.RunKey(ref.Host, ref.Run, 1, "logs/"+filepath.Base(name)+artifacts.SuffixZstd), f)
		f.Close()
		if err != nil {
			s.t.Fatal(err)
		}
		set.Logs = append(set.Logs, events.Artifact{Name: "logs/" + filepath.Base(name), ClaimCheck: c})
	}
	list, err := json.Marshal(set)
	if err != nil {
		s.t.Fatal(err)
	}
	logs := artifactstest.Put(s.t, s.store, artifacts.RunKey(ref.Host, ref.Run, 1, "logs.json"), "application/json", string(list))
	now := time.Now().UTC().Truncate(time.Second)
	data := events.RunCompleted{RunRef: ref, StartedAt: now, EndedAt: now.Add(2 * time.Second), Integrity: events.Integrity{State: events.IntegrityOK},
		Summary: events.Summary{FioVersion: output.Version}, Artifacts: []events.Artifact{{Name: "result.json", ClaimCheck: claim}}, Logs: &logs}
	sum := output.Summary()
	for from, to := range map[*result.Figures]**events.Figures{sum.Read: &data.Summary.Read, sum.Write: &data.Summary.Write} {
		if from != nil {
			*to = &events.Figures{IOPS: from.IOPS, BandwidthBytes: from.BWBytes, TotalIOs: uint64(from.TotalIOs), TotalBytes: uint64(from.Bytes),
				Latency: &events.Latency{Mean: from.Clat.Mean, P50: from.Clat.P50, P95: from.Clat.P95, P99: from.Clat.P99, P999: from.Clat.P999, Max: from.Clat.Max}}
		}
	}
	return data
}
