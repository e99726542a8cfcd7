package simulate_test

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

var (
	// histories is how many histories each simulated figure comes from.
	histories = flag.Int("simulate.histories", 150, "simulated histories behind each figure")
	// write makes the guide's tables anew.
	write = flag.Bool("simulate.write", false, "write the tables into the guide")
)

// guide has the tables, each between two comments.
const guide = "../../docs/guides/verdicts.md"

// table is a table of the guide.
type table struct {
	name string   // of its place in the guide
	head []string // of the labels and of the cells
	rows []row
	// slow divides the number of histories, for what takes long.
	slow int
}

type row struct {
	labels []string
	// cells are simulated together: one history answers all of them.
	cells []bound
	run   func(rng *rand.Rand) []bool
}

// bound is what a cell must keep.
type bound struct {
	most, least float64
	free        bool // a figure of a peer, or one that is stated and not claimed
	none        bool // there is nothing to simulate
}

func atMost(share float64) bound  { return bound{most: share} }
func atLeast(share float64) bound { return bound{most: 1, least: share} }
func anything() bound             { return bound{free: true} }

// check simulates the table, and writes it if asked to.
func (tab table) check(t *testing.T) {
	t.Helper()
	n := max(20, *histories/max(1, tab.slow))
	var text strings.Builder
	fmt.Fprintf(&text, "| %s |\n|%s\n", strings.Join(tab.head, " | "), strings.Repeat("---|", len(tab.head)))
	for _, r := range tab.rows {
		count := make([]int, len(r.cells))
		for h := range n {
			for i, yes := range r.run(rand.New(rand.NewPCG(seed(tab.name, r.labels), uint64(h)))) {
				if yes {
					count[i]++
				}
			}
		}
		cells := append([]string{}, r.labels...)
		for i, b := range r.cells {
			share := float64(count[i]) / float64(n)
			cells = append(cells, b.text(share, n))
			if !b.holds(share, n) {
				t.Errorf("%s, %s, %s: %.2f%% of %d, want %s", tab.name, strings.Join(r.labels, ", "), tab.head[len(r.labels)+i], 100*share, n, b)
			}
		}
		fmt.Fprintf(&text, "| %s |\n", strings.Join(cells, " | "))
	}
	fmt.Fprintf(&text, "\n%d histories a figure.\n", n)
	t.Logf("%s\n%s", tab.name, text.String())
	if *write {
		if err := replace(tab.name, text.String()); err != nil {
			t.Error(err)
		}
	}
}

// seed is the same for the same row of the same table.
func seed(name string, labels []string) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, name, labels)
	return h.Sum64()
}

// holds allows for four standard errors of a share of n.
func (b bound) holds(share float64, n int) bool {
	off := func(p float64) float64 { return 4 * math.Sqrt(p*(1-p)/float64(n)) }
	return b.free || b.none || share <= b.most+off(b.most) && share >= b.least-off(b.least)
}

func (b bound) String() string {
	if b.least > 0 {
		return fmt.Sprintf("at least %g%%", 100*b.least)
	}
	return fmt.Sprintf("at most %g%%", 100*b.most)
}

// text of a share in the guide, with as many digits as n histories support.
func (b bound) text(share float64, n int) string {
	switch {
	case b.none:
		return ""
	case n >= 1000:
		return fmt.Sprintf("%.1f%%", 100*share)
	}
	return fmt.Sprintf("%.0f%%", 100*share)
}

// marks are the comments around a table in the guide.
func marks(name string) (begin, end string) {
	return "<!-- simulated: " + name + " -->\n", "<!-- end -->"
}

// replace writes a table into the guide.
func replace(name, text string) error {
	raw, err := os.ReadFile(guide)
	if err != nil {
		return err
	}
	begin, end := marks(name)
	before, rest, ok := strings.Cut(string(raw), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has no place for the table %s: %s%s", guide, name, begin, end)
	}
	return os.WriteFile(guide, []byte(before+begin+text+end+after), 0o644)
}

// percent writes a share as a label.
func percent(share float64) string { return fmt.Sprintf("%g%%", math.Round(1000*share)/10) }
