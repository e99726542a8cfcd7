package level

import (
	"cmp"
	"slices"
)

// alone is how many comparisons a bench may have before their levels are cut:
// the levels of the tests leave one comparison an error of a little under 1%.
const alone = 1.6

// Family takes back the shifts of a bench's comparisons that its many
// comparisons alone would bring about, by Holm's step-down procedure: the
// strongest must hold at alone/n of its level, the next at alone/(n-1), and so
// on; from the first that does not hold all are Undecided. It changes the
// judgements in place. Comparisons that are TooFew do not count.
func Family(list []*Judgement) {
	var tested []*Judgement
	for _, j := range list {
		if j.Answer != TooFew {
			tested = append(tested, j)
		}
	}
	slices.SortStableFunc(tested, func(a, b *Judgement) int { return cmp.Compare(a.ratio(), b.ratio()) })
	holds := true
	for i, j := range tested {
		share := min(1, alone/float64(len(tested)-i))
		if holds = holds && j.ratio() < share; !holds && j.Answer == Shifted {
			j.Answer = Undecided
		}
	}
}

// ratio is the p-value in units of its level; what is too small to report never
// holds.
func (j *Judgement) ratio() float64 {
	if !j.large || j.limit == 0 {
		return 1
	}
	return j.P / j.limit
}
