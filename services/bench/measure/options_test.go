package measure

import (
	"errors"
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
	if err := Apply(file, &events.Measure{Warmup: events.Duration(1500 * time.Millisecond), SteadyState: "iops_slope:0.3%"}); err != nil {
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
		if err := WholeLatency(file); err != nil {
			t.Fatal(err)
		}
		if got := string(file.Bytes()); strings.Count(got, "lat_percentiles") != 1 || !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// What is not done must not be passed over: the numbers would bear its name.
func TestWhatIsNotOfferedIsRefusedByName(t *testing.T) {
	var option *Unoffered
	if err := MayDrop(&events.Measure{DropCaches: true}, false, false); !errors.As(err, &option) {
		t.Fatal(err)
	}
	if p := option.Problem(); p.Option != "measure.drop_caches" || p.Rule != "measure" || !strings.Contains(p.Message, "bench.drop_caches") {
		t.Errorf("%+v", p)
	}
	if err := MayDrop(&events.Measure{DropCaches: true}, true, true); err == nil || !strings.Contains(err.Error(), "another host") {
		t.Error(err)
	}
	if err := MayDrop(&events.Measure{}, true, true); err != nil {
		t.Error(err)
	}
}
