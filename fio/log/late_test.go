package log

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cutRates is what fio writes of a job that does so many I/Os in each window of
// 501 ms: their rate, cut.
func cutRates(perWindow ...int) (text string, ios float64) {
	for i, n := range perWindow {
		text += fmt.Sprintf("%d, %d, 0, 0, 0\n", 501*(i+1), n*1000/501)
		ios += float64(n)
	}
	return text, ios
}

// A thousand jobs of a few I/Os a second lost a quarter of them: fio cuts each
// rate to a whole number.
func TestRatesThatFioCutAreWholeIOs(t *testing.T) {
	for _, windows := range [][]int{{1, 2, 3, 2, 1}, {7, 1, 1}, {50, 49, 51}, {400, 401, 402}} {
		text, ios := cutRates(windows...)
		if got := rates(t, IOPS, 500, Track{WindowMS: 500}, text).Total(Read); math.Abs(got-ios) > 0.003*ios {
			t.Errorf("%v: %v I/Os, want %v", windows, got, ios)
		}
	}
	if got := Bandwidth.Amount(7, 501); math.Abs(got-8192/2) > 400 { // one of 4 KiB is 7.98 KiB/s, written as 7
		t.Errorf("%v bytes, want about one I/O of 4 KiB", got)
	}
}

// stopped is the log of a job that kept 200 IOPS, was stopped (SIGSTOP) from 2945
// to 5948 ms, and then made up for what it had missed, as fio 3.33 wrote it.
const stopped = "500, 202, 0, 0, 0\n1001, 200, 0, 0, 0\n1500, 200, 0, 0, 0\n2000, 200, 0, 0, 0\n2500, 200, 0, 0, 0\n" +
	"5948, 199, 0, 0, 0\n6447, 200, 0, 0, 0\n6947, 200, 0, 0, 0\n"

func settled(t *testing.T, text string, e Evidence) *Rates {
	t.Helper()
	r := rates(t, IOPS, 500, Track{WindowMS: 500}, text)
	if err := r.Settle(Read, e); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestALateRowIsSettledByWhatFioCounted(t *testing.T) {
	hist := []Stretch{{3005, 5948}} // when no histogram's row came
	for name, tt := range map[string]struct {
		text    string
		e       Evidence
		total   float64
		silence []Stretch
	}{
		"stopped": {stopped, Evidence{Reported: 1400, End: 6990, Idle: hist, Known: true}, 1388, []Stretch{{3000, 5948}}},
		// Only fio's own thread was late.
		"went on":                       {stopped, Evidence{Reported: 1400, End: 6990, Known: true}, 1388, nil},
		"went on, without a histogram":  {stopped, Evidence{Reported: 1400, End: 6990}, 1388, nil},
		"the device stood still":        {stopped, Evidence{Reported: 810, End: 6990, Idle: hist, Known: true}, 799, []Stretch{{2500, 5449}}},
		"without a result":              {stopped, Evidence{}, 799, []Stretch{{2500, 5449}}},
		"something else is missing too": {stopped, Evidence{Reported: 90_000, End: 6990, Idle: hist, Known: true}, 799, []Stretch{{2500, 5449}}},
		// As fast as it can: 4000 IOPS until it was stopped 400 ms later.
		"stopped at full speed": {"500, 4000, 0, 0, 0\n4500, 400, 0, 0, 0\n5000, 4000, 0, 0, 0\n", Evidence{Reported: 5600, End: 5000}, 5600, []Stretch{{900, 4500}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := settled(t, tt.text, tt.e)
			if got := r.Total(Read); math.Abs(got-tt.total) > 0.01*tt.total {
				t.Errorf("%v I/Os, want %v", got, tt.total)
			}
			got := r.Busy().Silences([]Stretch{{0, 7000}})
			near := func(a, b float64) bool { return math.Abs(a-b) < 12 }
			if !cmp.Equal(tt.silence, got, cmp.Comparer(near)) && len(tt.silence)+len(got) > 0 && !strings.HasPrefix(name, "stopped at") {
				t.Errorf("silent %v, want %v", got, tt.silence)
			}
			if strings.HasPrefix(name, "stopped at") && !cmp.Equal(tt.silence, got[:1], cmp.Comparer(near)) {
				t.Errorf("silent %v, want %v first", got, tt.silence)
			}
		})
	}
}

func TestSilencesAreWithinWhatShouldBeBusy(t *testing.T) {
	var b Busy
	for _, s := range []Stretch{{8000, 9000}, {0, 2000}, {1500, 2500}, {3000, 3000}, {5000, 5100}} {
		b.Add(s.From, s.To)
	}
	for _, tt := range []struct{ active, want []Stretch }{
		{[]Stretch{{0, 9000}}, []Stretch{{3000, 5000}, {5100, 8000}}},
		{[]Stretch{{0, 4500}, {7500, 12_000}}, []Stretch{{3000, 4500}, {9000, 12_000}}},
		{[]Stretch{{4000, 5000}, {0, 4000}}, []Stretch{{3000, 5000}}},
		{[]Stretch{{0, 3900}}, nil},
		{nil, nil},
	} {
		if diff := cmp.Diff(tt.want, b.Silences(tt.active)); diff != "" {
			t.Errorf("%v: %s", tt.active, diff)
		}
	}
}

// After a silence fio writes a row for each interval that has passed, at once. The
// first holds what completed before.
func TestLateHistogramRowsArePutBack(t *testing.T) {
	for name, tt := range map[string]struct {
		rows [][2]int
		want [][2]int64
		idle []Stretch
	}{
		"in time": {[][2]int{{1005, 100}, {2005, 100}, {3006, 100}}, [][2]int64{{0, 100}, {1000, 100}, {2000, 100}}, nil},
		"in the middle": {
			[][2]int{{1005, 202}, {2005, 200}, {5948, 189}, {5948, 1}, {5948, 1}, {6005, 609}},
			[][2]int64{{0, 202}, {1000, 200}, {5000, 1}, {2000, 188}, {5000, 611}}, []Stretch{{2945, 5948}},
		},
		"at the begin": {
			[][2]int{{4700, 50}, {4700, 1}, {4701, 1}, {5003, 90}, {6003, 100}},
			[][2]int64{{1000, 49}, {4000, 93}, {5000, 100}}, []Stretch{{2003, 4700}},
		},
		"once every while": {[][2]int{{3500, 1}, {7000, 1}, {10_500, 1}}, [][2]int64{{3000, 1}, {6000, 1}, {10_000, 1}}, []Stretch{{0, 2500}, {3500, 7000}, {7000, 10_500}}},
	} {
		t.Run(name, func(t *testing.T) {
			var idle []Stretch
			got, n := map[int64]int64{}, int64(0)
			err := WalkHist(1000, []HistTrack{{Reader: histLog(t, tt.rows...), EveryMS: 1000, Idle: func(_ Direction, s Stretch) { idle = append(idle, s) }}}, func(c HistCell) error {
				got[c.StartMS] += int64(c.Hist[Read].N())
				n += int64(c.Hist[Read].N())
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			want := map[int64]int64{}
			for _, w := range tt.want {
				want[w[0]] += w[1]
				n -= w[1]
			}
			if diff := cmp.Diff(want, got); diff != "" || n != 0 {
				t.Errorf("%d too many: %s", n, diff)
			}
			for _, want := range tt.idle {
				if !slices.Contains(idle, want) {
					t.Errorf("idle %v, want %v", idle, want)
				}
			}
			if len(tt.idle) == 0 && len(idle) > 0 {
				t.Errorf("idle %v, want none", idle)
			}
		})
	}
}
