package gc_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/gc"
	"github.com/fiord-bench/fiord/events"
)

// Whatever the benches, their ages and what they refer to: nothing that a kept
// bench refers to goes, whenever the collection ends, and everything else goes
// in the end.
func TestNothingReferredToGoes(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			w := newWorld(t)
			benches := w.invent(r)
			kept := keptOf(benches)
			archive := r.IntN(2) == 0
			w.interrupt(r, archive)
			w.hold(benches, kept, archive, false)
			w.collect(func(o *gc.Options) { o.Archive = archive })
			w.hold(benches, kept, archive, true)
		})
	}
}

// invention is a bench with what the histories say of it.
type invention struct {
	told
	remembered, accepted bool
}

// invent fills a store with benches of two names, in the order of their ends.
func (w *world) invent(r *rand.Rand) []invention {
	w.t.Helper()
	verdicts := []events.Verdict{events.VerdictBaseline, events.VerdictUnchanged, events.VerdictImproved, events.VerdictRegressed, events.VerdictFailed, events.VerdictInvalid}
	var benches []invention
	histories := map[string][]entry{}
	n := 12 + r.IntN(8)
	for i := range n {
		s := story{
			key: fmt.Sprint("bench ", i), runs: r.IntN(3), open: r.IntN(6) == 0, verdict: verdicts[r.IntN(len(verdicts))],
			age: time.Duration((n-i)*200/n) * day, jobs: []string{fmt.Sprint("job", r.IntN(9))},
		}
		if i > 0 && r.IntN(3) == 0 {
			s.against = benches[r.IntN(i)].id
		}
		if i > 0 && !s.open && r.IntN(2) == 0 {
			s.baseline = benches[r.IntN(i)].id
		}
		b := invention{told: w.tell(s), remembered: !s.open && r.IntN(3) > 0}
		if b.remembered {
			b.accepted = r.IntN(8) == 0
			name := fmt.Sprint("name ", i%2)
			histories[name] = append(histories[name], entry{b.id, b.verdict, b.accepted})
		}
		benches = append(benches, b)
	}
	for name, entries := range histories {
		w.remember(name, entries...)
	}
	return benches
}

// keptOf says which benches must stay, by the words of the documentation.
func keptOf(benches []invention) map[string]bool {
	kept := map[string]bool{}
	for _, b := range benches {
		if !b.open && b.age > 90*day {
			continue
		}
		kept[b.id] = true
		if b.against != "" {
			kept[b.against] = true
		}
		if b.baseline != "" {
			kept[b.baseline] = true
		}
	}
	for name := range 2 {
		for i := len(benches) - 1; i >= 0; i-- {
			b := benches[i]
			sound := b.verdict != events.VerdictFailed && b.verdict != events.VerdictInvalid && b.verdict != events.VerdictRegressed
			if i%2 == name && b.remembered && (sound || b.accepted) {
				kept[b.id] = true
				break
			}
		}
	}
	for _, b := range benches {
		if b.accepted {
			kept[b.id] = true
		}
	}
	return kept
}

// interrupt collects until a random thing has gone.
func (w *world) interrupt(r *rand.Rand, archive bool) {
	w.t.Helper()
	enough, left := errors.New("enough"), r.IntN(20)
	_, err := gc.Collect(w.t.Context(), w.nats.Bus("fiord/cli"), w.store, gc.Options{OlderThan: 90 * day, Grace: day, Delete: true, Archive: archive,
		Goes: func(gc.Thing) error {
			if left--; left < 0 {
				return enough
			}
			return nil
		}})
	if err != nil && !errors.Is(err, enough) {
		w.t.Fatal(err)
	}
}

// hold checks what must be there and, once a collection is complete, what must
// not.
func (w *world) hold(benches []invention, kept map[string]bool, archive, complete bool) {
	w.t.Helper()
	var stays, goes []string
	jobs := map[string]bool{}
	for _, b := range benches {
		for _, key := range b.jobKeys {
			jobs[key] = jobs[key] || kept[b.id]
		}
		if kept[b.id] {
			stays = append(append(stays, b.own...), b.records...)
			continue
		}
		verdict, end := artifacts.ReportKey(b.id, "verdict.json"), artifacts.ArchiveKey(b.id, "ended")
		if b.remembered {
			stays = append(stays, verdict, end)
		}
		goes = append(goes, without(b.own, b.remembered, verdict)...)
		if archive {
			goes = append(goes, without(b.records, b.remembered, end)...)
		} else {
			stays = append(stays, b.records...)
		}
	}
	for key, named := range jobs {
		if named {
			stays = append(stays, key)
		} else {
			goes = append(goes, key)
		}
	}
	w.present(stays...)
	if complete {
		w.absent(goes...)
	}
}

// without leaves out a key if told to.
func without(keys []string, leave bool, key string) []string {
	var rest []string
	for _, k := range keys {
		if !leave || k != key {
			rest = append(rest, k)
		}
	}
	return rest
}
