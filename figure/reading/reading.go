package reading

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/log"
	"github.com/fiord-bench/fiord/fio/result"
)

// Log is one log file of a run.
type Log struct {
	// Name as fio made it, such as fio_bw.1.log, perhaps in a folder.
	Name string
	// Open begins to read it, as text or compressed.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Options bound what is read.
type Options struct {
	// MaxBytes of one log, expanded; 0 for the default of package log.
	MaxBytes int64
	// Workers read logs side by side; 0 for one per core.
	Workers int
	// From and To, when To is the later one, cut a stretch out of the run and
	// show it on a finer grid.
	From, To time.Duration
	// Damaged asks for what can be read of a log that breaks off or is damaged,
	// with a flag. Without it such a log is an error: what a store keeps is whole,
	// and a reader that fails is the store's failure.
	Damaged bool
}

// zoomed tells that only a stretch is wanted.
func (o Options) zoomed() bool { return o.To > o.From }

// Run is what was read of a run.
type Run struct {
	// Step is the width of the grid's intervals.
	Step time.Duration
	// Rates hold IOPS and Bandwidth by direction, in runs of several sections by
	// section/direction; one without I/Os is left out.
	IOPS, Bandwidth map[string]figure.Series
	// Means are mean latencies, Highest the greatest seen, of the kind MeansOf.
	Means, Highest map[string]figure.Series
	MeansOf        result.LatencyKind
	// Completion are mean completion latencies, where Means are total ones and
	// fio logged both: what lies between them was waited for in submission.
	Completion map[string]figure.Series
	// Heat are the completion latencies of each interval of HeatStep by direction, from
	// histogram logs; empty without them.
	Heat     map[string][]figure.Distribution
	HeatFrom time.Duration
	HeatStep time.Duration
	// Length is the time from the first section's begin to the last one's end, 0
	// when it is unknown. All figures over time show just that.
	Length time.Duration
	// Silent are the stretches of a second and more in which a section ran and
	// nothing completed, nil if there are no logs of rates. They begin and end
	// within a window of the logs of where they did.
	Silent [][2]time.Duration
	// Lines read in all logs together.
	Lines int64
	// Flags say what is wrong, Notes what should be known.
	Flags, Notes []string

	names  []string
	ends   map[string]time.Duration // of what names says
	busy   log.Busy                 // when something completed
	active []log.Stretch            // when something should have
}

// End is when the section of a series ended, 0 when it is unknown.
func (run *Run) End(name string) time.Duration { return run.ends[name] }

// Directions in the order in which they are shown.
func Directions() []string { return []string{"read", "write", "trim"} }

// read reads the logs of one stretch.
func (r *reader) read(ctx context.Context, logs []Log) (*Run, error) {
	byKind := map[string][]numbered{}
	for _, l := range logs {
		file, ok := job.ParseLogName(base(l.Name))
		if !ok {
			r.note(fmt.Sprintf("%s: not a name that fio gives its logs", l.Name))
			continue
		}
		n := max(file.Number-r.first+1, 0)
		r.logs = max(r.logs, n)
		byKind[file.Kind] = append(byKind[file.Kind], numbered{Log: l, number: n})
	}
	r.run.MeansOf = result.TotalLatency
	if n := len(byKind["lat"]); n < len(byKind["clat"]) || n == 0 { // not of all jobs
		r.run.MeansOf = result.CompletionLatency
	}
	if err := r.readAll(ctx, byKind); err != nil {
		return nil, err
	}
	return r.finish(), nil
}

// numbered is a log with the number of its job.
type numbered struct {
	Log
	number int
	again  bool // it is read for another purpose too, which keeps what is odd about it
}

// reader is a reading under way.
type reader struct {
	doc     *result.Document
	section string // "" in a run of one
	shift   int64  // ms from the run's begin to the section's
	first   int    // number of the section's first log
	opt     Options
	config  log.Config
	options []log.Options // of fio's entries
	logs    int           // the greatest number of a log
	window  int           // ms, 0 for a line per I/O, or log.WindowUnknown
	histMS  int64
	step    int64

	mu    sync.Mutex
	rates map[log.Kind]*log.Rates
	jobs  map[int]*log.Rates  // IOPS of each job, the weights of its latencies
	last  map[log.Kind]uint64 // latest time in the logs of a kind
	run   Run
	idle  [3][]log.Stretch // by direction, as histograms show

	total, completion means
}

// means gathers the latencies of one kind. Its lock is held while a log is
// added: that is the whole work, so the logs of several jobs take turns, beside
// those of other kinds.
type means struct {
	mu   sync.Mutex
	grid *log.Means // nil before the first log
}

func newReader(s stretch, span int64, opt Options) *reader {
	doc := s.doc
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	r := &reader{doc: doc, section: s.name, shift: s.shift, first: s.first, opt: opt, config: log.Config{MaxBytes: opt.MaxBytes}, window: log.WindowUnknown,
		rates: map[log.Kind]*log.Rates{}, jobs: map[int]*log.Rates{}, last: map[log.Kind]uint64{}}
	if doc == nil {
		r.plan(span)
		return r
	}
	if v, err := log.ParseVersion(doc.FioVersion); err == nil {
		r.config.Version = &v
	}
	r.options, r.window = logOptions(doc)
	r.histMS = int64(number(doc, "log_hist_msec"))
	r.plan(span)
	return r
}

// readAll reads the logs side by side. Averaged latencies need their job's IOPS
// as weights, so those come first; a line for each I/O weighs one by itself.
func (r *reader) readAll(ctx context.Context, logs map[string][]numbered) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.opt.Workers)
	var counted sync.WaitGroup
	counted.Add(len(logs["iops"]))
	for _, l := range logs["iops"] {
		group.Go(func() error { defer counted.Done(); return r.rate(ctx, log.IOPS, l) })
	}
	for _, l := range logs["bw"] {
		group.Go(func() error { return r.rate(ctx, log.Bandwidth, l) })
	}
	r.rateEach(ctx, group, logs)
	if r.window != 0 {
		counted.Wait()
	}
	for _, l := range logs["lat"] {
		group.Go(func() error { return r.latency(ctx, &r.total, l) })
	}
	for _, l := range logs["clat"] {
		group.Go(func() error { return r.latency(ctx, &r.completion, l) })
	}
	if hists := logs["clat_hist"]; len(hists) > 0 {
		group.Go(func() error { return r.readHeat(ctx, hists) })
	}
	return group.Wait()
}

// rateEach counts the I/Os of latency logs with a line for each, where there are
// no logs of rates: each line has its size.
func (r *reader) rateEach(ctx context.Context, group *errgroup.Group, logs map[string][]numbered) {
	if r.window != 0 {
		return
	}
	each := logs["lat"]
	if len(each) == 0 {
		each = logs["clat"]
	}
	for kind, own := range map[log.Kind][]numbered{log.IOPS: logs["iops"], log.Bandwidth: logs["bw"]} {
		if len(own) > 0 {
			continue
		}
		for _, l := range each {
			l.again = true
			group.Go(func() error { return r.rate(ctx, kind, l) })
		}
	}
}

// rate adds one log of bandwidth or IOPS to the grid.
func (r *reader) rate(ctx context.Context, kind log.Kind, l numbered) error {
	own, err := log.NewRates(kind, log.GridConfig{StepMS: r.step})
	if err != nil {
		return err
	}
	var last lastTime
	ok, err := r.each(ctx, l, func(src log.Source) error {
		last.Source = src
		return own.Add(&last, log.Track{WindowMS: r.window, ShiftMS: r.shift})
	})
	if err != nil || !ok {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[kind] = max(r.last[kind], last.ms)
	if kind == log.IOPS {
		r.jobs[l.number] = own
	}
	if r.rates[kind] == nil {
		if r.rates[kind], err = log.NewRates(kind, log.GridConfig{StepMS: r.step}); err != nil {
			return err
		}
	}
	return r.flagGrid(l.Name, r.rates[kind].Merge(own))
}

// latency adds one latency log to the grid of its kind.
func (r *reader) latency(ctx context.Context, m *means, l numbered) error {
	var weights *log.Rates
	if r.window != 0 {
		r.mu.Lock()
		weights = r.jobs[l.number]
		r.mu.Unlock()
	}
	_, err := r.each(ctx, l, func(src log.Source) (err error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.grid == nil {
			if m.grid, err = log.NewMeans(log.GridConfig{StepMS: r.step}); err != nil {
				return err
			}
		}
		return m.grid.Add(src, log.Track{WindowMS: r.window, ShiftMS: r.shift}, weights)
	})
	return err
}

// each opens a log, has it read, and keeps what the reader met. ok is false for
// a log that makes no sense, which is flagged.
func (r *reader) each(ctx context.Context, l numbered, read func(log.Source) error) (ok bool, err error) {
	body, err := l.Open(ctx)
	if err != nil {
		return false, fmt.Errorf("open log %s: %w", l.Name, err)
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	opened, err := log.Open(body, r.configOf(l.number))
	if err != nil && r.opt.Damaged && ctx.Err() == nil {
		r.locked(func() { r.flag(l.Name + ": " + err.Error()) })
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read log %s: %w", l.Name, err)
	}
	err = read(opened)
	closed := opened.Close()
	if !l.again {
		r.met(l.Name, opened.Stats(), opened.Layout())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, log.ErrGrid) || errors.Is(err, log.ErrTooLarge):
		return false, r.flagGrid(l.Name, err)
	case err == nil:
		err = closed // of an archive that is read to its end
	}
	if err != nil && r.opt.Damaged && ctx.Err() == nil {
		r.flag(fmt.Sprintf("%s: breaks off after %s lines (%v); what comes before is shown", l.Name, figure.Grouped(positive(opened.Stats().Lines)), err))
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read log %s: %w", l.Name, err)
	}
	return true, nil
}

func positive(n int64) uint64 { return uint64(max(n, 0)) } // #nosec G115 -- not negative

// shownExamples is how many malformed lines of a log are shown.
const shownExamples = 3

// met keeps what is odd about a log.
func (r *reader) met(name string, s log.Stats, layout log.Layout) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.run.Lines += s.Lines
	if s.Malformed > 0 {
		text := fmt.Sprintf("%s: %d of %d lines could not be read", name, s.Malformed, s.Lines)
		for _, e := range s.Examples[:min(len(s.Examples), shownExamples)] {
			text += fmt.Sprintf("; line %d: %s: %.60q", e.Line, e.Why, e.Text)
		}
		r.run.Flags = append(r.run.Flags, text)
	}
	if s.Rewinds > 0 {
		r.flag(fmt.Sprintf("%s: time goes back %s, as in a log that was appended to", name, times(s.Rewinds)))
	}
	if layout.Guess != "" && s.Samples > 0 {
		r.run.Notes = append(r.run.Notes, name+": "+layout.Guess)
	}
}

func times[N int | int64](n N) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// flagGrid turns a log that no grid can hold into a flag.
func (r *reader) flagGrid(name string, err error) error {
	if errors.Is(err, log.ErrGrid) || errors.Is(err, log.ErrTooLarge) {
		r.flag(name + ": " + err.Error())
		return nil
	}
	return err
}

func (r *reader) flag(text string) { r.run.Flags = append(r.run.Flags, text) }
func (r *reader) note(text string) { r.run.Notes = append(r.run.Notes, text) }
