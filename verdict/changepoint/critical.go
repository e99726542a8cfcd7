package changepoint

import "math"

// criticals are the 99% quantiles of the greatest statistic over all seeded
// intervals of n independent values of one distribution. They were simulated,
// with 20,000 series each (6,000 beyond 64 values), and rounded up;
// TestTheTableHolds simulates them again.
var criticals = []struct {
	n int
	z float64
}{
	{10, 2.56}, {12, 2.73}, {14, 2.84}, {16, 2.90}, {18, 3.01}, {20, 3.11}, {24, 3.19}, {28, 3.25}, {32, 3.33},
	{40, 3.43}, {48, 3.48}, {64, 3.62}, {96, 3.83}, {128, 3.90}, {192, 4.00}, {256, 4.06}, {384, 4.21}, {512, 4.32},
}

// critical returns what the greatest statistic of n values has to exceed: the
// quantile of the next tabulated length, and beyond the table one that grows as
// its end does, by 0.3 a doubling.
func critical(n int) float64 {
	for _, c := range criticals {
		if n <= c.n {
			return c.z
		}
	}
	last := criticals[len(criticals)-1]
	return last.z + 0.3*math.Log2(float64(n)/float64(last.n))
}
