package report

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/archive"
	"github.com/fiord-bench/fiord/services/plot/model"
	"github.com/fiord-bench/fiord/services/plot/render"
)

// Reporter ends benches. All methods may be called concurrently, by any number of
// replicas.
type Reporter struct {
	bus        *bus.Bus
	store      *artifacts.Store
	archive    *archive.Archive
	figures    *render.Renderer
	model      *model.Model // of the page
	opt        Options
	placements placements
	known      latencies

	stream  jetstream.Stream // of the bucket; set by Open before anything reads it
	counted jetstream.KeyValue
	counts  sharedCount
}

// Options of a Reporter.
type Options struct {
	// URL of the web page, without a slash at its end.
	URL string
	// Grace is how long a cancelled bench is given to be placed after all.
	Grace time.Duration
	// Threshold is the least relative shift that is reported when a bench names
	// none.
	Threshold float64
	// ConfirmAfter is how long after a bench what regressed is measured again where
	// its job files are the baseline's, so that the machine is in question.
	ConfirmAfter time.Duration
	// ReposFile is the operator's policy, which says who may accept a baseline;
	// empty allows any person.
	ReposFile string
	// LogLimit is the most bytes of one object, expanded, that are read.
	LogLimit int64
}

// New returns a reporter. Open has to be called before it reacts to events.
func New(b *bus.Bus, store *artifacts.Store, kept *archive.Archive, figures *render.Renderer, memory *model.Model, opt Options) *Reporter {
	return &Reporter{bus: b, store: store, archive: kept, figures: figures, model: memory, opt: opt}
}

// Open binds the bucket in which runs that plot is done with are counted.
func (r *Reporter) Open(ctx context.Context) error {
	var err error
	if r.counted, err = r.bus.KeyValue(ctx, bus.BucketDrawn); err != nil {
		return fmt.Errorf("open bucket %s: %w", bus.BucketDrawn, err)
	}
	if r.stream, err = r.bus.JetStream().Stream(ctx, "KV_"+bus.BucketDrawn); err != nil {
		return fmt.Errorf("open bucket %s: %w", bus.BucketDrawn, err)
	}
	return nil
}
