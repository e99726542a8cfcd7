package bench

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/facts"
)

func TestAListIsMeasuredInOrderAndKept(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
	list := w.request(bench{host: "host-1", jobs: []string{quickJob, timedJob}})

	first := ended[events.RunCompleted](t, w.end(list.Runs[0]))
	if first.Attempt != 1 || first.Host != "host-1" || first.Summary.Write == nil || first.Summary.Write.TotalIOs != 256 {
		t.Fatalf("first run: %+v", first)
	}
	if !strings.Contains(w.read(first.Artifacts, "job.fio"), "write_bw_log=") {
		t.Error("job.fio is not what was run")
	}
	for _, name := range []string{"fio.json", "result.json"} {
		if !json.Valid([]byte(w.read(first.Artifacts, name))) {
			t.Errorf("%s is not JSON", name)
		}
	}
	var env facts.Environment
	if err := json.Unmarshal([]byte(w.read(first.Artifacts, "environment.json")), &env); err != nil {
		t.Fatal(err)
	}
	if env.Host != "host-1" || env.HostClass != first.HostClass || env.Target == nil || env.Target.Path != w.data || first.DeviceClass == "" {
		t.Errorf("environment %+v, event has %s and %s", env, first.HostClass, first.DeviceClass)
	}

	second := ended[events.RunCompleted](t, w.end(list.Runs[1]))
	if second.StartedAt.Before(first.EndedAt) {
		t.Errorf("second run started %s, before the first ended at %s", second.StartedAt, first.EndedAt)
	}
	if second.Integrity.State != events.IntegrityOK {
		t.Errorf("integrity %+v", second.Integrity)
	}
	logs := w.logs(second)
	for _, want := range []string{"logs/fio_bw.1.log", "logs/fio_iops.1.log", "logs/fio_clat_hist.1.log"} {
		if !logs[want] {
			t.Errorf("no %s among %v", want, logs)
		}
	}
}

// logs are the names of a run's logs; one of them is read back.
func (w *world) logs(d events.RunCompleted) map[string]bool {
	w.t.Helper()
	if d.Logs == nil {
		w.t.Fatal("no logs")
	}
	raw, err := w.store.ReadAll(w.t.Context(), *d.Logs, 1<<20)
	if err != nil {
		w.t.Fatal(err)
	}
	var set events.LogSet
	if err := json.Unmarshal(raw, &set); err != nil {
		w.t.Fatal(err)
	}
	names := map[string]bool{}
	for _, a := range set.Logs {
		names[a.Name] = true
		r, err := w.store.OpenPlain(w.t.Context(), a.ClaimCheck, 1<<20)
		if err != nil {
			w.t.Fatal(err)
		}
		line := make([]byte, 10)
		if n, err := r.Read(line); n == 0 || line[0] < '0' || line[0] > '9' {
			w.t.Errorf("log %s begins with %q, %v", a.Name, line[:n], err)
		}
		_ = r.Close()
	}
	return names
}

func TestAPoolSlotIsTakenByOneWorker(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-a"))
	w.start(w.config("host-b"))
	list := w.request(bench{pool: "default", jobs: []string{quickJob, quickJob, quickJob}})
	hosts := map[string]bool{}
	for _, inv := range list.Runs {
		hosts[ended[events.RunCompleted](t, w.end(inv)).Host] = true
	}
	if len(hosts) != 1 {
		t.Fatalf("one list ran on %v", hosts)
	}
}

func TestTheGuardRejectsWithLineOptionAndRule(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
	list := w.request(bench{host: "host-1", jobs: []string{
		"[a]\nrw=write\nsize=1m\nfilename=/etc/fiord-must-not-write\n",
		"[a]\nrw=read\nsize=1m\nexec_prerun=touch /tmp/x\n",
		"[a]\nrw=raed\nno_such_option=1\n",
		quickJob,
	}})
	for i, want := range []events.Problem{
		{Line: 4, Option: "filename", Rule: "directory"},
		{Line: 4, Option: "exec_prerun", Rule: "command"},
	} {
		got := ended[events.RunRejected](t, w.end(list.Runs[i]))
		p := got.Problems[0]
		if p.File != list.Runs[i].Job || p.Line != want.Line || p.Option != want.Option || p.Rule != want.Rule || got.Attempt != 0 {
			t.Errorf("job %d: %+v", i, got)
		}
	}
	switch e := w.end(list.Runs[2]).Data.(type) {
	case events.RunRejected:
	default:
		t.Errorf("nonsense ended with %T", e)
	}
	ended[events.RunCompleted](t, w.end(list.Runs[3])) // the list goes on
}

func TestAFailingFioFailsTheRunWithItsWords(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
	// verify reads back what another job has overwritten.
	list := w.request(bench{host: "host-1", jobs: []string{
		"[a]\nrw=write\nsize=64k\nfilename=f\n[b]\nstonewall\nrw=read\nsize=64k\nfilename=f\nverify=crc32c\ndo_verify=1\n",
		"[a]\nfilename=n\nsize=1m\nrw=randtrim\nbs=512\n",
		"[a]\nsize=4k\nrw=write\nrwmixread=101\n",
	}})
	failed := ended[events.RunFailed](t, w.end(list.Runs[0]))
	if failed.ExitCode == nil || *failed.ExitCode == 0 || !strings.Contains(failed.Reason, "exit status") || failed.Stderr == "" {
		t.Fatalf("%+v", failed)
	}
	w.read(failed.Artifacts, "job.fio")
	for run, want := range []string{
		"section b: Invalid or incomplete multibyte or wide character (EILSEQ); verify: bad magic header",
		"section a: Inappropriate ioctl for device (ENOTTY)",
		"rwmixread: max value out of range: 101 (100 max)",
	} {
		if run > 0 {
			failed = ended[events.RunFailed](t, w.end(list.Runs[run]))
		}
		if !strings.Contains(failed.Reason, want) {
			t.Errorf("%q does not say %q", failed.Reason, want)
		}
	}
}

func TestATimeoutEndsFio(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
	list := w.request(bench{host: "host-1", jobs: []string{slowJob}, change: func(l *events.RunList) {
		l.Timeout = events.Duration(5 * time.Second)
	}})
	started := w.started(list.Runs[0])
	failed := ended[events.RunFailed](t, w.end(list.Runs[0]))
	if !strings.Contains(failed.Reason, "timeout of 5s") || started.Expected.Std() != 30*time.Second {
		t.Fatalf("%+v, expected %s", failed, started.Expected.Std())
	}
	if !json.Valid([]byte(w.read(failed.Artifacts, "fio.json")[strings.Index(w.read(failed.Artifacts, "fio.json"), "{"):])) {
		t.Error("the report was not kept whole")
	}
}

func TestCancellationStopsWhatRunsAndWhatWaits(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
	list := w.request(bench{host: "host-1", jobs: []string{slowJob, slowJob}})
	live := w.live(list, reads)
	if live.Run != list.Runs[0].Run || live.Host != "host-1" || live.Runs != 2 || live.Attempt != 1 || live.BandwidthBytes["read"] <= 0 || live.Percent <= 0 {
		t.Errorf("progress %+v", live)
	}
	asked := time.Now()
	w.cancel(list, false)
	first := ended[events.RunCancelled](t, w.end(list.Runs[0]))
	if took := time.Since(asked); took > 20*time.Second {
		t.Errorf("cancelling took %s", took)
	}
	if first.By != "test" || first.Reason != "superseded" || first.Attempt != 1 {
		t.Errorf("%+v", first)
	}
	w.read(first.Artifacts, "fio.json") // what fio had is kept
	if second := ended[events.RunCancelled](t, w.end(list.Runs[1])); second.Attempt != 0 {
		t.Errorf("second run was started: %+v", second)
	}
}

func reads(p events.Progress) bool { return p.IOPS["read"] > 0 }

// live waits for the first progress of a running list that matches.
func (w *world) live(list events.RunList, match func(events.Progress) bool) events.Progress {
	w.t.Helper()
	shown := make(chan events.Progress, 100)
	watch, err := w.bus.WatchLive(w.t.Context(), list.Bench, func(p events.Progress) {
		if p.Phase == "running" && match(p) {
			shown <- p
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	defer watch.Stop()
	select {
	case p := <-shown:
		return p
	case <-time.After(patience):
		w.t.Fatal("no progress is shown")
	}
	return events.Progress{}
}

func TestCancellingTheQueueSparesWhatRuns(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("host-1"))
	list := w.request(bench{host: "host-1", jobs: []string{timedJob, timedJob}})
	w.started(list.Runs[0])
	w.cancel(list, true)
	ended[events.RunCompleted](t, w.end(list.Runs[0]))
	ended[events.RunCancelled](t, w.end(list.Runs[1]))
}

func (w *world) cancel(list events.RunList, queuedOnly bool) {
	w.t.Helper()
	_, err := w.bus.Emit(w.t.Context(), "cancel"+list.Bench, nil, events.CancelRequested{
		Bench: list.Bench, Reason: "superseded", By: "test", QueuedOnly: queuedOnly,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestARunThatHasEndedElsewhereIsNotStarted(t *testing.T) {
	w := newWorld(t)
	list := w.request(bench{host: "host-1", jobs: []string{quickJob, quickJob}})
	_, err := w.bus.End(t.Context(), events.New("fiord/inventory", "expire", nil, events.RunExpired{
		RunRef: list.Runs[0].RunRef, Deadline: time.Now(), Reason: "nobody came",
	}))
	if err != nil {
		t.Fatal(err)
	}
	w.start(w.config("host-1"))
	all := w.until("end of the second run", func(e events.Event) bool {
		return e.Type == events.TypeRunCompleted && e.Subject == list.Runs[1].Run
	})
	for _, e := range all {
		if e.Subject == list.Runs[0].Run && e.Type != events.TypeRunExpired {
			t.Errorf("the expired run has %s", e.Type)
		}
	}
}
