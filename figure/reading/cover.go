package reading

import (
	"math"
	"time"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/fio/log"
)

// lastTime is a source that remembers the latest time it has read.
type lastTime struct {
	log.Source
	ms uint64
}

// Read reads on and looks at the times.
func (l *lastTime) Read(dst []log.Sample) (int, error) {
	n, err := l.Source.Read(dst)
	for i := range dst[:n] {
		l.ms = max(l.ms, dst[i].Time)
	}
	return n, err
}

// cover makes a series of rates end where the run did. fio does not log a last
// window that is not full, so the last interval of the grid may be covered in
// part: its rate is that of the covered part, or it is left out when less than
// half of it is covered, rather than shown as a drop. And a job that stalled to
// its end logs nothing from there on: the intervals up to its runtime are zero.
// logged is the last time in the logs and runtime fio's, both in ms; runtime is
// 0 when it is unknown.
//
// A section that begins within an interval covers its first one in part too.
func (r *reader) cover(s figure.Series, logged float64) figure.Series {
	if s.Start > epoch {
		return s
	}
	shift, runtime, window := float64(r.shift), r.runtime(), r.window
	if runtime > 0 {
		runtime += shift
	}
	return begin(cover(s, logged+shift, runtime, window), shift)
}

// begin makes a series of rates begin where its section did, in ms: of a first
// interval that is covered in part the rate is that of the part, unless it is too
// small to tell.
func begin(s figure.Series, from float64) figure.Series {
	step, start := float64(s.Step.Milliseconds()), float64(s.Start.Milliseconds())
	if from <= start || from >= start+step || len(s.Values) < 2 {
		return s
	}
	part := (start + step - from) / step
	s.Values = append([]float64(nil), s.Values...)
	if part >= 0.5 {
		s.Values[0] /= part
		return s
	}
	// What little it holds belongs to the next interval, which is as much longer.
	s.Values[1] = (s.Values[0] + s.Values[1]) / (1 + part)
	s.Values, s.Start = s.Values[1:], s.Start+s.Step
	return s
}

func cover(s figure.Series, logged, runtime float64, window int) figure.Series {
	n, step, start := len(s.Values), float64(s.Step.Milliseconds()), float64(s.Start.Milliseconds())
	if n == 0 || step <= 0 || s.Start > epoch {
		return s
	}
	end := logged
	if window == 0 { // a line for each I/O: all there was is there
		end = max(logged, runtime)
	}
	values := append([]float64(nil), s.Values...)
	if runtime > logged+1.5*float64(max(window, 0)) {
		silent := int(math.Floor((runtime-start)/step)) - n
		if silent > 0 && silent < log.DefaultMaxCells-n {
			values = append(values, make([]float64, silent)...)
			end = runtime
		}
	}
	begin := start + float64(len(values)-1)*step
	switch part := (end - begin) / step; {
	case part >= 1 || part <= 0:
	case part >= 0.5:
		values[len(values)-1] /= part
	case len(values) > 1:
		values = values[:len(values)-1]
	}
	s.Values = values
	return s
}

// crop cuts a stretch out of all series. The histograms were read for it alone.
func (run *Run) crop(from, to time.Duration) {
	run.Length = 0 // the axis is the stretch's
	silent := run.Silent[:0]
	for _, s := range run.Silent {
		if s[0], s[1] = max(s[0], from), min(s[1], to); s[0] < s[1] {
			silent = append(silent, s)
		}
	}
	run.Silent = silent
	for _, m := range run.maps() {
		for name, s := range m {
			first := min(max(int((from-s.Start)/s.Step), 0), len(s.Values))
			last := min(max(int((to-s.Start+s.Step-1)/s.Step), first), len(s.Values))
			s.Values, s.Start = s.Values[first:last], s.Start+time.Duration(first)*s.Step
			m[name] = s
		}
	}
}
