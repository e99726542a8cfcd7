package reading

import (
	"math/rand/v2"
	"testing"

	"github.com/fiord-bench/fiord/figure"
)

// A log that goes on longer than its summary says gets longer intervals, not
// more of them, and no count is lost.
func TestHistogramsOfALongLogAreMerged(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	h := heat{first: -1, step: 1000, cells: map[string][]figure.Distribution{}}
	const rows = 50_000
	want := map[float64]uint64{}
	for i := range rows {
		var bins []figure.Bin
		for low := 100.0; low < 2000; low += 100 {
			if n := r.Uint64N(3); n > 0 {
				bins = append(bins, figure.Bin{Low: low, High: low + 100, Count: n})
				want[low] += n
			}
		}
		h.add(int64(i)*1000, "read", bins)
	}
	if n := len(h.cells["read"]); n > maxHeat || n < maxHeat/2-1 || int64(n)*h.step < rows*1000 {
		t.Errorf("%d intervals of %d ms", n, h.step)
	}
	got := map[float64]uint64{}
	for _, c := range h.cells["read"] {
		for i, b := range c.Bins {
			got[b.Low] += b.Count
			if i > 0 && b.Low <= c.Bins[i-1].Low {
				t.Fatalf("bins out of order: %v", c.Bins)
			}
		}
	}
	for low, n := range want {
		if got[low] != n {
			t.Errorf("bin %g holds %d of %d", low, got[low], n)
		}
	}
}

// A time that leaps by years, as in a hostile log, must not make a grid of years.
func TestAHostileTimeDoesNotGrowTheGrid(t *testing.T) {
	h := heat{first: -1, step: 10, cells: map[string][]figure.Distribution{}}
	one := []figure.Bin{{Low: 1, High: 2, Count: 1}}
	h.add(0, "write", one)
	h.add(1<<61, "write", one)
	n := uint64(0)
	for _, c := range h.cells["write"] {
		n += c.N()
	}
	if len(h.cells["write"]) > maxHeat || n != 2 {
		t.Errorf("%d intervals hold %d", len(h.cells["write"]), n)
	}
}
