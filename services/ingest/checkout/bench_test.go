package checkout_test

import (
	"testing"

	"github.com/fiord-bench/fiord/services/ingest/checkout"
)

// BenchmarkOpen is what lies between a push and its measurement on our side of
// the network: fetch a commit, read its configuration and one job file.
func BenchmarkOpen(b *testing.B) {
	o := newOrigin(b)
	o.write("fiord.yaml", "version: 1\n")
	o.write("jobs/a.fio", "[a]\n")
	head := o.commit("one")
	c := newClient(b, nil)
	for b.Loop() {
		tree, err := c.Open(b.Context(), checkout.Request{URL: o.dir, Commit: head})
		if err != nil {
			b.Fatal(err)
		}
		for _, name := range []string{"fiord.yaml", "jobs/a.fio"} {
			if _, err := tree.ReadFile(name); err != nil {
				b.Fatal(err)
			}
		}
		if err := tree.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
