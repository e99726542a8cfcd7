package report

import (
	"context"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/verdict"
	"github.com/fiord-bench/fiord/verdict/history"
)

// references finds what a bench is to be held against: the bench that serves as
// its baseline, nil if it names none or there is none yet, and the sessions that
// its level is estimated from, oldest first. A bench that names another by its id
// is held against that one alone.
func (r *Reporter) references(ctx context.Context, p *events.Placement) (*verdict.Bench, []verdict.Bench, error) {
	c := p.Request.Compare
	if c != nil && events.IsID(c.Baseline) {
		before, err := r.archive.Measured(ctx, c.Baseline)
		return before, nil, err
	}
	h, err := r.referenceHistory(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	sessions, err := r.sessions(ctx, h.Sessions(p.Bench), r.options(p).Compared())
	if err != nil || c == nil {
		return nil, sessions, err
	}
	id := h.Newest(p.Bench)
	if id == "" {
		return nil, sessions, nil
	}
	before, err := r.archive.Measured(ctx, id)
	return before, sessions, err
}

// referenceHistory is the history of the baseline's ref, or of the bench's own
// name and ref where it names no baseline.
func (r *Reporter) referenceHistory(ctx context.Context, p *events.Placement) (history.History, error) {
	o, c := p.Request.Origin, p.Request.Compare
	if o == nil || c == nil {
		h, err := r.archive.History(ctx, p.Request.Name, o)
		return h, bus.ForStore(err)
	}
	for _, ref := range refs(c.Baseline) {
		of := *o
		of.Ref = ref
		h, err := r.archive.History(ctx, p.Request.Name, &of)
		if err != nil {
			return h, bus.ForStore(err)
		}
		if len(h.Entries) > 0 {
			return h, nil
		}
	}
	return history.History{}, nil
}

// refs lists what a baseline may mean: a full ref, a branch, or a tag.
func refs(name string) []string {
	if strings.HasPrefix(name, "refs/") {
		return []string{name}
	}
	return []string{"refs/heads/" + name, "refs/tags/" + name}
}

// sessions reads what the benches of a history measured of some figures. Reports
// that were removed are left out.
func (r *Reporter) sessions(ctx context.Context, entries []history.Entry, figures []string) ([]verdict.Bench, error) {
	found := make([]*verdict.Bench, len(entries))
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, e := range entries {
		group.Go(func() error {
			b, err := r.archive.Measured(reading, e.Bench)
			if err != nil || b == nil {
				return err
			}
			b.Accepted = e.Accepted
			for _, run := range b.Runs {
				maps.DeleteFunc(run.Values, func(m verdict.Metric, _ float64) bool { return !slices.Contains(figures, m.Figure()) })
			}
			found[i] = b
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := make([]verdict.Bench, 0, len(found))
	for _, b := range found {
		if b != nil {
			out = append(out, *b)
		}
	}
	return out, nil
}
