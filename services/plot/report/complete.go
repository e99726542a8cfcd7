package report

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// drawnKey is the key in the bucket fiord-drawn that says that plot is done
// with a run: its end is archived and its figures, if it has any, are stored.
// It is a key per run, so that no two replicas ever write the same one.
func drawnKey(bench, run string) string { return bench + "." + run }

// Count reacts to everything that may complete a bench: the ends of runs
// without figures, the figures of those that completed, and the placement,
// which may come last. It archives the event, counts the run, and ends
// the bench if nothing is missing any more.
func (r *Reporter) Count(ctx context.Context, d *bus.Delivery) error {
	if err := r.archive.Put(ctx, d.Original()); err != nil {
		return err
	}
	bench, run := model.Of(d.Event)
	if run != "" {
		if _, err := r.counted.PutString(ctx, drawnKey(bench, run), string(d.Event.Type)); err != nil {
			return bus.Unavailable(fmt.Errorf("count run %s: %w", run, err))
		}
	}
	return r.endIfComplete(ctx, d, bench)
}

// drawn counts the runs of a bench that plot is done with. The leader of the
// bucket answers, not the nearest replica: of two runs that end together, the
// later one must see both.
func (r *Reporter) drawn(ctx context.Context, bench string) (int, error) {
	n, err := r.counts.of(ctx, bench, func(ctx context.Context) (int, error) {
		info, err := r.stream.Info(ctx, jetstream.WithSubjectFilter("$KV."+bus.BucketDrawn+"."+drawnKey(bench, "*")))
		if err != nil {
			return 0, err
		}
		return len(info.State.Subjects), nil
	})
	if err != nil {
		return 0, bus.Unavailable(fmt.Errorf("count runs of %s: %w", bench, err))
	}
	return n, nil
}

// Record archives an event that has no other effect here but, at a bench's
// end, its place in the history.
func (r *Reporter) Record(ctx context.Context, d *bus.Delivery) error {
	if err := r.archive.Put(ctx, d.Original()); err != nil {
		return err
	}
	switch data := d.Event.Data.(type) {
	case events.BenchReported:
		return bus.ForStore(r.archive.Remember(ctx, data, d.Event.Time))
	case events.BaselineAccepted:
		return bus.ForStore(r.archive.Accept(ctx, data, func(repo *events.Repo) error { return r.mayAccept(data, repo) }))
	}
	return nil
}

// mayAccept judges the acceptance of a repository's baseline by the policy, read
// anew each time: there are few, and a right that was taken away is gone.
func (r *Reporter) mayAccept(d events.BaselineAccepted, repo *events.Repo) error {
	policy, err := repos.Load(r.opt.ReposFile)
	if err != nil {
		return err
	}
	_, err = policy.Judge(d, repo)
	return err
}
