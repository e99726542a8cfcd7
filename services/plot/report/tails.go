package report

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/hist"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
	"github.com/fiord-bench/fiord/verdict"
)

// maxTailRuns bounds of how many runs of a bench the latencies are read.
const maxTailRuns = 400

// tailReaders is how many results are read at once: each may be large.
const tailReaders = 4

// tail is the latencies of one run in one direction, and of which kind they are.
type tail struct {
	*hist.Histogram
	of string
}

// latencies are what was read of benches' results, by run and direction, for the
// few benches that are being judged and reported.
type latencies struct {
	mu    sync.Mutex
	known map[string]map[string]map[string]tail
}

// keptLatencies bounds how many benches' latencies are kept.
const keptLatencies = 4

// latencies reads the latencies of a bench's sound runs. Runs whose result is
// gone or damaged are left out, and so are those beyond the bound.
func (r *Reporter) latencies(ctx context.Context, b model.Bench) (map[string]map[string]tail, error) {
	r.known.mu.Lock()
	known, ok := r.known.known[b.ID]
	r.known.mu.Unlock()
	if ok {
		return known, nil
	}
	var (
		mu    sync.Mutex
		found = map[string]map[string]tail{}
		read  = 0
	)
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(tailReaders)
	for _, run := range b.Runs {
		c := run.Completed
		if c == nil || c.Integrity.State != events.IntegrityOK {
			continue
		}
		if read++; read > maxTailRuns {
			break
		}
		group.Go(func() error {
			one, err := r.latenciesOf(reading, *c)
			mu.Lock()
			defer mu.Unlock()
			found[run.Run] = one
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	r.known.mu.Lock()
	defer r.known.mu.Unlock()
	if len(r.known.known) >= keptLatencies || r.known.known == nil {
		r.known.known = map[string]map[string]map[string]tail{}
	}
	r.known.known[b.ID] = found
	return found, nil
}

// latenciesOf reads the latencies of one run; none if its result is gone or
// damaged.
func (r *Reporter) latenciesOf(ctx context.Context, c events.RunCompleted) (map[string]tail, error) {
	doc, err := r.figures.Result(ctx, c)
	if errors.Is(err, artifacts.ErrUnavailable) || errors.Is(err, artifacts.ErrDenied) || ctx.Err() != nil {
		return nil, err
	}
	if err != nil || doc == nil {
		return nil, nil
	}
	found := map[string]tail{}
	for _, dir := range c.Summary.Directions() {
		if h, of := doc.Histogram(dir); h != nil && h.N() > 0 {
			found[dir] = tail{h, string(of)}
		}
	}
	return found, nil
}

// addTails gives the runs of a side that is to be judged their latencies, so
// that percentiles can be compared of all I/Os together. Without them the runs'
// own percentiles decide.
func (r *Reporter) addTails(ctx context.Context, b model.Bench, side *verdict.Bench) error {
	all, err := r.latencies(ctx, b)
	if err != nil {
		return err
	}
	for i, run := range side.Runs {
		for dir, t := range all[run.Run] {
			if side.Runs[i].Tails == nil {
				side.Runs[i].Tails = map[string]*hist.Histogram{}
			}
			side.Runs[i].Tails[dir] = t.Histogram
		}
	}
	return nil
}

// addBaselineTails does so for the side that was reported before.
func (r *Reporter) addBaselineTails(ctx context.Context, side *verdict.Bench) error {
	b, err := r.archive.Bench(ctx, side.Bench)
	if errors.Is(err, model.ErrUnknown) {
		return nil // removed since
	}
	if err != nil {
		return bus.ForStore(err)
	}
	return r.addTails(ctx, b, side)
}

// tails are the tail latencies of a bench: of each point and direction, the
// I/Os of all sound repeats together. Points measured once are left out: their
// percentiles stand among the results.
func (r *Reporter) tails(ctx context.Context, b model.Bench) ([]page.Tail, error) {
	found, err := r.latencies(ctx, b)
	if err != nil {
		return nil, err
	}
	var groups []*tailGroup
	for _, run := range b.Runs {
		if run.Completed == nil {
			continue
		}
		for _, dir := range run.Completed.Summary.Directions() {
			if t, ok := found[run.Run][dir]; ok {
				groups = addTail(groups, tailGroup{page.Tail{Job: run.Job, Point: run.Point.Key(), Host: run.Host, Direction: dir, Of: t.of}, []*hist.Histogram{t.Histogram}})
			}
		}
	}
	var all []page.Tail
	for _, g := range groups {
		if len(g.runs) < 2 {
			continue
		}
		t := verdict.Tails(g.runs, 99, 99.9)
		g.P99, g.P999 = t[0], t[1]
		all = append(all, g.Tail)
	}
	return all, nil
}

// tailGroup is the runs of one row.
type tailGroup struct {
	page.Tail
	runs []*hist.Histogram
}

// addTail adds a run to the group that it belongs to. Latencies of different
// kinds are never merged.
func addTail(groups []*tailGroup, one tailGroup) []*tailGroup {
	for _, g := range groups {
		if g.Tail == one.Tail {
			g.runs = append(g.runs, one.runs...)
			return groups
		}
	}
	return append(groups, &one)
}
