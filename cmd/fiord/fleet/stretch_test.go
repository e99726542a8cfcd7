package fleet

import (
	"math"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/summary"
)

func TestPlanHasTheWholeFleet(t *testing.T) {
	end := time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)
	all := plan(end)
	if len(all) != 400 {
		t.Errorf("%d benches are planned, want 400", len(all))
	}
	models, names := map[string]bool{}, map[string]bool{}
	for _, h := range hosts() {
		models[h.Model.Name], names[h.Name] = true, true
	}
	if len(models) != 6 || len(names) != 12 {
		t.Errorf("%d models on %d hosts, want 6 on 12", len(models), len(names))
	}
	for _, p := range all {
		if p.at.After(end) || p.at.Before(end.AddDate(0, 0, -days-1)) {
			t.Errorf("%s %d is at %s, outside of the 90 days", p.name, p.number, p.at)
		}
		for _, h := range p.hosts {
			if !names[h] {
				t.Errorf("%s is measured on %s, which is no host", p.name, h)
			}
		}
		if err := p.request().Validate(); err != nil {
			t.Error(err)
		}
	}
}

// What is stretched must hold together as fio's own documents do: logs, bins, totals.
func TestStretchedRunsHoldTogether(t *testing.T) {
	all, err := workloads()
	if err != nil {
		t.Fatal(err)
	}
	s := stretch{Rate: 2.5, Time: .4, Tail: 1.8}
	for name, w := range all {
		before, err := w.summary()
		if err != nil {
			t.Fatal(err)
		}
		made, err := w.as(s)
		if err != nil {
			t.Fatal(err)
		}
		after, quick := summary.Of(made.Document), s.summary(before)
		for _, d := range after.Directions() {
			from, to, short := before.Direction(d), after.Direction(d), quick.Direction(d)
			near(t, name+" "+d+" iops", to.IOPS, from.IOPS*2.5, .001)
			near(t, name+" "+d+" ios", float64(to.TotalIOs), to.IOPS*float64(to.RuntimeMS)/1000, .001)
			near(t, name+" "+d+" p50", *to.Latency.P50, *from.Latency.P50*.4, .02)
			near(t, name+" "+d+" p99", *to.Latency.P99, *from.Latency.P99*.4*1.8, .05)
			near(t, name+" "+d+" p99, summary alone", *short.Latency.P99, *to.Latency.P99, .05)
			near(t, name+" "+d+" iops, summary alone", short.IOPS, to.IOPS, .001)
		}
		for _, j := range made.Document.Jobs {
			for _, d := range []string{"read", "write"} {
				if f := after.Direction(d); f != nil && f.Latency == nil {
					t.Errorf("%s %s of job %s has no latency", name, d, j.Name)
				}
			}
		}
	}
}

func near(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if math.Abs(got/want-1) > share {
		t.Errorf("%s is %g, want %g within %g", what, got, want, share)
	}
}

func TestChangesAreOfHostsAndDays(t *testing.T) {
	for _, c := range changes() {
		before, after := host{}, host{}
		for _, h := range hosts() {
			if h.Name == c.host {
				before, after = h, h
			}
		}
		if before.Name == "" || c.day <= 0 || c.day >= days {
			t.Errorf("change on day %d is of host %q", c.day, c.host)
		}
		if c.firmware != "" && before.device(c.day-1) == after.device(c.day) {
			t.Errorf("the firmware of %s is the same after day %d", c.host, c.day)
		}
	}
	var p events.Point
	plain := planned{profile: profiles()[0], rng: plan(time.Now())[0].rng}
	if s := plain.stretched(hosts()[0], p, 68.2e3); math.Abs(s.Rate/10-1) > .1 {
		t.Errorf("a device ten times as fast is stretched by %g", s.Rate)
	}
}
