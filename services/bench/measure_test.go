package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
)

func TestMeasureBecomesOptionsOfFio(t *testing.T) {
	file, err := job.Parse("job.fio", []byte("[a]\nrw=read\nsize=1m\nioengine=null\n"), job.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := measure(file, &events.Measure{Warmup: events.Duration(1500 * time.Millisecond), SteadyState: "iops_slope:0.3%"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ramp_time=1500ms", "steadystate=iops_slope:0.3%"} {
		if !strings.Contains(string(file.Bytes()), want) {
			t.Errorf("no %s in\n%s", want, file.Bytes())
		}
	}
}

func TestTotalLatencyIsCountedUnlessTheJobDecides(t *testing.T) {
	for text, want := range map[string]string{
		"[a]\nsize=1m\n":                    "lat_percentiles=1",
		"[a]\nsize=1m\nlat_percentiles=0\n": "lat_percentiles=0",
	} {
		file, err := job.Parse("job.fio", []byte(text), job.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := wholeLatency(file); err != nil {
			t.Fatal(err)
		}
		if got := string(file.Bytes()); strings.Count(got, "lat_percentiles") != 1 || !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func TestTheHostsOwnerMayLeaveLogsOut(t *testing.T) {
	w := newWorld(t)
	cfg := w.config("host-1")
	cfg.Logs.Latency = false
	w.start(cfg)
	list := w.request(bench{host: "host-1", jobs: []string{timedJob}})
	done := ended[events.RunCompleted](t, w.end(list.Runs[0]))
	names := fmt.Sprint(w.logs(done))
	if strings.Contains(names, "_lat.") || !strings.Contains(names, "_iops.") || !strings.Contains(names, "_clat_hist.") {
		t.Errorf("logs %s", names)
	}
	if done.Summary.Read.Latency.Of != "lat" || done.Summary.Read.Latency.P99 == nil {
		t.Errorf("the summary lost its latencies: %+v", done.Summary.Read.Latency)
	}
}

// What is not done must not be passed over: the numbers would bear its name.
func TestWhatIsNotOfferedIsRefusedByName(t *testing.T) {
	problems := problemsOf((&Service{}).mayDrop(&events.Measure{DropCaches: true}))
	if len(problems) != 1 || problems[0].Option != "measure.drop_caches" || problems[0].Rule != "measure" || !strings.Contains(problems[0].Message, "bench.drop_caches") {
		t.Errorf("%+v", problems)
	}
	remote := &Service{remote: true, cfg: Config{DropCaches: true}}
	if err := remote.mayDrop(&events.Measure{DropCaches: true}); err == nil || !strings.Contains(err.Error(), "another host") {
		t.Error(err)
	}
	if err := remote.mayDrop(&events.Measure{}); err != nil {
		t.Error(err)
	}
}
