package render

import (
	"context"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/figure/catalogue"
	"github.com/fiord-bench/fiord/internal/gate"
	"github.com/fiord-bench/fiord/services/plot/archive"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/trend"
)

// Renderer draws figures of runs and benches. All methods may be called
// concurrently.
type Renderer struct {
	store   *artifacts.Store
	archive *archive.Archive
	trends  *trend.Trends
	gate    *gate.Gate
	opt     Options
	places  chan struct{} // taken while a figure is drawn on demand
}

// Options of a Renderer.
type Options struct {
	// URL of the web page, without a slash at its end.
	URL string
	// LogLimit is the most bytes of one log, expanded, that are read.
	LogLimit int64
	// AtOnce is how many figures are drawn on demand at the same time.
	AtOnce int
}

// New returns a renderer over what store, archive and trends hold. It draws while
// the gate is open.
func New(store *artifacts.Store, archive *archive.Archive, trends *trend.Trends, gate *gate.Gate, opt Options) *Renderer {
	return &Renderer{store: store, archive: archive, trends: trends, gate: gate, opt: opt, places: make(chan struct{}, opt.AtOnce)}
}

// wait waits until fewer figures are being drawn on demand than may be at the same
// time, and nothing is measured on this host.
func (r *Renderer) wait(ctx context.Context) (release func(), err error) {
	select {
	case r.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	open, err := r.gate.Render(ctx)
	if err != nil {
		<-r.places
		return nil, err
	}
	return func() { open(); <-r.places }, nil
}

// BenchOf is a bench as the catalogue draws it.
func BenchOf(b model.Bench) *catalogue.Bench {
	out := &catalogue.Bench{Name: b.Name, Origin: b.Origin, Counts: b.Counts()}
	for _, r := range b.Runs {
		out.Runs = append(out.Runs, &catalogue.Run{RunRef: r.RunRef, Completed: r.Completed})
	}
	return out
}
