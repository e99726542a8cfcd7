package index_test

import (
	"testing"

	"github.com/fiord-bench/fiord/services/plot/index"
)

// BenchmarkSearch searches 25,000 benches of four runs each.
func BenchmarkSearch(b *testing.B) {
	x := opened(b, b.TempDir(), nil)
	n := uint64(0)
	for i := range 25_000 {
		_, list := life(i)
		for _, s := range list {
			n++
			x.Apply(b.Context(), s.Event, s.Stored, n)
		}
	}
	if err := x.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		q    index.Query
	}{
		{"home", index.Query{}}, {"verdict", index.Query{Verdict: "regressed"}}, {"text", index.Query{Text: "oltp node-b"}}, {"nothing", index.Query{Text: "no such bench"}},
		{"host", index.Query{Host: "node-a"}}, {"change", index.Query{Sort: "change", Ascending: true}}, {"far", index.Query{Skip: 20_000}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := x.Search(b.Context(), c.q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
