package hist

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBinsCoverEveryLatencyOnce(t *testing.T) {
	for i := range Bins - 1 {
		if Upper(i) != Lower(i+1) || Lower(i) >= Upper(i) {
			t.Fatalf("bin %d: %d to %d", i, Lower(i), Upper(i))
		}
		for _, ns := range []uint64{Lower(i), Value(i), Upper(i) - 1} {
			if got := Index(ns); got != i {
				t.Fatalf("latency %d is in bin %d, want %d", ns, got, i)
			}
		}
	}
	if got := Index(1 << 62); got != Bins-1 {
		t.Errorf("huge latency in bin %d", got)
	}
}

// The values are keys of "bins" in json+ output of fio 3.33.
func TestValuesAreThoseThatFioPrints(t *testing.T) {
	for _, ns := range []uint64{57, 127, 129, 143, 270, 402, 1012, 1112, 2008, 9792, 17024, 123392, 3391488} {
		if got := Value(Index(ns)); got != ns {
			t.Errorf("value %d becomes %d", ns, got)
		}
	}
}

func TestMergeEqualsCountingEverythingInOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var parts [3]Histogram
	var all Histogram
	for range 10000 {
		ns := rng.Uint64N(1 << rng.Uint64N(34))
		parts[rng.IntN(3)].Add(ns, 1)
		all.Add(ns, 1)
	}
	var merged Histogram
	for i := range parts {
		merged.Merge(&parts[i])
	}
	if diff := cmp.Diff(slices.Collect(all.All()), slices.Collect(merged.All())); diff != "" {
		t.Error(diff)
	}
}

func TestCoarseAndFineMergeToTheCoarse(t *testing.T) {
	var fine Histogram
	coarse, err := NewCoarse(2)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := NewCoarse(2)
	for ns := uint64(0); ns < 1<<20; ns += 977 {
		fine.Add(ns, 2)
		coarse.Add(ns, 3)
		want.Add(ns, 5)
	}
	fine.Merge(coarse)
	if diff := cmp.Diff(slices.Collect(want.All()), slices.Collect(fine.All())); diff != "" {
		t.Error(diff)
	}
}

func TestPercentileHoldsTheTrueOneWithinItsBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var h Histogram
	values := make([]uint64, 20001)
	for i := range values {
		values[i] = uint64(rng.ExpFloat64() * 100000)
		h.Add(values[i], 1)
	}
	slices.Sort(values)
	for _, p := range []float64{0.1, 50, 95, 99, 99.9, 100} {
		rank := int(p / 100 * float64(len(values)))
		truth := float64(values[min(rank, len(values)-1)])
		e := h.Percentile(p)
		if truth < e.Low || truth >= e.High {
			t.Errorf("p%g: %v outside [%v, %v)", p, truth, e.Low, e.High)
		}
		if off := math.Abs(e.Value - truth); off > 0.5+Error*truth {
			t.Errorf("p%g: %v is %v off the true %v", p, e.Value, off, truth)
		}
		if e.High-e.Low > 1+e.Low/64 {
			t.Errorf("p%g: bin from %v to %v is wider than 1/64", p, e.Low, e.High)
		}
	}
}

// 99.95% of 2000 is 1999 only when rounded: the nearest number to 99.95 lies
// above it, and fio, counting with 80 bits, goes on to the last bin.
func TestPercentileRoundsAsFioDoes(t *testing.T) {
	var h Histogram
	h.Add(10, 1999)
	h.Add(100, 1)
	if got := h.Percentile(99.95).Value; got != 100 {
		t.Errorf("p99.95 is %v, fio prints 100", got)
	}
	if got := h.Percentile(50).Value; got != 10 {
		t.Errorf("p50 is %v", got)
	}
}

func TestJSONRoundTripAndRefusals(t *testing.T) {
	h := &Histogram{}
	h.Add(100, 3)
	h.Add(123456, 7)
	data, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"n":10,"bins":[[100,3],[123392,7]]}`; string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
	var back Histogram
	if err := json.Unmarshal(data, &back); err != nil || back.N() != 10 {
		t.Fatalf("back: %v, n %d", err, back.N())
	}
	for _, bad := range []string{
		`{"n":1,"bins":[]}`, `{"n":2,"bins":[[9,1],[8,1]]}`, `{"n":1,"bins":[[9,1]],"coarseness":7}`, `[]`,
	} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestEmptyHistogramGivesZeros(t *testing.T) {
	var h Histogram
	if h.Percentile(99) != (Estimate{}) || h.Mean() != (Estimate{}) || h.N() != 0 {
		t.Error("not zero")
	}
}

func FuzzHistogramJSON(f *testing.F) {
	f.Add([]byte(`{"n":10,"bins":[[100,3],[123392,7]]}`))
	f.Add([]byte(`{"coarseness":3,"n":0,"bins":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var h Histogram
		if json.Unmarshal(data, &h) != nil {
			return
		}
		once, err := json.Marshal(&h)
		if err != nil {
			t.Fatal(err)
		}
		var back Histogram
		if err := json.Unmarshal(once, &back); err != nil {
			t.Fatalf("%s: %v", once, err)
		}
	})
}
