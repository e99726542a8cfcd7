package trend

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure/catalogue"
	"github.com/fiord-bench/fiord/services/plot/archive"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/verdict"
	"github.com/fiord-bench/fiord/verdict/changepoint"
	"github.com/fiord-bench/fiord/verdict/history"
)

// figureNames are the figures that are followed from commit to commit, as
// people call them. Bandwidth is left out: of one point it is the rate times the
// block size.
func figureNames() map[string]string {
	return map[string]string{"iops": "IOPS", "lat": "Mean latency", "p50": "p50 of latency", "p99": "p99 of latency", "p999": "p99.9 of latency"}
}

// leastChange is the smallest change of level that is worth a word, as a share.
const leastChange = 0.01

// track is what is followed through a history: one figure of one point of one
// job. Latencies of different kinds are different tracks.
type track struct {
	job, point, latency string
	metric              verdict.Metric
}

// spot is a machine: a host, and what it is as fingerprints.
type spot struct{ host, class string }

// spread is a figure over the sound repeats of one bench.
type spread struct {
	least, median, most float64
	n                   int
	class               string // of the machine
}

// repeats are values with the same median and extremes; none of none.
func (s spread) repeats() []float64 {
	switch s.n {
	case 0:
		return nil
	case 1:
		return []float64{s.median}
	default:
		return []float64{s.least, s.median, s.most}
	}
}

func compareSpots(a, b spot) int {
	return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(a.class, b.class))
}

// digest is what a trend needs of one bench.
type digest map[track]map[spot]spread

// digestOf gathers the figures of a bench's sound runs.
func digestOf(b *verdict.Bench) digest {
	values := map[track]map[spot][]float64{}
	for _, r := range b.Runs {
		if r.Integrity != events.IntegrityOK {
			continue
		}
		at := spot{r.Host, r.Class()}
		for m, v := range r.Values {
			if figureNames()[m.Figure()] == "" {
				continue
			}
			k := track{job: r.Job, point: r.Point, metric: m}
			if m.Unit() == verdict.UnitTime {
				k.latency = r.LatencyOf
			}
			if values[k] == nil {
				values[k] = map[spot][]float64{}
			}
			values[k][at] = append(values[k][at], v)
		}
	}
	out := digest{}
	for k, places := range values {
		out[k] = map[spot]spread{}
		for at, list := range places {
			slices.Sort(list)
			out[k][at] = spread{least: list[0], median: verdict.Median(list), most: list[len(list)-1], n: len(list), class: at.class}
		}
	}
	return out
}

// Trends follows figures from commit to commit. It keeps the digests of the
// decisions that it read, which never change.
type Trends struct {
	archive *archive.Archive

	mu    sync.Mutex
	known map[string]digest
	size  int
}

// New returns the trends of the benches in an archive.
func New(a *archive.Archive) *Trends { return &Trends{archive: a} }

// maxDigested bounds how many figures are kept in memory, about 100 bytes each.
const maxDigested = 400_000

// readers is how many decisions are read at once.
const readers = 16

// digest returns the digest of a bench, reading its decision if need be; empty if
// that was removed.
func (t *Trends) digest(ctx context.Context, bench string) (digest, error) {
	t.mu.Lock()
	known, ok := t.known[bench]
	t.mu.Unlock()
	if ok {
		return known, nil
	}
	b, err := t.archive.Measured(ctx, bench)
	if err != nil || b == nil {
		return nil, err
	}
	fresh := digestOf(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.size += len(fresh); t.known == nil || t.size > maxDigested {
		t.known, t.size = map[string]digest{}, len(fresh)
	}
	t.known[bench] = fresh
	return fresh, nil
}

// History is the benches of a bench's name on its ref, with their figures.
type History struct {
	history.History
	bench   model.Bench // whose history it is
	digests []digest    // of the entries
}

// Of reads the history that a bench belongs to: that of its name, on the ref of the
// repository whose commit asked for it, if any did.
func (t *Trends) Of(ctx context.Context, b model.Bench) (*History, error) {
	h := &History{History: history.History{Name: b.Name}, bench: b}
	found, err := t.archive.History(ctx, b.Name, b.Origin)
	if err != nil {
		return nil, err
	}
	h.History = found
	if b.Origin != nil {
		h.Repo, h.Ref = b.Origin.Repo.Name, b.Origin.Ref
	}
	h.digests = make([]digest, len(h.Entries))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, e := range h.Entries {
		group.Go(func() (err error) {
			h.digests[i], err = t.digest(ctx, e.Bench)
			return err
		})
	}
	return h, group.Wait()
}

// series is one track on one machine through a history: a value for each of its
// benches.
type series struct {
	track
	machine string
	values  []spread
}

// medians are the series as numbers; benches without a value are gaps.
func (s series) medians() []float64 {
	out := make([]float64, len(s.values))
	for i, v := range s.values {
		out[i] = math.NaN()
		if v.n > 0 {
			out[i] = v.median
		}
	}
	return out
}

// worse reports whether a change is for the worse.
func (s series) worse(c changepoint.Change) bool {
	return c.After > c.Before != s.metric.HigherIsBetter()
}

// maxSeries bounds how many series of a history are searched for a page.
const maxSeries = 1000

// series lists what is followed of some figures, in order. Values belong to
// their host, if it measured at least half of the benches that have the point.
// Those of hosts that come and go, as in pools, belong to their class of
// machine, and without fingerprints to none: unknown machines are not mixed.
func (h *History) series(figures ...string) []series {
	hosts := map[track]map[string]int{}
	benches := map[track]int{}
	for _, d := range h.digests {
		for k, places := range d {
			if !slices.Contains(figures, k.metric.Figure()) {
				continue
			}
			if hosts[k] == nil {
				hosts[k] = map[string]int{}
			}
			benches[k]++
			for at := range places {
				hosts[k][at.host]++
			}
		}
	}
	type key struct {
		track
		machine string
	}
	found := map[key]*series{}
	for i, d := range h.digests {
		for k := range hosts {
			for _, at := range slices.SortedFunc(maps.Keys(d[k]), compareSpots) {
				machine := at.host
				if 2*hosts[k][at.host] < benches[k] && at.class != "/" {
					machine = "class " + at.class
				}
				s := found[key{k, machine}]
				if s == nil {
					s = &series{track: k, machine: machine, values: make([]spread, len(h.digests))}
					found[key{k, machine}] = s
				}
				s.values[i] = s.values[i].with(d[k][at])
			}
		}
	}
	out := make([]series, 0, len(found))
	for _, s := range found {
		out = append(out, *s)
	}
	slices.SortFunc(out, compareSeries)
	return out
}

func compareSeries(a, b series) int {
	return cmp.Or(cmp.Compare(a.job, b.job), catalogue.ComparePoints(a.point, b.point), cmp.Compare(a.metric, b.metric), cmp.Compare(a.machine, b.machine), cmp.Compare(a.latency, b.latency))
}

// with takes two machines of one class, or the same host before and after a
// change of class within one bench, together: their medians are weighed by
// repeats.
func (s spread) with(o spread) spread {
	if s.n == 0 {
		return o
	}
	n := s.n + o.n
	return spread{
		least: min(s.least, o.least), most: max(s.most, o.most), n: n, class: s.class,
		median: (s.median*float64(s.n) + o.median*float64(o.n)) / float64(n),
	}
}
