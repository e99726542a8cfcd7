package catalogue

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

// swept is a bench over queue depths, jobs and block sizes, two repeats each,
// in no order.
func swept() *Bench {
	b := &Bench{Name: "sweep"}
	for repeat := range 2 {
		for _, depth := range []int{16, 1, 4} {
			for _, jobs := range []int{2, 1} {
				for _, bs := range []string{"64k", "4k"} {
					iops := float64(depth*jobs*1000 + repeat)
					if bs == "64k" {
						iops /= 10
					}
					ref := events.RunRef{Job: "r.fio", Host: "node-a", Repeat: repeat, Point: events.Point{"iodepth": fmt.Sprint(depth), "numjobs": fmt.Sprint(jobs), "bs": bs}}
					b.Runs = append(b.Runs, &Run{RunRef: ref, Completed: &events.RunCompleted{
						RunRef: ref, Integrity: events.Integrity{State: events.IntegrityOK},
						Summary: events.Summary{Read: &events.Figures{IOPS: iops, TotalIOs: 100, Latency: &events.Latency{Mean: float64(depth) * 1e3}}},
					}})
				}
			}
		}
	}
	return b
}

func TestSurfaceIsQueueDepthByJobs(t *testing.T) {
	f := swept().surface("")
	if f.XName != "iodepth" || f.YName != "numjobs" || !slices.Equal(f.X, []string{"1", "4", "16"}) || !slices.Equal(f.Y, []string{"1", "2"}) {
		t.Fatalf("%s %v by %s %v", f.XName, f.X, f.YName, f.Y)
	}
	// the first block size met is held, and repeats give their median
	if got := f.Values[1][2]; got != 3200.05 {
		t.Errorf("16 deep with 2 jobs: %v, want 3200.05", got)
	}
	if !slices.Contains(f.Facts, "at bs=64k") {
		t.Errorf("the figure does not say what is held: %q", f.Facts)
	}
}

func TestLoadCurvesRiseWithTheQueue(t *testing.T) {
	f := swept().load("")
	if len(f.Curves) != 4 {
		t.Fatalf("%d curves, want one for each of 2 block sizes and 2 job counts", len(f.Curves))
	}
	for _, c := range f.Curves {
		var labels []string
		for _, p := range c.Points {
			labels = append(labels, p.Label)
			if p.Latency <= 0 || math.IsNaN(p.Throughput) {
				t.Errorf("%s: %+v", c.Name, p)
			}
		}
		if !slices.Equal(labels, []string{"1", "4", "16"}) {
			t.Errorf("%s goes through %v", c.Name, labels)
		}
	}
}

func TestByOptionSortsAsNumbers(t *testing.T) {
	f := swept().ratesBy("", "bs")
	var names []string
	for _, g := range f.Groups[:2] {
		names = append(names, g.Name)
		if len(g.Bars) != 1 || len(g.Bars[0].Values) != 2 {
			t.Errorf("%s has %+v, want the two repeats in one bar", g.Name, g.Bars)
		}
	}
	if want := []string{"bs=4k,iodepth=1,numjobs=1", "bs=64k,iodepth=1,numjobs=1"}; !slices.Equal(names, want) {
		t.Errorf("got %v, want %v", names, want)
	}
	for _, pair := range [][2]string{{"2", "16"}, {"4k", "64k"}, {"512", "4k"}, {"64k", "1m"}, {"1MiB", "2g"}, {"64kb", "1m"}, {"512k", "1t"}, {"500us", "20ms"}, {"200ms", "1s"}, {"9%", "10%"}, {"a", "b"}} {
		if CompareValues(pair[0], pair[1]) >= 0 || CompareValues(pair[1], pair[0]) <= 0 {
			t.Errorf("%s does not come before %s", pair[0], pair[1])
		}
	}
}

func TestOneOptionMakesNoSurface(t *testing.T) {
	b := swept()
	b.Runs = slices.DeleteFunc(b.Runs, func(r *Run) bool { return r.Point["bs"] != "4k" || r.Point["numjobs"] != "1" })
	if f := b.surface(""); f.XName != "" || len(f.X) > 0 {
		t.Errorf("a surface over %s and %s", f.XName, f.YName)
	}
}
