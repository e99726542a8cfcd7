package fidelity

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/fio/result"
)

var (
	pairs   = flag.Int("fidelity.pairs", 1, "rounds: pairs of fiord and bare fio for each load")
	runtime = flag.Duration("fidelity.runtime", time.Second, "how long fio runs each time")
	seed    = flag.Uint64("fidelity.seed", uint64(time.Now().UnixNano()), "of the orders of the arms") //nolint:gosec // any number will do
)

// judged is how many pairs a judgement needs. With fewer the test only shows
// that measuring works.
const judged = 20

// The arms of a round.
const (
	byFiord = "fiord"
	byBare  = "bare"
	again   = "again"
	logged  = "logged"
)

// figures are what is compared.
type figures struct {
	iops []float64
	p99  []float64 // ns, of completion: fio reports no other of the job as written
}

// even are the figures of the rounds that had the logged arm.
func even(values []float64) (out []float64) {
	for i := 0; i < len(values); i += 2 {
		out = append(out, values[i])
	}
	return out
}

func (f *figures) add(t *testing.T, report []byte) {
	t.Helper()
	out, err := result.Parse(report)
	if err != nil {
		t.Fatal(err)
	}
	read := out.Summary().Read
	if read == nil || read.Clat == nil || read.IOPS <= 0 || read.Clat.P99 == nil {
		t.Fatalf("fio reports no reads: %+v", read)
	}
	f.iops, f.p99 = append(f.iops, read.IOPS), append(f.p99, *read.Clat.P99)
}

func (f *figures) last() string {
	n := len(f.iops) - 1
	return fmt.Sprintf("%.0f IOPS, p99 %s", f.iops[n], time.Duration(f.p99[n]))
}

// TestFiordMeasuresWhatFioMeasures compares; see the package's documentation.
func TestFiordMeasuresWhatFioMeasures(t *testing.T) {
	needsEngine(t)
	f := start(t, "docker")
	t.Logf("%d rounds of %s each, orders from seed %d", *pairs, *runtime, *seed)
	for name, job := range loads(t, f.scratch()) {
		t.Run(name, func(t *testing.T) {
			f.t = t
			report(t, session(t, f, job))
		})
	}
}

// loads are the two ends: an engine that does nothing, so that whatever costs
// CPU shows, and a file on a real disk.
func loads(t *testing.T, dir string) map[string]string {
	timed := fmt.Sprintf("time_based\nruntime=%dms\n", runtime.Milliseconds())
	direct := 1
	probe := filepath.Join(dir, "fidelity-probe")
	f, err := os.OpenFile(probe, os.O_CREATE|os.O_RDWR|syscall.O_DIRECT, 0o600)
	if err != nil {
		t.Logf("the file is measured through the page cache: %s takes no O_DIRECT: %v", dir, err)
		direct = 0
	} else {
		_ = f.Close()
	}
	_ = os.Remove(probe)
	return map[string]string{
		"null": "[null]\nioengine=null\nrw=randread\nbs=4k\nsize=1g\n" + timed,
		"file": fmt.Sprintf("[file]\nioengine=libaio\niodepth=16\ndirect=%d\nrw=randread\nbs=4k\nsize=256m\nfilename=fidelity\n", direct) + timed,
	}
}

// session measures a load in rounds, each arm once a round. What comes first
// warms up: it lays the file out, and shows which logs fiord adds.
func session(t *testing.T, f *fiord, job string) map[string]*figures {
	_, ran := f.measure(job)
	fiords := func(dir string) string { return own(t, ran, dir) }
	written := func(string) string { return job }
	f.without(func() { bare(t, f.scratch(), written) })

	all := map[string]*figures{byFiord: {}, byBare: {}, again: {}, logged: {}}
	rng := rand.New(rand.NewPCG(*seed, 0)) //nolint:gosec // an order
	for round := range *pairs {
		order := []string{byFiord, byBare, again}
		if round%2 == 0 {
			order = append(order, logged) // what logs cost is reported, not judged: half the pairs do
		}
		rng.Shuffle(len(order), func(i, k int) { order[i], order[k] = order[k], order[i] })
		for _, arm := range order {
			var got []byte
			switch arm {
			case byFiord:
				got, _ = f.measure(job)
			case logged:
				f.without(func() { got = bare(t, f.scratch(), fiords) })
			default:
				f.without(func() { got = bare(t, f.scratch(), written) })
			}
			all[arm].add(t, got)
			t.Logf("round %d: %-6s %s", round+1, arm, all[arm].last())
		}
	}
	return all
}

// report prints the ratios, and judges if there are enough.
func report(t *testing.T, all map[string]*figures) {
	noise, ours := Over(all[again].iops, all[byBare].iops), Over(all[byFiord].iops, all[byBare].iops)
	show(t, "IOPS  fiord/bare", ours)
	show(t, "IOPS  bare/bare", noise.Both())
	t.Logf("      a median of %d pairs of bare runs lies within %s", len(noise), noise.Both().OfMedian(len(noise)))
	show(t, "p99   fiord/bare", Over(all[byFiord].p99, all[byBare].p99))
	show(t, "p99   bare/bare", Over(all[again].p99, all[byBare].p99).Both())
	show(t, "IOPS  logs/no logs", Over(all[logged].iops, even(all[byBare].iops)))
	show(t, "p99   logs/no logs", Over(all[logged].p99, even(all[byBare].p99)))
	if *pairs < judged {
		t.Logf("not judged: %d pairs, a judgement takes %d", *pairs, judged)
		return
	}
	if err := Judge(ours, noise); err != nil {
		t.Error(err)
	}
}

func show(t *testing.T, what string, r Ratios) {
	t.Helper()
	t.Logf("%-24s median %.4f (95%% %s), pairs %s", what, r.Median(), r.OfMedian(len(r)), r.Spread())
}
