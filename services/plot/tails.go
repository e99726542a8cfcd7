package plot

import (
	"context"
	"errors"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/hist"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/page"
	"github.com/fiord-bench/fiord/services/plot/verdict"
)

// maxTailRuns bounds how many results are read for the tails of one report.
const maxTailRuns = 400

// tails reads the tail latencies of a bench: of each point and direction, the
// I/Os of all sound repeats together. Points measured once are left out: their
// percentiles stand among the results.
func (s *Service) tails(ctx context.Context, b model.Bench) ([]page.Tail, error) {
	var groups []*tailGroup
	read := 0
	for _, r := range b.Runs {
		c := r.Completed
		if c == nil || c.Integrity.State != events.IntegrityOK {
			continue
		}
		if read++; read > maxTailRuns {
			break
		}
		doc, err := s.result(ctx, *c)
		if errors.Is(err, artifacts.ErrUnavailable) || errors.Is(err, artifacts.ErrDenied) || ctx.Err() != nil {
			return nil, err
		}
		if err != nil || doc == nil {
			continue // gone or damaged: the report does without
		}
		out := &result.Output{Jobs: doc.Jobs}
		for _, dir := range c.Summary.Directions() {
			if h, of := out.Histogram(dir); h != nil && h.N() > 0 {
				groups = addTail(groups, tailGroup{page.Tail{Job: r.Job, Point: r.Point.Key(), Host: r.Host, Direction: dir, Of: string(of)}, []*hist.Histogram{h}})
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
