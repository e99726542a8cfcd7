package log

import "math"

// late is a row of an averaged log that came two windows or more after the one
// before it. fio writes such a row in three cases, in which its value means three
// things:
//
//   - nothing completed for a while, and fio looked at its counters all the same:
//     the rate is that of the last window;
//   - fio's thread that looks was late, on a busy machine, while I/Os went on: the
//     rate is that of the whole time;
//   - the whole process was stopped, with its machine or by a signal: the rate is
//     that of the whole time too, but what completed did so before the stop, and
//     at once when it ended.
type late struct {
	dir      Direction
	from, to float64 // the last window
	since    float64 // end of the row before
	before   float64 // amount per ms in the row before
	amount   float64 // of the last window
	as       meaning
	until    float64 // when it was stopped, by another log; 0 if unknown
}

type meaning uint8

const (
	asWindow meaning = iota
	asWhole
	asStop
)

// maxLate is how many late rows of a grid are kept apart. Those beyond are taken
// for the first case.
const maxLate = 1 << 14

// whole is what the row stands for if its rate is that of the whole time.
func (l *late) whole() float64 { return l.amount * (l.to - l.since) / (l.to - l.from) }

// more is how much that is beyond the last window's.
func (l *late) more() float64 { return l.whole() - l.amount }

// stopped is how long the job went on before it was stopped, at the rate that it
// had, and how much it did then. The rest was done when it went on.
func (l *late) stopped() (ms, amount float64) {
	if l.before <= 0 {
		return 0, 0
	}
	longest := l.to - l.from
	if l.until > l.since {
		longest = min(longest, l.until-l.since)
	}
	amount = min(l.whole(), l.before*longest)
	return amount / l.before, amount
}

// steadyShare is the share of the rate before from which on a late row looks like
// one of a job that went on, rather than one that was stopped.
const steadyShare = 0.6

// Evidence is what is known of a direction besides its log of rates.
type Evidence struct {
	// Reported is how many I/Os or bytes fio counted.
	Reported float64
	// End is when the job ended, in ms on the grid's time; 0 if unknown. What
	// lies between the last row and it is not in the log.
	End float64
	// Idle are times without a completion, by another log; Known says that there
	// is such a log.
	Idle  []Stretch
	Known bool
}

// Settle decides what the late rows of a direction stand for, by what fio
// counted in all: what brings the log nearer to that is taken. Call it once, when
// all logs are added. It settles the rows of the grids that were merged into this
// one too, as far as their Busy goes.
func (r *Rates) Settle(d Direction, e Evidence) error {
	var whole, stop []*late
	for _, l := range r.late {
		switch {
		case l.dir != d || l.as != asWindow:
		case e.Known && !overlaps(e.Idle, l.since, l.to), !e.Known && l.amount >= steadyShare*l.before*(l.to-l.from):
			whole = append(whole, l)
		default:
			l.until = idleFrom(e.Idle, l.since, l.to)
			stop = append(stop, l)
		}
	}
	// What lies behind the last rows is missing for no other reason.
	missing, unlogged := e.Reported-r.Total(d), r.Unlogged(d, e.End)
	off := func(missing float64) float64 {
		if missing >= unlogged/2 {
			missing -= unlogged
		}
		return math.Abs(missing)
	}
	for _, group := range []struct {
		rows []*late
		as   meaning
	}{{whole, asWhole}, {stop, asStop}} {
		more := 0.0
		for _, l := range group.rows {
			more += l.more()
		}
		if more <= 0 || off(missing-more) >= off(missing) || off(missing-more) > max(more/2, tolerated*e.Reported) {
			continue
		}
		missing -= more
		for _, l := range group.rows {
			if err := r.settle(l, group.as); err != nil {
				return err
			}
		}
	}
	if missing >= unlogged/2 {
		return r.goOn(d, e.End, missing)
	}
	return nil
}

// goOn spreads what is missing over the time behind the last rows, where that is
// more than an unfinished window: fio's thread was late, and the job ended before
// it looked again.
func (r *Rates) goOn(d Direction, end, missing float64) error {
	unlogged := r.Unlogged(d, end)
	for _, l := range r.last[d] {
		if end-l.to <= 1.5*(l.to-l.from) || !mayBeLate(end-l.to, l.to-l.from, end) || unlogged <= 0 {
			continue
		}
		if err := r.spread(&r.dirs[d], l.to, end, min(missing/unlogged, 1.5)*l.rate*(end-l.to)); err != nil {
			return err
		}
		l.until = end
	}
	return nil
}

// Reach is where the logs end, with what was settled; 0 without rows.
func (r *Rates) Reach() float64 {
	end := 0.0
	for _, logs := range r.last {
		for _, l := range logs {
			end = max(end, l.to, l.until)
		}
	}
	return end
}

// tolerated is the share of all by which a log may differ from the summary once
// its late rows are settled.
const tolerated = 0.02

// Late reports whether there are late rows to settle.
func (r *Rates) Late() bool { return len(r.late) > 0 }

// LastRate is what all logs of a direction did in their last rows, per second.
func (r *Rates) LastRate(d Direction) float64 {
	sum := 0.0
	for _, l := range r.last[d] {
		sum += 1000 * l.rate
	}
	return sum
}

// Logs is how many logs have rows of a direction.
func (r *Rates) Logs(d Direction) int { return len(r.last[d]) }

// maxBehind is how many windows fio's thread may be late with its last row. A log
// that ends earlier is cut, or its job hung.
const maxBehind = 5

// mayBeLate reports whether a thread that was late explains a log that ends so far
// behind, in ms: no more than [maxBehind] windows, and beyond an unfinished one no
// more than two fifths of what there was to log. A job that syncs each write on a
// busy disk has been seen a third behind; half a log is a log that was cut.
func mayBeLate(behind, window, end float64) bool {
	return behind > 0 && behind <= min(maxBehind*window, max(1.5*window, 0.4*end))
}

// Unlogged is what the time behind the last rows holds at most, up to an end in
// ms: fio logs no window that is not over.
func (r *Rates) Unlogged(d Direction, end float64) float64 {
	sum := 0.0
	for _, l := range r.last[d] {
		if behind := end - max(l.to, l.until); mayBeLate(behind, l.to-l.from, end) {
			sum += l.rate * behind
		}
	}
	return sum
}

// overlaps reports whether an idle time takes up half of a stretch.
func overlaps(idle []Stretch, from, to float64) bool {
	for _, s := range idle {
		if min(s.To, to)-max(s.From, from) >= (to-from)/2 {
			return true
		}
	}
	return false
}

// idleFrom is when a stretch's longest idle time begins; 0 if there is none.
func idleFrom(idle []Stretch, from, to float64) float64 {
	at, longest := 0.0, 0.0
	for _, s := range idle {
		if d := min(s.To, to) - max(s.From, from); d > longest {
			at, longest = max(s.From, from), d
		}
	}
	return at
}

// settle moves what a late row stands for.
func (r *Rates) settle(l *late, as meaning) error {
	c := &r.dirs[l.dir]
	if err := r.spread(c, l.from, l.to, -l.amount); err != nil {
		return err
	}
	for i, v := range c.values { // what rounding leaves
		if v < 0 {
			c.values[i] = 0
		}
	}
	l.as = as
	if as == asWhole {
		return r.spread(c, l.since, l.to, l.whole())
	}
	ms, before := l.stopped()
	if err := r.spread(c, l.since, l.since+ms, before); err != nil {
		return err
	}
	return r.put(c, math.Nextafter(l.to, l.from), l.whole()-before)
}

// Busy is when something completed, in any direction.
func (r *Rates) Busy() *Busy {
	out := &Busy{}
	out.Merge(&r.busy)
	for _, l := range r.late {
		switch l.as {
		case asWhole:
			out.Add(l.since, l.to)
		case asStop:
			ms, _ := l.stopped()
			out.Add(l.since, l.since+ms)
			out.Add(l.to, l.to)
		default:
			out.Add(l.from, l.to)
		}
	}
	for _, logs := range r.last {
		for _, l := range logs {
			out.Add(l.to, max(l.to, l.until))
		}
	}
	return out
}
