package ingest_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/ingest"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	stories   = flag.Int("ingest.stories", 4, "random histories of pushes")
	storySeed = flag.Uint64("ingest.seed", 1, "seed of the first history; 0 for a random one, which is printed")
)

// moved is a delivery about a ref.
type moved struct{ ref, before, after, delivery string }

// history is a repository whose refs move, and what its forge reported.
type history struct {
	*site
	c       *clone
	commits []string
	heads   map[string]string
	told    []moved
	pushes  int
	replica *replica
}

// newHistory makes a repository with commits that each ask for a bench. Its own
// hook reports nothing: the test plays the forge.
func newHistory(t *testing.T, commits int) *history {
	t.Helper()
	s := newSite(t)
	h := &history{site: s, c: s.repository("jobs", "http://127.0.0.1:1"), heads: map[string]string{}}
	h.c.write("fiord.yaml", fiordYML)
	for i := range commits {
		h.c.write("jobs/randread.fio", fmt.Sprintf("%ssize=%dk\n", jobFile, 4*(i+1)))
		run(t, h.c.dir, "git", "add", "--all")
		run(t, h.c.dir, "git", "commit", "--quiet", "-m", fmt.Sprint("Commit ", i))
		h.commits = append(h.commits, strings.TrimSpace(run(t, h.c.dir, "git", "rev-parse", "HEAD")))
	}
	h.restart()
	return h
}

// restart ends the replica, in mid-work, and starts another.
func (h *history) restart() {
	h.t.Helper()
	if h.replica != nil {
		h.replica.stop()
	}
	h.replica = h.start(func(c *ingest.Config) { c.Checkouts = 3 })
}

// move moves a ref in the repository and returns what a forge would report; an
// empty commit deletes it.
func (h *history) move(ref, commit string) moved {
	h.t.Helper()
	m := moved{ref: ref, before: h.heads[ref], after: commit, delivery: fmt.Sprint("delivery-", h.pushes)}
	h.pushes++
	run(h.t, h.c.dir, "git", "push", "--quiet", "--force", "origin", commit+":"+ref)
	h.heads[ref] = commit
	for _, id := range []*string{&m.before, &m.after} {
		if *id == "" {
			*id = zero
		}
	}
	h.told = append(h.told, m)
	return m
}

func (h *history) tell(m moved) {
	h.t.Helper()
	h.t.Logf("reported: %s: %s to %s, %s", m.ref, h.name(m.before), h.name(m.after), m.delivery)
	if status, answer := gitHubDelivery(h.t, h.replica.url, h.c, m.ref, m.before, m.after, m.delivery); status != 202 {
		h.t.Fatalf("status %d: %s", status, answer)
	}
}

// settled waits until every push has been worked on: until the last one in the stream,
// and with it each before, is acknowledged.
func (h *history) settled() {
	h.t.Helper()
	js := h.bus("test").JetStream()
	eventually(h.t, func() bool {
		stream, err := js.Stream(h.t.Context(), bus.StreamEvents)
		if err != nil {
			return false
		}
		last, err := stream.GetLastMsgForSubject(h.t.Context(), events.TypePushReceived.Subject())
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return true // no push was accepted
		}
		if err != nil {
			return false
		}
		c, err := js.Consumer(h.t.Context(), bus.StreamEvents, "ingest-checkout")
		if err != nil {
			return false
		}
		info := c.CachedInfo()
		return info.AckFloor.Stream >= last.Sequence && info.NumPending == 0 && info.NumAckPending == 0
	})
}

// standing are the benches that were requested and not cancelled, by ref and
// commit; all counts those that were cancelled as well.
func (h *history) standing() (list map[string]map[string]int, all int) {
	h.t.Helper()
	requested, cancelled := map[string]*events.Origin{}, map[string]bool{}
	done := make(chan struct{})
	sub, err := h.bus("test").Watch(h.t.Context(), bus.View{CaughtUp: func() { close(done) }, See: func(_ context.Context, s bus.Seen) {
		switch d := s.Event.Data.(type) {
		case events.BenchRequested:
			requested[events.BenchID(s.Event)] = d.Origin
		case events.CancelRequested:
			cancelled[d.Bench] = true
		}
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	<-done
	sub.Stop()
	list = map[string]map[string]int{}
	for id, origin := range requested {
		if !cancelled[id] {
			if list[origin.Ref] == nil {
				list[origin.Ref] = map[string]int{}
			}
			list[origin.Ref][origin.Commit]++
		}
	}
	return list, len(requested)
}

// expect holds every branch to its head: one bench of it stands, and no more
// benches were requested than there were pushes.
func (h *history) expect() {
	h.t.Helper()
	h.settled()
	standing, all := h.standing()
	for ref, head := range h.heads {
		if head != "" && standing[ref][head] == 0 {
			h.t.Errorf("%s is at %s, and no bench of it stands: %v", ref, h.name(head), standing[ref])
		}
	}
	if all > h.pushes {
		h.t.Errorf("%d benches were requested of %d pushes", all, h.pushes)
	}
}

func (h *history) name(commit string) string {
	return fmt.Sprint("commit ", slices.Index(h.commits, commit))
}

// A branch that was pushed, deleted and pushed again had the first push's id, and
// its bench stayed cancelled.
func TestBranchThatComesBackIsMeasured(t *testing.T) {
	h := newHistory(t, 1)
	for _, commit := range []string{h.commits[0], "", h.commits[0]} {
		h.tell(h.move("refs/heads/topic", commit))
	}
	h.expect()
	h.tell(h.told[0]) // a redelivery asks for nothing
	h.tell(moved{"refs/heads/topic", zero, h.commits[0], "a second webhook"})
	h.settled()
	if _, all := h.standing(); all > 2 {
		t.Errorf("%d benches, want one for each push", all)
	}
}

// Of the heads A, B, A, B the last was never measured.
func TestHeadThatReturnsByForceIsMeasured(t *testing.T) {
	for name, settle := range map[string]bool{"at once": false, "one by one": true} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t, 2)
			for i := range 4 {
				h.tell(h.move("refs/heads/topic", h.commits[i%2]))
				if settle {
					h.settled()
				}
			}
			h.expect()
		})
	}
}

// Whatever becomes of branches, however often, in whatever order and through
// whatever restarts it is reported: at rest a bench of each head stands.
func TestEveryHeadIsMeasured(t *testing.T) {
	if *storySeed == 0 {
		*storySeed = rand.Uint64()
	}
	for i := range uint64(*stories) {
		seed := *storySeed + i
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			newHistory(t, 3).random(rand.New(rand.NewPCG(seed, 7)), 25)
		})
	}
}

// random lets refs move and the forge report it: late, twice, or out of order.
func (h *history) random(rng *rand.Rand, steps int) {
	var held []moved
	for range steps {
		ref := []string{"refs/heads/topic", "refs/heads/other"}[rng.IntN(2)]
		switch n := rng.IntN(12); {
		case n < 6:
			commit := h.commits[rng.IntN(len(h.commits))]
			if h.heads[ref] == commit {
				continue
			}
			h.report(rng, &held, h.move(ref, commit))
		case n < 8 && h.heads[ref] != "":
			h.report(rng, &held, h.move(ref, ""))
		case n == 8 && len(h.told) > 0:
			h.tell(h.told[rng.IntN(len(h.told))])
		case n == 9 && len(h.told) > 0:
			m := h.told[rng.IntN(len(h.told))]
			m.delivery = fmt.Sprint("second webhook ", rng.Uint64())
			h.tell(m)
		case n == 10:
			h.restart()
		default:
			time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
		}
	}
	for _, m := range held {
		h.tell(m)
	}
	h.expect()
}

// report sends a delivery, now or behind the next one.
func (h *history) report(rng *rand.Rand, held *[]moved, m moved) {
	if rng.IntN(5) == 0 {
		*held = append(*held, m)
		return
	}
	h.tell(m)
	for _, late := range *held {
		h.tell(late)
	}
	*held = nil
}

// Histories that ended without a bench of a head, or with one too many.
func TestHistoriesThatWentWrong(t *testing.T) {
	for name, seed := range map[string]uint64{
		"a return passed for a repetition until the departure was reported": 4145495151823643327,
		"two webhooks reported early what the ref came to be":               15250520401165962474,
	} {
		t.Run(name, func(t *testing.T) {
			newHistory(t, 3).random(rand.New(rand.NewPCG(seed, 7)), 25)
		})
	}
}
