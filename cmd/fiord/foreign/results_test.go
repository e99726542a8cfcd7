package foreign

import (
	"math"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

const results = "testdata/results/"

// near tells whether a value is within half a per cent of another.
func near(got, want float64) bool { return math.Abs(got-want) <= 0.005*want }

func TestResultsOfFioBeforeItCountedLatenciesHaveThem(t *testing.T) {
	r, _, html, _ := written(t, results+"no-count")
	s := r.Runs[0].Summary
	if s.Read == nil || s.Write == nil {
		t.Fatalf("%+v", s)
	}
	if s.Read.Lat == nil || !near(s.Read.Lat.Mean, 238.012) || s.Read.Lat.P99 != nil {
		t.Errorf("total latency of reads: %+v", s.Read.Lat)
	}
	if c := s.Read.Clat; c == nil || !near(c.Mean, 128.526) || c.P99 == nil || *c.P99 != 532 {
		t.Errorf("completion latency of reads: %+v", c)
	}
	if s.Read.Slat != nil {
		t.Errorf("a submission latency that was not measured: %+v", s.Read.Slat)
	}
	has(t, "the page", html, "532 ns", "238 ns")
}

func TestAppendedResultsAreAllShown(t *testing.T) {
	r, _, _, _ := written(t, results+"appended")
	if len(r.Runs) != 2 || r.Runs[0].Job != "randread" || r.Runs[1].Job != "randwrite" {
		t.Fatalf("%+v", r.Runs)
	}
	if r.Runs[0].Summary.Read == nil || r.Runs[0].Summary.Write != nil || r.Runs[1].Summary.Write == nil {
		t.Errorf("%+v", r.Runs)
	}
	if r.Runs[0].Name == r.Runs[1].Name {
		t.Errorf("both are called %s", r.Runs[0].Name)
	}
}

func TestAnOldFioIsRefusedByItsVersion(t *testing.T) {
	r, _, _, _ := written(t, results+"old")
	if len(r.Runs) != 0 || len(r.Passed) != 1 || !strings.Contains(r.Passed[0].Why, "fio-2.16") || !strings.Contains(r.Passed[0].Why, "fio 3") {
		t.Errorf("%+v", r)
	}
}

// A machine whose fio counted the total looked slower beside one whose fio
// counted completion alone.
func TestKindsOfLatencyHaveColumnsOfTheirOwn(t *testing.T) {
	r, _, _, markdown := written(t, results+"latency-kinds")
	if len(r.Runs) != 2 {
		t.Fatalf("%d runs", len(r.Runs))
	}
	for i, want := range []struct{ lat, clat float64 }{{20.1e3, 9.9e3}, {12.0e3, 4.0e3}} {
		var f *events.Figures
		for _, name := range r.Runs[i].Summary.Directions() {
			f = r.Runs[i].Summary.Direction(name)
		}
		if math.Abs(f.Lat.Mean-want.lat) > 100 || math.Abs(f.Clat.Mean-want.clat) > 100 {
			t.Errorf("%s: lat %v, clat %v; want %+v", r.Runs[i].Name, f.Lat.Mean, f.Clat.Mean, want)
		}
	}
	has(t, "the table", markdown, "lat mean", "clat mean", "slat mean", "20.1 µs", "12 µs")
}

func TestLatenciesBeyondTheLastBinAreOpen(t *testing.T) {
	r, _, html, markdown := written(t, results+"open-bin")
	f := r.Runs[0].Summary.Read
	if f == nil || f.Lat == nil || !f.Lat.Open("p50") || !f.Lat.Open("p99") || !near(f.Lat.Mean, 41.16e9) || !near(f.Lat.Max, 94.4e9) {
		t.Fatalf("%+v", f)
	}
	has(t, "the table", markdown, "41.2 s", "> 17.1 s")
	has(t, "the page", html, "&gt; 17.1 s")
	if l := r.Runs[0].Line(); !strings.Contains(l, "> 17.1 s") {
		t.Error(l)
	}
}
