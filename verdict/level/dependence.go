package level

import "math"

// maxCorrelation bounds the autocorrelation that standard errors allow for:
// beyond it a series is a random walk, and no level exists.
const maxCorrelation = 0.9

// correlation estimates how much a session resembles the one before it: the
// autocorrelation of lag one, corrected for its bias in short series, and 0 if
// negative.
func correlation(values []float64) float64 {
	m, products, squares := mean(values), 0.0, 0.0
	for i, v := range values {
		squares += (v - m) * (v - m)
		if i > 0 {
			products += (v - m) * (values[i-1] - m)
		}
	}
	if squares == 0 {
		return 0
	}
	r := products / squares
	r += (1 + 4*math.Max(r, 0)) / float64(len(values)) // Marriott and Pope, 1954
	return math.Min(maxCorrelation, math.Max(0, r))
}

// meanVariance is the variance of the mean of n values of unit variance, of
// which neighbours correlate by r and those h apart by r^h.
func meanVariance(n int, r float64) float64 {
	sum, power := float64(n), 1.0
	for h := 1; h < n && r > 0; h++ {
		power *= r
		sum += 2 * float64(n-h) * power
	}
	return sum / float64(n*n)
}

// differenceVariance is the variance of the mean of k values less that of the m
// values just before them, in units of one value's variance.
func differenceVariance(k, m int, r float64) float64 {
	shared := 0.0
	if r > 0 {
		shared = r * (1 - math.Pow(r, float64(k))) * (1 - math.Pow(r, float64(m))) / ((1 - r) * (1 - r)) / float64(k*m)
	}
	return meanVariance(k, r) + meanVariance(m, r) - 2*shared
}

// varianceBias is the expectation of the sample variance of n correlated values
// of unit variance: below 1, since neighbours resemble each other.
func varianceBias(n int, r float64) float64 {
	return (1 - meanVariance(n, r)) * float64(n) / float64(n-1)
}
