package place

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"github.com/fiord-bench/fiord/events"
)

// Seed is what the order of a bench's runs is drawn from. It follows from the bench's
// id, so that every replica places it alike, and is kept in the placement, so that
// the order can be drawn again.
func Seed(bench string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(bench)) // never fails
	return h.Sum32()
}

// order is the order of samples within each repeat. A repeat is a block: each sample
// is in it once, so that what drifts over a bench (temperature, free space, a
// neighbour's day) meets all points alike, and by chance.
type order struct {
	random *rand.Rand
	abba   bool
	fixed  bool
}

// newOrder is the order of a request. The two sides of a confirmation are measured
// as before, after, after, before: a steady drift then cancels. Samples that were
// listed one by one stay as they are.
func newOrder(r Request) order {
	return order{
		random: rand.New(rand.NewPCG(uint64(Seed(r.Bench)), 0)), // #nosec G404 -- an order that can be drawn again
		abba:   slices.ContainsFunc(r.Data.Jobs, func(j events.Job) bool { return j.Side != "" }),
		fixed:  len(r.Data.Only) > 0,
	}
}

// of are the samples of one repeat. Job files keep the order in which they were
// listed, since one may write what the next reads; the points of a file are shuffled.
// It must be called for each repeat in turn.
func (o order) of(repeat int, samples []sample) []sample {
	out := slices.Clone(samples)
	switch {
	case o.abba && repeat%2 == 1:
		slices.Reverse(out)
	case o.abba || o.fixed:
	default:
		for from := 0; from < len(out); {
			to := from + 1
			for to < len(out) && out[to].job == out[from].job {
				to++
			}
			block := out[from:to]
			o.random.Shuffle(len(block), func(i, j int) { block[i], block[j] = block[j], block[i] })
			from = to
		}
	}
	return out
}
