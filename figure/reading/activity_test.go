package reading

import (
	"math"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/internal/hostseries"
)

func user(s hostseries.Sample) float64 { return s.CPU.User }

func watched(start, span time.Duration, v float64) hostseries.Sample {
	return hostseries.Sample{Start: start, Span: span, CPU: hostseries.CPU{User: v}}
}

func TestJitterDoesNotShowOnTheGrid(t *testing.T) {
	a := ReadActivity(hostseries.Series{Samples: []hostseries.Sample{
		watched(0, 1010*time.Millisecond, 10), watched(1010*time.Millisecond, 990*time.Millisecond, 20),
		watched(2*time.Second, time.Second, 30), watched(3*time.Second, 120*time.Millisecond, 99),
	}})
	s := a.Series("user", user)
	if n, step := a.Intervals(); n != 3 || step != time.Second || len(s.Values) != 3 || s.Start != 0 {
		t.Fatalf("%d intervals of %s: %+v", n, step, s)
	}
	for i, want := range []float64{10, 19.9, 30} { // the rest of 120 ms is left out
		if math.Abs(s.Values[i]-want) > 1e-9 {
			t.Errorf("interval %d: %g, want %g", i, s.Values[i], want)
		}
	}
}

func TestAGapIsNoIdleTime(t *testing.T) {
	a := ReadActivity(hostseries.Series{Samples: []hostseries.Sample{watched(5*time.Second, time.Second, 10), watched(9*time.Second, time.Second, 30)}})
	s := a.Series("user", user)
	if len(s.Values) != 5 || s.Values[0] != 10 || !math.IsNaN(s.Values[2]) || s.Values[4] != 30 || a.Mean(user) != 20 {
		t.Errorf("%+v, mean %g", s, a.Mean(user))
	}
}

func TestAHostileRecordHasABoundedGrid(t *testing.T) {
	a := ReadActivity(hostseries.Series{Samples: []hostseries.Sample{watched(0, time.Millisecond, 10), watched(300*24*time.Hour, time.Millisecond, 30)}})
	if s := a.Series("user", user); len(s.Values) > hostseries.MaxRows+1 {
		t.Errorf("%d values", len(s.Values))
	}
	if s := ReadActivity(hostseries.Series{}).Series("user", user); len(s.Values) != 0 {
		t.Errorf("values of nothing: %v", s.Values)
	}
}

func TestThrottlingIsCounted(t *testing.T) {
	one, two := watched(0, time.Second, 1), watched(time.Second, time.Second, 1)
	one.Throttles, two.Throttles = math.NaN(), 3
	if n := ReadActivity(hostseries.Series{Samples: []hostseries.Sample{one, two}}).Throttled(); n != 3 {
		t.Errorf("%g", n)
	}
}
