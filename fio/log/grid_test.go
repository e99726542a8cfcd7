package log

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func rates(t *testing.T, kind Kind, step int64, track Track, texts ...string) *Rates {
	t.Helper()
	r, err := NewRates(kind, GridConfig{StepMS: step})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if err := r.Add(NewReader(strings.NewReader(text), &Layout{Prio: true}), track); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

var approx = cmpopts.EquateApprox(1e-9, 1e-9)

func TestASilentIntervalIsZeroAndNotTheMeanOfItsNeighbours(t *testing.T) {
	// Windows of 1 s; nothing between 2 s and 5 s.
	r := rates(t, IOPS, 1000, Track{WindowMS: 1000}, "1000, 100, 0, 0, 0\n2000, 100, 0, 0, 0\n6000, 100, 0, 0, 0\n")
	want := Series{StartMS: 0, StepMS: 1000, Values: []float64{100, 100, 0, 0, 0, 100}}
	if diff := cmp.Diff(want, r.Series(Read), approx); diff != "" {
		t.Error(diff)
	}
	if got := r.Total(Read); got != 300 {
		t.Errorf("total %v, want 300", got)
	}
}

func TestJobsAddUpOnTheCommonGridWithTheirClocksShifted(t *testing.T) {
	r := rates(t, Bandwidth, 500, Track{WindowMS: 500}, "500, 2000, 0, 0, 0\n1000, 2000, 0, 0, 0\n")
	other, err := NewRates(Bandwidth, GridConfig{StepMS: 500})
	if err != nil {
		t.Fatal(err)
	}
	late := NewReader(strings.NewReader("500, 4000, 0, 0, 0\n500, 1000, 1, 0, 0\n"), &Layout{Prio: true})
	if err := other.Add(late, Track{WindowMS: 500, ShiftMS: 750}); err != nil {
		t.Fatal(err)
	}
	if err := r.Merge(other); err != nil {
		t.Fatal(err)
	}
	for d, want := range map[Direction][]float64{
		Read: {2048e3, 4096e3, 2048e3}, Write: {0, 512e3, 512e3}, Trim: {0, 0, 0},
	} {
		if diff := cmp.Diff(Series{StepMS: 500, Values: want}, r.Series(d), approx); diff != "" {
			t.Errorf("%s: %s", d, diff)
		}
	}
}

func TestSingleIOsCountByTheirSize(t *testing.T) {
	text := "0, 99999, 0, 4096, 0\n10, 88888, 0, 8192, 0\n1500, 1, 0, 4096, 0\n"
	if diff := cmp.Diff([]float64{12288, 4096}, rates(t, Bandwidth, 1000, Track{WindowMS: WindowUnknown}, text).Series(Read).Values, approx); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]float64{2, 1}, rates(t, IOPS, 1000, Track{}, text).Series(Read).Values, approx); diff != "" {
		t.Error(diff)
	}
}

func TestLatenciesOfJobsAreWeightedByTheirIOs(t *testing.T) {
	m, err := NewMeans(GridConfig{StepMS: 1000})
	if err != nil {
		t.Fatal(err)
	}
	track := Track{WindowMS: 1000}
	for _, j := range []struct{ lat, iops string }{
		{"1000, 100, 0, 0, 0\n3000, 100, 0, 0, 0\n", "1000, 900, 0, 0, 0\n3000, 10, 0, 0, 0\n"},
		{"1000, 1100, 0, 0, 0\n", "1000, 100, 0, 0, 0\n"},
	} {
		weights := rates(t, IOPS, 1000, track, j.iops)
		if err := m.Add(NewReader(strings.NewReader(j.lat), &Layout{Prio: true}), track, weights); err != nil {
			t.Fatal(err)
		}
	}
	want := Series{StepMS: 1000, Values: []float64{200, math.NaN(), 100}}
	if diff := cmp.Diff(want, m.Series(Read), approx, cmpopts.EquateNaNs()); diff != "" {
		t.Error(diff)
	}
	if got := m.Highest(Read).Values[0]; got != 1100 {
		t.Errorf("highest %v", got)
	}
}

func TestAGridRefusesMoreTimeThanItHasCellsFor(t *testing.T) {
	for _, text := range []string{
		"1, 1, 0, 0, 0\n9999999999999999999, 1, 0, 0, 0\n",
		"1700000000000, 1, 0, 0, 0\n5, 1, 0, 0, 0\n",
	} {
		r, _ := NewRates(IOPS, GridConfig{StepMS: 1, MaxCells: 1000})
		err := r.Add(NewReader(strings.NewReader(text), &Layout{Prio: true}), Track{})
		if !errors.Is(err, ErrGrid) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := NewRates(IOPS, GridConfig{}); err == nil {
		t.Error("a step of zero was accepted")
	}
}

func TestWindowsAreGuessedFromTheRows(t *testing.T) {
	for _, c := range []struct {
		times []uint64
		want  float64
	}{
		{[]uint64{500, 1000, 1501, 2000}, 500},
		{[]uint64{300, 600, 900, 5000}, 300},
		{[]uint64{151, 354, 755, 1156}, 100},
		{[]uint64{1003}, 1003},
	} {
		samples := make([]Sample, len(c.times))
		for i, at := range c.times {
			samples[i].Time = at
		}
		if got := guessWindow(samples); got != c.want {
			t.Errorf("%v: %v, want %v", c.times, got, c.want)
		}
	}
}

func TestALateRowStandsForAllTheTimeSinceTheOneBefore(t *testing.T) {
	for back, want := range map[float64]float64{
		100: 100, 97: 97, 150: 150, // fio was late
		200: 100, 210: 105, 1000: 100, // silence between
		0: 0, -5: 0, // two rows at one time
	} {
		if got := span(back, 100); got != want {
			t.Errorf("%v ms after the row before: %v, want %v", back, got, want)
		}
	}
}

func TestCompareAllowsAnUnfinishedWindowOnly(t *testing.T) {
	if c := Compare(960, 1000, 0.01, 50); !c.Agree {
		t.Errorf("%+v", c)
	}
	if c := Compare(3500, 1000, 0.01, 50); c.Agree || c.Deviation != 2.5 {
		t.Errorf("%+v", c)
	}
}

func BenchmarkRates(b *testing.B) {
	text := lines(200_000, "bw")
	b.SetBytes(int64(len(text)))
	began := cpuTime(b)
	for b.Loop() {
		r, _ := NewRates(Bandwidth, GridConfig{StepMS: 100})
		if err := r.Add(NewReader(bytes.NewReader(text), &Layout{Prio: true}), Track{}); err != nil {
			b.Fatal(err)
		}
	}
	reportCPU(b, len(text), began)
}

func BenchmarkMeans(b *testing.B) {
	text := lines(200_000, "lat")
	b.SetBytes(int64(len(text)))
	began := cpuTime(b)
	for b.Loop() {
		m, _ := NewMeans(GridConfig{StepMS: 100})
		if err := m.Add(NewReader(bytes.NewReader(text), &Layout{Prio: true}), Track{}, nil); err != nil {
			b.Fatal(err)
		}
	}
	reportCPU(b, len(text), began)
}
