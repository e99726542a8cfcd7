package changepoint

import (
	"math"
	"slices"
)

// Change is where a series settled at another level.
type Change struct {
	// At is the index of the first value at the new level.
	At int
	// From and To bound the stretches before and after it: the old level held
	// over [From, At), the new one over [At, To).
	From, To int
	// Before and After are the medians of these stretches, in the values' unit.
	Before, After float64
	// NBefore and NAfter count their values, without gaps.
	NBefore, NAfter int
	// Strength is the standardised rank sum of the split: see the package.
	Strength float64
}

// Relative is the change as a share of the level before: 0.05 is five percent
// more.
func (c Change) Relative() float64 { return c.After/c.Before - 1 }

// Find returns the changes of a series, oldest first. Values that are not
// finite are gaps. Changes smaller than least, as a share, are left out.
func Find(values []float64, least float64) []Change {
	var index []int // of the values that are there
	var x []float64
	for i, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			index, x = append(index, i), append(x, v)
		}
	}
	cuts := settle(x, split(x), critical(len(x)))
	if wider := resemblance(x, cuts); wider > 1 {
		cuts = settle(x, cuts, wider*critical(len(x)))
	}
	cuts = large(x, cuts, least)
	out := make([]Change, 0, len(cuts))
	for i, at := range cuts {
		from, to := around(cuts, i, len(x))
		c := Change{At: index[at], From: index[from], To: len(values), NBefore: at - from, NAfter: to - at}
		if to < len(x) {
			c.To = index[to]
		}
		c.Before, c.After = median(x[from:at]), median(x[at:to])
		c.Strength = statistics(x[from:to], nil)[at-from]
		out = append(out, c)
	}
	return out
}

// around returns the stretch that the i-th cut divides.
func around(cuts []int, i, n int) (from, to int) {
	to = n
	if i > 0 {
		from = cuts[i-1]
	}
	if i+1 < len(cuts) {
		to = cuts[i+1]
	}
	return from, to
}

// split finds the cuts of the narrowest intervals that are split, none of which
// holds another's cut.
func split(x []float64) []int {
	limit := critical(len(x))
	type found struct{ from, to, at int }
	var all []found
	scratch := make([]int, 0, len(x))
	for from, to := range seeds(len(x)) {
		if reach(to-from) < limit {
			continue // not even a clean break would tell
		}
		if at, z := best(x[from:to], scratch); z > limit {
			all = append(all, found{from, to, from + at})
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return (a.to - a.from) - (b.to - b.from) })
	var cuts []int
	for _, f := range all {
		if !slices.ContainsFunc(cuts, func(at int) bool { return f.from < at && at < f.to }) {
			cuts = append(cuts, f.at)
		}
	}
	slices.Sort(cuts)
	return slices.Compact(cuts)
}

// settle places each cut anew between its neighbours, and drops the weakest
// that does not hold there until all do.
func settle(x []float64, cuts []int, limit float64) []int {
	for range 2 * len(cuts) { // a cut may move its neighbours; they stop soon
		weakest, strength, moved := -1, limit, false
		for i := range cuts {
			from, to := around(cuts, i, len(x))
			at, z := best(x[from:to], nil)
			if z <= strength {
				weakest, strength = i, z
			} else if from+at != cuts[i] {
				cuts[i], moved = from+at, true
			}
		}
		if weakest >= 0 {
			cuts = slices.Delete(cuts, weakest, weakest+1)
		} else if !moved {
			break
		}
	}
	return cuts
}

// resemblance is by how much neighbours that resemble each other widen the statistic:
// the autocorrelation of lag one of what the stretches leave, by the signs of the
// differences from their medians so that wild values count no more than others, if
// it is beyond what independent values show in two of three series.
func resemblance(x []float64, cuts []int) float64 {
	if len(cuts) == 0 || len(x) < fewest {
		return 1
	}
	sum, n := 0.0, 0
	for i := -1; i < len(cuts); i++ {
		from, to := 0, len(x)
		if i >= 0 {
			from = cuts[i]
		}
		if i+1 < len(cuts) {
			to = cuts[i+1]
		}
		m := median(x[from:to])
		for j := from + 1; j < to; j++ {
			sum += sign(x[j]-m) * sign(x[j-1]-m)
			n++
		}
	}
	if n == 0 {
		return 1
	}
	r := math.Sin(math.Pi / 2 * sum / float64(n)) // of normal values with such signs
	if r <= 1/math.Sqrt(float64(n)) {
		return 1
	}
	r = math.Min(r, mostResemblance)
	return math.Sqrt((1 + r) / (1 - r))
}

// fewest is how many values it takes to know: of fewer, chance alone gives as much
// as neighbours that do resemble each other.
const fewest = 64

// mostResemblance bounds what is taken for resemblance: beyond it a series wanders.
const mostResemblance = 0.6

func sign(v float64) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// large drops cuts of too small a change, the smallest first. The others stay
// where they are: what is left of the small ones is no reason to move.
func large(x []float64, cuts []int, least float64) []int {
	for {
		smallest, size := -1, least
		for i, at := range cuts {
			from, to := around(cuts, i, len(x))
			if s := math.Abs(median(x[at:to])/median(x[from:at]) - 1); s < size {
				smallest, size = i, s
			}
		}
		if smallest < 0 {
			return cuts
		}
		cuts = slices.Delete(cuts, smallest, smallest+1)
	}
}

// decay is the ratio of the lengths of one layer of seeds to the next.
const decay = 1 / math.Sqrt2

// seeds yields the intervals [from, to) that a series of n values is searched
// in: layers of even length, each half overlapped by the next.
func seeds(n int) func(func(from, to int) bool) {
	return func(yield func(int, int) bool) {
		if n < 2*side {
			return
		}
		for length := float64(n); ; length *= decay {
			size := int(math.Ceil(length))
			if size < 2*side {
				return
			}
			count := 2*int(math.Ceil(float64(n)/length)) - 1
			for i := range count {
				from := 0
				if count > 1 {
					from = int(math.Floor(float64(i) * (float64(n) - length) / float64(count-1)))
				}
				if !yield(from, min(from+size, n)) {
					return
				}
			}
		}
	}
}

// side is the least number of values on either side of a change.
const side = 4

// reach is the greatest statistic that n values can have: that of a clean break
// in their middle.
func reach(n int) float64 {
	a := n / 2
	return math.Sqrt(3 * float64(a) * float64(n-a) / float64(n+1))
}

// best returns the place to split x at which the statistic is greatest, and that
// statistic; 0 if x is too short.
func best(x []float64, order []int) (at int, z float64) {
	for i, s := range statistics(x, order) {
		if s > z {
			at, z = i, s
		}
	}
	return at, z
}

// statistics returns the standardised rank sum for each place to split x at, 0
// where that leaves too few values on a side. Ties have the mean of their ranks.
// The variance is that without ties, which is the greater one: a series of few
// distinct values must not look surer than it is. order is memory to work in.
func statistics(x []float64, order []int) []float64 {
	n := len(x)
	out := ranks(x, order)
	sum, mean := 0.0, float64(n+1)/2
	for i, rank := range out {
		out[i] = 0
		if i >= side && i <= n-side {
			sd := math.Sqrt(float64(i) * float64(n-i) * float64(n+1) / 12)
			out[i] = math.Abs(sum) / sd
		}
		sum += rank - mean
	}
	return out
}

// ranks numbers values from 1 by size. order is memory to work in.
func ranks(x []float64, order []int) []float64 {
	order = order[:0]
	for i := range x {
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i + 1
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			out[order[k]] = float64(i+j+1) / 2
		}
		i = j
	}
	return out
}

// median of at least one value.
func median(x []float64) float64 {
	sorted := slices.Sorted(slices.Values(x))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
