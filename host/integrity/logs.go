package integrity

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/log"
	"github.com/fiord-bench/fiord/fio/result"
)

// directions in the order of fio's numbers.
var directions = []string{"read", "write", "trim"}

// logs holds the IOPS logs of each section against the summary and looks for
// silence in them.
func (j *judge) logs() {
	version, err := log.ParseVersion(j.Output.Version)
	if err != nil {
		return // a fio of unknown version: its logs cannot be read for certain
	}
	for i := range j.sections {
		l := sectionLogs{judge: j, version: version, section: &j.sections[i]}
		if err := l.read(); err != nil {
			j.in(is(l.section), func() { j.find("log_mismatch", events.IntegritySuspect, "%v", err) })
			continue
		}
		if len(l.all) > 0 {
			j.in(is(l.section), l.judgeLogs)
		}
	}
}

// is picks one section.
func is(s *result.Section) func(*result.Section) bool {
	return func(o *result.Section) bool { return o == s }
}

// sectionLogs are the IOPS logs of a section on their way through the checks.
type sectionLogs struct {
	*judge
	version log.Version
	section *result.Section
	all     []jobLog
	sum     *log.Rates
	window  int64 // ms, the longest of those averaged over
}

// jobLog is the log of one copy of a job.
type jobLog struct {
	spec   *job.Job
	number int64
	rates  *log.Rates
}

// read reads the logs of all copies. Where one is missing, or has a row for every
// I/O, there is nothing to hold against the summary: it leaves none then.
func (l *sectionLogs) read() error {
	for _, spec := range l.Job.Jobs() {
		window, ok := spec.Int("log_avg_msec", 0)
		first := spec.LogNumber()
		for n := first; n < first+spec.NumJobs(); n++ {
			if n < int64(l.section.FirstLog) || n > int64(l.section.LastLog) {
				continue
			}
			if !ok || window <= 0 {
				l.all = nil // counting rows again proves nothing
				return nil
			}
			l.window = max(l.window, window)
			rates, err := l.readOne(spec, n, window)
			if errors.Is(err, os.ErrNotExist) {
				l.all = nil
				return nil
			}
			if err != nil {
				return err
			}
			l.all = append(l.all, jobLog{spec, n, rates})
		}
	}
	return nil
}

func (l *sectionLogs) readOne(spec *job.Job, number, window int64) (*log.Rates, error) {
	name := fmt.Sprintf("fio_iops.%d.log", number)
	src, err := log.OpenFile(filepath.Join(l.Logs, name), log.Config{Version: &l.version, Options: &log.Options{
		Offset: spec.Bool("log_offset", false), WindowMS: int(window),
	}})
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	defer func() { _ = src.Close() }()
	rates, err := log.NewRates(log.IOPS, log.GridConfig{StepMS: max(window, 1000)})
	if err == nil {
		err = rates.Add(src, log.Track{WindowMS: int(window)})
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	return rates, nil
}

// judgeLogs holds the logs of the section against its summary, and then looks for
// silence in each.
func (l *sectionLogs) judgeLogs() {
	var err error
	if l.sum, err = log.NewRates(log.IOPS, log.GridConfig{StepMS: max(l.window, 1000)}); err != nil {
		return
	}
	for _, one := range l.all {
		if err := l.sum.Merge(one.rates); err != nil {
			l.find("log_mismatch", events.IntegritySuspect, "%v", err)
			return
		}
	}
	for n, name := range directions {
		if f := l.section.Direction(name); f != nil {
			l.compare(log.Direction(n), name, float64(f.TotalIOs), f.RuntimeMS)
		}
	}
	for _, one := range l.all {
		l.silence(one)
	}
}

// compare holds what the logs add up to against what fio counted.
func (l *sectionLogs) compare(d log.Direction, name string, counted float64, runtime int64) {
	if l.has("latency_target") { // fio counts anew at each try
		return
	}
	e := log.Evidence{Reported: counted, End: float64(runtime)}
	if l.sum.Late() {
		e.Idle, e.Known = l.idle(d)
	}
	if err := l.sum.Settle(d, e); err != nil {
		l.find("log_mismatch", events.IntegritySuspect, "%v", err)
		return
	}
	// The first and last windows may be cut. Of a section that ended within its
	// first windows there may be no row.
	slack := 2*l.sum.LastRate(d)*float64(l.window)/1000 + 4*float64(max(l.section.Copies, len(l.all)))
	if runtime < 2*l.window {
		slack += counted
	}
	sum := l.sum.Total(d)
	if sum < counted { // fio's thread may have been late with the last
		slack = max(slack, l.sum.Unlogged(d, float64(runtime)))
	}
	if math.Abs(sum-counted) > mismatch*counted+slack {
		l.find("log_mismatch", events.IntegritySuspect, "the logs add up to %.0f %ss, the summary says %.0f", sum, name, counted)
	}
}

// idle is when nothing completed by the histogram logs; known is false where
// there are none, or their intervals are too long to tell.
func (l *sectionLogs) idle(d log.Direction) (idle []log.Stretch, known bool) {
	var tracks []log.HistTrack
	for _, one := range l.all {
		every, ok := one.spec.Int("log_hist_msec", 0)
		if !ok || every <= 0 || every > log.Quiet {
			return nil, false
		}
		h, err := log.OpenHistFile(filepath.Join(l.Logs, fmt.Sprintf("fio_clat_hist.%d.log", one.number)), log.Config{})
		if err != nil {
			return nil, false
		}
		defer func() { _ = h.Close() }()
		tracks = append(tracks, log.HistTrack{Reader: h, EveryMS: every, Idle: func(of log.Direction, s log.Stretch) {
			if of == d {
				idle = append(idle, s)
			}
		}})
	}
	err := log.WalkHist(1000, tracks, func(log.HistCell) error { return nil })
	return idle, err == nil
}

// silence looks for the longest silence of a job.
func (l *sectionLogs) silence(one jobLog) {
	busy := one.rates.Busy()
	last := busy.End()
	// A job that was to last so long and left no more rows hung to its end. Of
	// a group the others may have lasted longer.
	end := min(l.timed(one.spec.Name).Seconds()*1000, float64(l.section.RuntimeMS))
	if end-last >= log.Quiet+float64(l.window) {
		last = end
	}
	var longest log.Stretch
	for _, s := range busy.Silences([]log.Stretch{{From: 0, To: last}}) {
		if s.To-s.From > longest.To-longest.From {
			longest = s
		}
	}
	silent := msec(longest.To - longest.From)
	if silent < stalled || paused(one.spec, silent) {
		return
	}
	l.find("stall", events.IntegritySuspect, "job %s (log %d): nothing completed for %s, from %s on, of %s in all",
		one.spec.Name, one.number, silent, msec(longest.From), msec(last))
}

// msec is a time in ms, to the ms.
func msec(ms float64) time.Duration { return time.Duration(math.Round(ms)) * time.Millisecond }

// paused tells whether a job that was silent so long waited on purpose.
func paused(j *job.Job, silent time.Duration) bool {
	for _, option := range []string{"thinktime", "rate", "flow", "read_iolog", "startdelay"} {
		if j.Get(option) != nil {
			return true
		}
	}
	rate := j.Get("rate_iops")
	if rate == nil {
		return false
	}
	between, known := betweenIOs(rate.Value)
	return !known || silent < rateSlack*between
}

// rateSlack is how many times longer than the time between two I/Os a job that
// keeps a rate may be silent: one that draws its times at random
// (rate_process=poisson) waits longer once in 10^8 times.
const rateSlack = 20

// betweenIOs reads rate_iops: "1000", or "1000,500,0" by direction. The slowest
// decides.
func betweenIOs(rates string) (time.Duration, bool) {
	slowest := math.Inf(1)
	for text := range strings.SplitSeq(rates, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
		if err != nil {
			return 0, false
		}
		if n > 0 {
			slowest = min(slowest, float64(n))
		}
	}
	return time.Duration(float64(time.Second) / slowest), !math.IsInf(slowest, 1)
}
