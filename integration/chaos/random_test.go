package chaos_test

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/internal/service"
)

var (
	kills = flag.Int("chaos.kills", 0, "services killed at random moments while benches are measured; 0 for none")
	seed  = flag.Uint64("chaos.seed", 0, "seed of the moments; 0 for a random one, which is printed")
)

// TestServicesKilledAtRandomEndTheirThreads pushes and kills, one service after
// the other and sometimes several at once, and looks at all the benches when it
// is over.
func TestServicesKilledAtRandomEndTheirThreads(t *testing.T) {
	if *kills == 0 {
		t.Skip("runs for minutes: go test ./integration/chaos -chaos.kills 100 (make chaos)")
	}
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("seed %d", *seed)
	rng := rand.New(rand.NewPCG(*seed, 1))
	w := newWorld(t)
	var commits []string
	for n := 0; n < *kills; {
		commits = append(commits, w.push())
		time.Sleep(time.Duration(rng.Int64N(int64(3 * time.Second))))
		for range 1 + rng.IntN(2) {
			name := service.Names()[rng.IntN(5)]
			t.Logf("killing %s", name)
			w.services[name].dies()
			n++
		}
		// Benches may pile up, but not without end.
		w.eventually("notice of one of the benches under way", func() bool { return len(commits)-w.told.count() <= 5 })
	}
	for _, commit := range commits {
		w.endsRight(w.benchOf(commit))
	}
	w.nothingLeft()
	t.Logf("%d benches ended right through %d kills", len(commits), *kills)
}
