package gc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/internal/bus"
)

// Options say what is old enough to go.
type Options struct {
	// OlderThan is the age at which artifacts of benches go, counted from the
	// bench's end.
	OlderThan time.Duration
	// Grace is the age below which no object is touched, whoever wrote it.
	Grace time.Duration
	// Delete removes; otherwise it is only told what would go.
	Delete bool
	// Archive removes the archived events of benches as well.
	Archive bool
	// Now is the time to count from; the zero time is the present.
	Now time.Time
	// Goes, if set, is told of each thing that goes, one after the other. With
	// Delete it has gone when it is told.
	Goes func(Thing) error
}

// Validate reports every option that is out of range.
func (o Options) Validate() error {
	var errs []error
	if o.OlderThan <= 0 {
		errs = append(errs, fmt.Errorf("older than %v: must be more than nothing", o.OlderThan))
	}
	if o.Grace < 0 {
		errs = append(errs, fmt.Errorf("grace %v: must not be negative", o.Grace))
	}
	return errors.Join(errs...)
}

// Thing is what goes together: the files of a run, bench or inventory that are
// below one prefix.
type Thing struct {
	// Name is its prefix and id, as in runs/host.<token>/<run>.
	Name string `json:"name"`
	Count
}

// Count adds up objects.
type Count struct {
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
}

func (c *Count) add(size int64) { c.Objects++; c.Bytes += size }

// Tally is what was found below one prefix.
type Tally struct {
	Prefix string `json:"prefix"`
	Goes   Count  `json:"goes"`
	Stays  Count  `json:"stays"`
}

// Report is what a collection did, or would do.
type Report struct {
	// Deleted tells whether what goes has gone.
	Deleted bool `json:"deleted"`
	// Before is the time before which a bench must have ended to go.
	Before time.Time `json:"before"`
	// Baselines counts the benches that stay for the sake of others.
	Baselines int     `json:"baselines"`
	Prefixes  []Tally `json:"prefixes"`
	Total     Tally   `json:"total"`
}

// Prefixes are those below which objects are removed, in the order of reports.
// Whoever collects must be allowed to remove there, and to read everything.
func Prefixes() []string {
	return []string{
		artifacts.PrefixRuns, artifacts.PrefixPlots, artifacts.PrefixReports, artifacts.PrefixPlacements,
		artifacts.PrefixInventories, artifacts.PrefixRequests, artifacts.PrefixJobs, artifacts.PrefixArchive,
	}
}

// collector is one collection.
type collector struct {
	opt   Options
	store *artifacts.Store
	pins  *pins
	ends  ends

	limit     time.Time // what is younger stays
	forgotten time.Time // what is younger may be replayed from the stream

	mu        sync.Mutex
	report    Report
	clinging  map[string]bool // benches whose runs still have objects
	lingering map[string]bool // those runs, as far as their benches may go
}

// parallel is how many objects are read, and things judged and removed, at once.
const parallel = 16

// Collect removes what is old and referred to by nothing, or tells what would
// go. It may be ended at any time and called again: what has gone has gone, and
// the rest is judged anew. The errors are those of package artifacts, and
// whatever makes a reference unreadable: nothing is removed on a guess.
func Collect(ctx context.Context, b *bus.Bus, store *artifacts.Store, opt Options) (Report, error) {
	if err := opt.Validate(); err != nil {
		return Report{}, fmt.Errorf("configure collection: %w", err)
	}
	if opt.Now.IsZero() {
		opt.Now = time.Now()
	}
	c := &collector{
		opt: opt, store: store, pins: newPins(), clinging: map[string]bool{}, lingering: map[string]bool{},
		limit: opt.Now.Add(-max(opt.OlderThan, opt.Grace)),
	}
	c.report.Deleted, c.report.Before = opt.Delete, c.limit.UTC()
	for _, prefix := range Prefixes() {
		c.report.Prefixes = append(c.report.Prefixes, Tally{Prefix: prefix})
	}
	if err := c.remembered(ctx, b); err != nil {
		return c.report, err
	}
	stop, err := c.pins.follow(ctx, b)
	if err != nil {
		return c.report, err
	}
	defer stop()
	if err := c.mark(ctx); err != nil {
		return c.report, fmt.Errorf("find what is referred to: %w", err)
	}
	err = c.sweep(ctx)
	return c.sum(), err
}

// remembered finds out how far back the stream can replay.
func (c *collector) remembered(ctx context.Context, b *bus.Bus) error {
	stream, err := b.JetStream().Stream(ctx, bus.StreamEvents)
	if err != nil {
		return fmt.Errorf("ask how long events are kept: %w", err)
	}
	// Without a limit of age everything can be replayed, and the zero time
	// stands: nothing is older.
	if kept := stream.CachedInfo().Config.MaxAge; kept > 0 {
		c.forgotten = c.opt.Now.Add(-max(kept, c.opt.OlderThan, c.opt.Grace))
	}
	return nil
}

// sum completes the report.
func (c *collector) sum() Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Baselines = c.pins.baselines()
	for _, t := range c.report.Prefixes {
		c.report.Total.Goes.Objects += t.Goes.Objects
		c.report.Total.Goes.Bytes += t.Goes.Bytes
		c.report.Total.Stays.Objects += t.Stays.Objects
		c.report.Total.Stays.Bytes += t.Stays.Bytes
	}
	return c.report
}

// count adds objects to the tally of a prefix and tells of what goes.
func (c *collector) count(prefix string, stays Count, goes Thing) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.report.Prefixes[slices.Index(Prefixes(), prefix)]
	t.Stays.Objects += stays.Objects
	t.Stays.Bytes += stays.Bytes
	t.Goes.Objects += goes.Objects
	t.Goes.Bytes += goes.Bytes
	if goes.Objects == 0 || c.opt.Goes == nil {
		return nil
	}
	return c.opt.Goes(goes)
}
