// Package trend follows the figures of benches of one name on one ref from commit
// to commit: as figures, and as a list of the commits at which a figure settled at
// another level.
package trend
