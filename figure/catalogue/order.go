package catalogue

import (
	"cmp"
	"slices"
	"strings"
)

// ComparePoints orders points, as their keys, by the values of their options: numbers
// and sizes by what they say. Runs are measured in an order drawn by chance, and shown
// in this one.
func ComparePoints(a, b string) int {
	x, y := strings.Split(a, ","), strings.Split(b, ",")
	for i := range min(len(x), len(y)) {
		_, v, _ := strings.Cut(x[i], "=")
		_, w, _ := strings.Cut(y[i], "=")
		if c := CompareValues(v, w); c != 0 {
			return c
		}
	}
	return cmp.Compare(a, b)
}

// InOrder are runs as they are shown: job files as they first come, and the points of
// each in order; repeats keep theirs.
func InOrder[R any](runs []R, job, point func(R) string) []R {
	first := map[string]int{}
	for _, r := range runs {
		if _, ok := first[job(r)]; !ok {
			first[job(r)] = len(first)
		}
	}
	out := slices.Clone(runs)
	slices.SortStableFunc(out, func(x, y R) int {
		return cmp.Or(cmp.Compare(first[job(x)], first[job(y)]), ComparePoints(point(x), point(y)))
	})
	return out
}
