package level

import "math"

// Enough is how many sessions a level needs before a new one is held against it.
const Enough = 8

// Lasting is how many sessions in a row must be shifted to one side for the
// level to move there.
const Lasting = 5

// together is how many of the newest sessions are at most tested as one.
const together = 3

// Answer is what a comparison came to.
type Answer string

// The answers.
const (
	// TooFew: the level has fewer than [Enough] sessions.
	TooFew Answer = "too_few"
	// Shifted: the change is at least the threshold and beyond what the machine
	// does by itself.
	Shifted Answer = "shifted"
	// Equal: the change is within the threshold.
	Equal Answer = "equal"
	// Undecided: neither.
	Undecided Answer = "undecided"
)

// Options of a judgement.
type Options struct {
	// Threshold is the least relative change that is reported, such as 0.05.
	// It must be between 0 and 1, both excluded.
	Threshold float64
	// LowerIsBetter holds for latencies.
	LowerIsBetter bool
	// Tail holds for percentiles far above the median, which stalls only ever raise:
	// sessions are compared by their lower repeats, and stray ones are counted.
	Tail bool
}

// log is the threshold on logarithms: that of a loss, which is the larger.
func (o Options) log() float64 { return -math.Log(1 - o.Threshold) }

// Judgement is what one session says against the level before it.
type Judgement struct {
	Answer Answer
	// Change is relative, such as -0.1 for ten percent less, with its 95%
	// interval [Low, High]; of the session alone, unless Shifted by Together
	// sessions.
	Change, Low, High float64
	// P is the one-sided p-value of the strongest test, weighed by its share of
	// the error; 1 if there was no test.
	P float64
	// Better says on which side of the level the change is.
	Better bool
	// Together is how many of the newest sessions show the change: 1 to 3 for a
	// step, more where Drift.
	Together int
	// Drift says that the sessions crept along a line.
	Drift bool
	// Strays says that more repeats than before lie far above the others.
	Strays bool
	// Level is the reference, before the sessions that Together counts.
	Level Level
	// Moved says that the shift has lasted, and that the level of later
	// sessions begins with it.
	Moved bool
	// More is how many further sessions like the newest would decide; 0 if
	// decided, or if it cannot be said.
	More int

	limit float64 // P below it rejects when judged alone
	large bool    // the change is at least the threshold
}

// Follow judges each session of a series, oldest first, against those before
// it. Sessions without a usable value are Undecided and change nothing.
func Follow(sessions []Session, opt Options) []Judgement {
	f := follower{opt: opt}
	out := make([]Judgement, len(sessions))
	for i, s := range sessions {
		out[i] = f.next(i, s)
	}
	return out
}

// follower is the state between two sessions of a series.
type follower struct {
	opt     Options
	ref     reference
	recent  []float64 // the newest locations as measured, unclipped
	shifted []summary // the sessions since the series has been shifted to one side
	since   int       // the index of the first of them
}

// next judges a session and takes it in.
func (f *follower) next(i int, s Session) Judgement {
	sum, ok := s.summarise(f.opt.Tail)
	if !ok {
		return Judgement{Answer: Undecided, P: 1, Level: f.ref.level()}
	}
	if s.Accepted {
		f.ref, f.recent, f.shifted = reference{first: i}, nil, nil
	}
	f.recent = append(f.recent, sum.location)
	if len(f.recent) > together {
		f.recent = f.recent[1:]
	}
	j := f.judge(sum)
	j.Moved = f.take(i, sum, j)
	return j
}

// take adds a judged session to the level and reports whether the level moved.
func (f *follower) take(i int, sum summary, j Judgement) bool {
	above := j.Strays || sum.location > mean(append(f.ref.values, sum.location))
	if j.Answer != Shifted {
		f.shifted = nil
		f.ref.add(sum)
		return false
	}
	if n := len(f.shifted); n == 0 || above != (f.shifted[n-1].location > mean(f.ref.values)) {
		f.shifted, f.since = nil, i
	}
	f.shifted = append(f.shifted, sum)
	if len(f.shifted) < Lasting {
		f.ref.add(sum)
		return false
	}
	moved := reference{first: f.since}
	for _, s := range f.shifted {
		moved.add(s)
	}
	f.ref, f.shifted = moved, nil
	return true
}

// judge holds the newest session against the level.
func (f *follower) judge(sum summary) Judgement {
	n := len(f.ref.values)
	if n < Enough {
		return f.tooFew(sum)
	}
	alone := step(f.ref, f.recent[len(f.recent)-1:])
	best := alone
	for k := 2; k <= min(together, len(f.recent)); k++ {
		if e := step(f.ref.before(k-1), f.recent[len(f.recent)-k:]); f.large(e) && (e.p < best.p || !f.large(best)) {
			best = e
		}
	}
	if e, ok := creep(append(append([]float64{}, f.ref.values...), sum.location)); ok && f.large(e) && (e.p < best.p || !f.large(best)) {
		best = e
	}
	e, ok := f.ref.strays(sum)
	if ok && f.large(e) && (e.p < best.p || !f.large(best)) {
		best = e
	}
	j := f.answer(alone, best)
	if ok && j.Answer == Equal && e.p < (1-oneSided)/straysWeight {
		j.Answer = Undecided // more of them stalled than one would expect
	}
	return j
}

// tooFew says how a session compares with a level that is not known yet. Creep
// is seen all the same: a line needs no spread between sessions.
func (f *follower) tooFew(sum summary) Judgement {
	j := Judgement{Answer: TooFew, P: 1, Level: f.ref.level(), More: Enough - len(f.ref.values), Low: -1, High: math.Inf(1)}
	if len(f.ref.values) == 0 {
		return j
	}
	e, ok := creep(append(append([]float64{}, f.ref.values...), sum.location))
	if ok && f.large(e) {
		if d := f.answer(e, e); d.Answer == Shifted {
			return d
		}
	}
	j.Change = math.Expm1(sum.location - mean(f.ref.values))
	return j
}

// large says whether a change is at least the threshold.
func (f *follower) large(e evidence) bool { return math.Abs(e.change) >= f.opt.log() }

// answer makes a judgement of the session alone and the strongest test.
func (f *follower) answer(alone, best evidence) Judgement {
	j := Judgement{P: math.Min(1, best.p), Better: best.change > 0 != f.opt.LowerIsBetter, large: f.large(best)}
	j.limit = lossLevel
	if j.Better {
		j.limit = gainLevel
	}
	if !best.drift {
		j.limit *= early(len(f.ref.values))
	}
	if j.large && j.P < j.limit {
		j.describe(f.ref, best)
		j.Answer = Shifted
		return j
	}
	j.describe(f.ref, alone)
	j.Answer, j.More = f.within(alone)
	return j
}

// early is the part of their level that tests of steps have with n sessions: with few the
// spread is known badly, and how much neighbours resemble each other not at all.
func early(n int) float64 { return math.Min(1, math.Pow(float64(n)/full, caution)) }

// describe fills in the change that a test is about.
func (j *Judgement) describe(ref reference, e evidence) {
	half := quantile(twoSided, e.freedom) * e.error
	j.Change, j.Low, j.High = math.Expm1(e.change), math.Expm1(e.change-half), math.Expm1(e.change+half)
	j.Together, j.Drift, j.Strays = e.sessions, e.drift, e.strays
	j.Level = ref.level()
	if !e.drift && e.sessions > 1 {
		j.Level = ref.before(e.sessions - 1).level()
	}
}

// within tests for equality: two one-sided tests at 5% each. If they do not
// decide, it says how many sessions like this one would.
func (f *follower) within(e evidence) (Answer, int) {
	room := f.opt.log() - math.Abs(e.change)
	if quantile(oneSided, e.freedom)*e.error <= room {
		return Equal, 0
	}
	sd, correlated := f.ref.spread()
	m := len(f.ref.values)
	for more := 1; more <= maxMore && room > 0; more++ {
		if quantile(oneSided, m-1)*sd*math.Sqrt(differenceVariance(more+1, m, correlated)) <= room {
			return Undecided, more
		}
	}
	return Undecided, 0
}

// maxMore bounds what is asked of a person.
const maxMore = 30
