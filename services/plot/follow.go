package plot

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/registry"
	"github.com/fiord-bench/fiord/services/plot/archive"
	"github.com/fiord-bench/fiord/services/plot/index"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// site is all that the pages know: benches from the archive, rows from the index.
type site struct {
	*archive.Archive
	*index.Index
}

// Bench returns a bench, wherever it is.
func (s site) Bench(ctx context.Context, id string) (model.Bench, error) {
	return s.Archive.Bench(ctx, id)
}

// BenchOf returns the bench of a run, wherever it is.
func (s site) BenchOf(ctx context.Context, run string) (string, error) {
	return s.Archive.BenchOf(ctx, run)
}

// follow takes the events since the last one that the index knows, and goes on with
// those that come. What the stream holds no more is read from the archive meanwhile.
func (s *Service) follow(ctx context.Context, running *sync.WaitGroup) (*bus.Subscription, error) {
	stream, err := s.bus.JetStream().Stream(ctx, bus.StreamEvents)
	if err != nil {
		return nil, fmt.Errorf("look at the event stream: %w", err)
	}
	info := stream.CachedInfo()
	from, behind := s.index.From(info.Created, info.State.FirstSeq, info.State.LastSeq)
	running.Go(func() { s.index.Run(ctx) })
	if behind {
		running.Go(func() { s.catchUp(ctx) })
	}
	return s.bus.Watch(ctx, bus.View{
		Types:        model.Types(),
		FromSequence: from,
		See:          func(ctx context.Context, seen bus.Seen) { s.index.Apply(ctx, seen.Event, seen.Stored, seen.Sequence) },
		CaughtUp:     func() { s.ready("model", nil) },
	})
}

// catchUpAgain is the pause before the archive is read once more that could not be.
const catchUpAgain = 10 * time.Second

// catchUp reads from the archive until it succeeds, or ctx ends.
func (s *Service) catchUp(ctx context.Context) {
	for {
		err := s.index.CatchUp(ctx, s.archive)
		if err == nil || ctx.Err() != nil {
			return
		}
		s.log.Warn("read archive into the index; trying again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(catchUpAgain):
		}
	}
}

// closeIndex writes what is left of what was seen.
func (s *Service) closeIndex() {
	if err := s.index.Close(context.Background()); err != nil {
		s.log.Warn("close index", "error", err)
	}
}

// followHosts follows the registry until ctx ends. The page does without it while the
// bucket is not there.
func (s *Service) followHosts(ctx context.Context) {
	said := false
	for ctx.Err() == nil {
		kv, err := s.bus.JetStream().KeyValue(ctx, bus.BucketHosts)
		if err == nil {
			view := registry.NewView(kv, registry.ViewConfig{Log: s.log})
			s.hosts.Store(view)
			_ = view.Run(ctx) // its only error is the end of the context
			return
		}
		if !said && ctx.Err() == nil {
			said = true
			s.log.Warn("open bucket of hosts; trying again", "bucket", bus.BucketHosts, "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(catchUpAgain):
		}
	}
}

// sightings are the hosts that beat, or did lately.
func (s *Service) sightings() []registry.Sighting {
	if view := s.hosts.Load(); view != nil {
		return view.Hosts()
	}
	return nil
}
