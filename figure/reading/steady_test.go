package reading_test

import (
	"testing"
	"time"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/reading"
)

func TestSteady(t *testing.T) {
	make := func(f func(i int) float64) figure.Series {
		s := figure.Series{Step: time.Second}
		for i := range 100 {
			s.Values = append(s.Values, f(i))
		}
		return s
	}
	wobble := func(i int) float64 { return float64(i%3) * 20 }
	for name, tt := range map[string]struct {
		s      figure.Series
		ok     bool
		lo, hi time.Duration // the stretch begins within
	}{
		"throughout":        {make(func(i int) float64 { return 1000 + wobble(i) }), true, 0, 0},
		"settles":           {make(func(i int) float64 { return 1000 + max(0, float64(40-i))*50 }), true, 30 * time.Second, 45 * time.Second},
		"falls to the end":  {make(func(i int) float64 { return 3000 - float64(i)*25 }), false, 0, 0},
		"breaks at the end": {make(func(i int) float64 { return map[bool]float64{true: 200, false: 1000}[i > 92] }), false, 0, 0},
		"silent":            {make(func(int) float64 { return 0 }), false, 0, 0},
		"too short":         {figure.Series{Step: time.Second, Values: []float64{1, 1, 1}}, false, 0, 0},
		"empty":             {figure.Series{}, false, 0, 0},
	} {
		from, to, ok := reading.Steady(tt.s)
		if ok != tt.ok || ok && (from < tt.lo || from > tt.hi || to != 100*time.Second) {
			t.Errorf("%s: %v from %s to %s", name, ok, from, to)
		}
	}
}

func TestTotalAddsUpByTime(t *testing.T) {
	total := reading.Total([]figure.Series{
		{Start: time.Second, Step: time.Second, Values: []float64{1, 2, 3}},
		{Start: 3 * time.Second, Step: time.Second, Values: []float64{10, 20}},
	})
	want := []float64{1, 2, 13, 20}
	if total.Start != time.Second || len(total.Values) != len(want) {
		t.Fatalf("got %+v", total)
	}
	for i, v := range want {
		if total.Values[i] != v {
			t.Errorf("interval %d: %v, want %v", i, total.Values[i], v)
		}
	}
}
