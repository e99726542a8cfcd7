// Package changepoint finds where a series of measurements, one value a bench,
// settled at another level, and by how much.
//
// It looks at ranks alone, so that neither the shape of the noise nor a few
// wild values matter. Whether a stretch is split somewhere is told by the
// greatest, over all places to split it, of the standardised rank sum of
// Wilcoxon. Stretches are the intervals of seeded binary segmentation (Kovács,
// Li, Bühlmann and Munk, Biometrika 2023), a fixed set of overlapping intervals
// of all lengths: one that holds a single change is among them wherever the
// change lies, so that a dip that came and went hides neither of its ends. Of
// the intervals that are split, the narrowest is believed first (Baranowski,
// Chen and Fryzlewicz, JRSSB 2019); then each change is placed again between its
// neighbours, and dropped if it no longer holds.
//
// # How sure
//
// Of values without any change, be they distributed as they like, the greatest
// statistic has one distribution for each length of the series. Its quantile is
// tabulated, so one series in a hundred shows a change that is none, however
// long it is. Values must not depend on each other: a machine that drifts for
// weeks has changes, and they are found.
//
// The price of ranks is that a new level has to last: of 60 benches or more,
// about six at a level that none was at before are the least that tell it. The
// verdict of a bench tells a shift at once, from its repeats.
//
// # What it takes
//
// A series of n values takes O(n log² n) time. Nothing is drawn at random, so
// the same series gives the same changes.
package changepoint
