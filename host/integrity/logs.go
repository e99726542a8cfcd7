package integrity

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/log"
)

// directions in the order of fio's numbers.
var directions = []string{"read", "write", "trim"}

// tally is what the IOPS logs of a run add up to, by direction.
type tally struct {
	ios   [3]float64 // integral of the rate over time
	slack [3]float64 // what the first and last windows leave open
	rows  int64
	// window is the longest of those averaged over, ms.
	window int64
}

// logs holds the IOPS logs against the summary and looks for silence in them.
func (j *judge) logs() {
	version, err := log.ParseVersion(j.Output.Version)
	if err != nil {
		return // a fio of unknown version: its logs cannot be read for certain
	}
	var sum tally
	for _, spec := range j.Job.Jobs() {
		window, ok := spec.Int("log_avg_msec", 0)
		if !ok || window <= 0 {
			return // one row for every I/O: counting them again proves nothing
		}
		first := spec.LogNumber()
		for n := first; n < first+spec.NumJobs(); n++ {
			path := filepath.Join(j.Logs, fmt.Sprintf("fio_iops.%d.log", n))
			r := reading{judge: j, spec: spec, number: n, window: uint64(window), sum: &sum} //nolint:gosec // positive
			sum.window = max(sum.window, window)
			switch err := r.read(path, version); {
			case errors.Is(err, os.ErrNotExist):
				return // not all jobs write the log
			case err != nil:
				j.find("log_mismatch", events.IntegritySuspect, "%s cannot be read: %v", filepath.Base(path), err)
				return
			}
		}
	}
	if sum.rows > 0 && !j.has("latency_target") { // which counts anew at each try
		j.compare(sum)
	}
}

func (j *judge) compare(sum tally) {
	var total [3]float64
	for i := range j.Output.Jobs {
		r := &j.Output.Jobs[i]
		if !r.Mixed.IsZero() {
			return // directions are not told apart in the summary
		}
		for n, name := range directions {
			if d := r.Directions()[name]; d != nil {
				total[n] += float64(d.IOs)
			}
		}
	}
	for i := range j.sections {
		for n, name := range directions {
			// Of a section that ended within its first windows there may be no row.
			if f := j.sections[i].Direction(name); f != nil && f.RuntimeMS < 2*sum.window {
				sum.slack[n] += float64(f.TotalIOs)
			}
		}
	}
	for n, name := range directions {
		apart := sum.ios[n] - total[n]
		if apart < 0 {
			apart = -apart
		}
		if apart > mismatch*total[n]+sum.slack[n] {
			j.find("log_mismatch", events.IntegritySuspect,
				"the logs add up to %.0f %ss, the summary says %.0f", sum.ios[n], name, total[n])
		}
	}
}

// reading is one log on its way through the checks.
type reading struct {
	*judge
	spec   *job.Job
	number int64
	window uint64 // ms
	sum    *tally

	last     uint64     // time of the latest row, ms
	previous [3]uint64  // of each direction
	rate     [3]float64 // latest value
	silence  uint64     // longest, ms
	at       uint64     // where it began, ms
}

func (r *reading) read(path string, version log.Version) error {
	l, err := log.OpenFile(path, log.Config{Version: &version, Options: &log.Options{
		Offset: r.spec.Bool("log_offset", false), WindowMS: int(r.window), //nolint:gosec // a small number of ms
	}})
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	samples := make([]log.Sample, 1024)
	for {
		n, err := l.Read(samples)
		for _, s := range samples[:n] {
			r.row(s)
		}
		if errors.Is(err, io.EOF) {
			r.end()
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// row adds one window.
func (r *reading) row(s log.Sample) {
	d := int(s.Dir)
	if d >= len(directions) {
		return
	}
	r.sum.rows++
	r.sum.ios[d] += float64(s.Value) * log.Span(float64(s.Time)-float64(r.previous[d]), float64(r.window)) / 1000
	if s.Time > r.last {
		if gap := s.Time - r.last; gap > 2*r.window && gap > r.silence {
			r.silence, r.at = gap-r.window, r.last
		}
		r.last = s.Time
	}
	r.previous[d], r.rate[d] = s.Time, float64(s.Value)
}

// end closes the log: its first and last windows may be cut.
func (r *reading) end() {
	for d := range directions {
		r.sum.slack[d] += 2 * r.rate[d] * float64(r.window) / 1000
	}
	silent := time.Duration(r.silence) * time.Millisecond //nolint:gosec // bounded by the run's length
	if silent < stalled || paused(r.spec, silent) {
		return
	}
	r.in(ofLog(r.number), func() { r.stall(silent) })
}

// stall tells of a silence.
func (r *reading) stall(silent time.Duration) {
	from := time.Duration(r.at) * time.Millisecond //nolint:gosec // bounded by the run's length
	r.find("stall", events.IntegritySuspect, "job %s (log %d): nothing completed for %s, from %s on, of %s in all",
		r.spec.Name, r.number, silent, from, time.Duration(r.last)*time.Millisecond) //nolint:gosec // bounded by the run's length
}

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
