package reading_test

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/result"
)

var (
	models = flag.Int("oracle.models", 60, "runs of the model that are read")
	from   = flag.Uint64("oracle.seed", 1, "seed of the first of them")
)

// What fiord reads of a run is held against a count of its single I/Os: random
// sections (stonewall, wait_for, new_group, startdelay, ramp_time, numjobs,
// group_reporting, directions, rates) of which some meet a device that stands
// still, a stop of the whole process, or a thread of fio's that is late.
func TestRunsAreReadAsTheyWere(t *testing.T) {
	for seed := *from; seed < *from+uint64(*models); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := newModel(seed)
			doc, run := m.read(t)
			o := oracle{T: t, m: m, doc: doc, run: run}
			o.summary()
			o.series()
			o.heat()
			o.silences()
			for _, f := range run.Flags {
				if !m.endsBadly() {
					t.Errorf("flag: %s", f)
				}
			}
			if t.Failed() {
				t.Logf("late %v, stall %v, stop %v\n%s", m.late, m.sections[0].stall, m.sections[0].stop, m.file)
			}
		})
	}
}

// endsBadly reports whether something went wrong just before a section's end: what
// was done since is in no log.
func (m *model) endsBadly() bool {
	for _, s := range m.sections {
		for _, g := range slices.Concat(s.stall, s.stop, s.late) {
			if end := s.begin + float64(s.runtime); g.from < end && g.to > end-2*modelWindow {
				return true
			}
		}
	}
	return false
}

// read reads what the model wrote.
func (m *model) read(t *testing.T) (*result.Document, *reading.Run) {
	t.Helper()
	file, err := job.Parse("model.fio", []byte(m.file), job.Config{})
	if err != nil {
		t.Fatalf("%v\n%s", err, m.file)
	}
	out, err := result.Parse([]byte(m.json))
	if err != nil {
		t.Fatalf("%v\n%s", err, m.json)
	}
	out.Job = file
	doc := out.Document()
	var logs []reading.Log
	for _, s := range m.sections {
		for c := range s.copies {
			for kind, list := range map[string][]string{"iops": s.iops, "bw": s.bw, "clat_hist": s.clatHist} {
				logs = append(logs, text(fmt.Sprintf("fio_%s.%d.log", kind, s.first+c), list[c]))
			}
		}
	}
	run, err := reading.Read(t.Context(), doc, logs, reading.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return doc, run
}

// oracle counts by itself.
type oracle struct {
	*testing.T
	m   *model
	doc *result.Document
	run *reading.Run
}

var directionNames = []string{"read", "write"}

// name is that of a series.
func (o *oracle) name(s *modelSection, dir int) string {
	if len(o.m.sections) == 1 {
		return directionNames[dir]
	}
	return s.name + "/" + directionNames[dir]
}

// of are the I/Os of a direction in order of time.
func of(ios []modelIO, dir int) []modelIO {
	var out []modelIO
	for _, io := range ios {
		if io.dir == dir {
			out = append(out, io)
		}
	}
	slices.SortFunc(out, func(a, b modelIO) int { return cmp.Compare(a.at, b.at) })
	return out
}

// before counts the I/Os that completed up to a time.
func before(ios []modelIO, at float64) float64 {
	n, _ := slices.BinarySearchFunc(ios, at, func(io modelIO, at float64) int { return cmp.Compare(io.at, at) })
	return float64(n)
}

func (o *oracle) near(what string, got, want, share float64) {
	o.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > share*math.Abs(want) {
		o.Errorf("%s: %v, want %v", what, got, want)
	}
}

// summary holds sections and their figures.
func (o *oracle) summary() {
	if len(o.doc.Summary.Sections) != len(o.m.sections) {
		o.Fatalf("%d sections, want %d: %+v", len(o.doc.Summary.Sections), len(o.m.sections), o.doc.Summary.Sections)
	}
	for i, s := range o.m.sections {
		got := o.doc.Summary.Sections[i]
		if got.Name != s.name || got.Copies != s.copies || got.FirstLog != s.first || float64(got.StartMS) != s.begin || got.RuntimeMS != int64(s.runtime) && len(s.ios) > 0 {
			o.Errorf("section %s of %d copies (%d) from %d for %d, want %+v", got.Name, got.Copies, got.FirstLog, got.StartMS, got.RuntimeMS, *s)
		}
		for d, name := range directionNames {
			ios, f := of(s.ios, d), got.Direction(name)
			if len(ios) == 0 || f == nil {
				if f != nil || len(ios) > 0 {
					o.Errorf("%s %s: %+v of %d I/Os", s.name, name, f, len(ios))
				}
				continue
			}
			o.figures(s.name+" "+name, f, ios, float64(s.runtime))
		}
	}
	for d, name := range directionNames {
		o.together(name, map[string]*result.Figures{"read": o.doc.Summary.Read, "write": o.doc.Summary.Write}[name], d)
	}
}

// figures holds the figures of a direction against its I/Os.
func (o *oracle) figures(what string, f *result.Figures, ios []modelIO, runtime float64) {
	o.near(what+" IOPS", f.IOPS, float64(len(ios))*1000/runtime, 1e-9)
	o.near(what+" bandwidth", f.BWBytes, float64(len(ios))*modelBS*1000/runtime, 1e-9)
	ns := make([]float64, len(ios))
	sum := 0.0
	for i, io := range ios {
		ns[i] = float64(io.ns)
		sum += ns[i]
	}
	slices.Sort(ns)
	l := f.Latency
	if l == nil || l.P50 == nil || l.P99 == nil {
		o.Errorf("%s: latency %+v", what, l)
		return
	}
	o.near(what+" mean", l.Mean, sum/float64(len(ns)), 1e-6)
	o.near(what+" max", l.Max, ns[len(ns)-1], 1e-9)
	for p, got := range map[float64]float64{0.5: *l.P50, 0.99: *l.P99, 0.999: *l.P999} {
		rank := max(int(math.Ceil(p*float64(len(ns))-1e-9)), 1)
		exact, next := ns[rank-1], ns[min(rank, len(ns)-1)] // fio takes the next where the rank is whole
		if exact < 1<<34 && math.Abs(got-next) > next/128 { // the last bin is open
			o.near(fmt.Sprintf("%s p%v", what, 100*p), got, exact, 1.0/128+1e-6)
		}
	}
}

// together holds the figures over several sections: only where they ran at the
// same time.
func (o *oracle) together(name string, f *result.Figures, d int) {
	from, to, first, last, n := math.Inf(-1), math.Inf(1), math.Inf(1), math.Inf(-1), 0
	var ios []modelIO
	for _, s := range o.m.sections {
		own := of(s.ios, d)
		if len(own) == 0 {
			continue
		}
		n++
		ios = append(ios, own...)
		end := s.begin + float64(s.runtime)
		from, to, first, last = max(from, s.begin), min(to, end), min(first, s.begin), max(last, end)
	}
	if n < 2 {
		return
	}
	if at := (to - from) / (last - first); (f != nil) != (at >= 0.9) {
		o.Errorf("%s of %d sections that were together %.0f%% of their time: %+v", name, n, 100*at, f)
		return
	}
	if f != nil && (len(f.Sections) != n || f.TotalIOs != int64(len(ios))) {
		o.Errorf("%s together: %+v, want %d I/Os", name, f, len(ios))
	}
}

// series holds the rates over time: what they add up to at each edge of an
// interval is what had completed a window before or after.
func (o *oracle) series() {
	window := modelWindow + 20 + o.m.late
	for _, s := range o.m.sections {
		for d := range directionNames {
			ios, name := of(s.ios, d), o.name(s, d)
			iops, ok := o.run.IOPS[name]
			if len(ios) == 0 || len(ios) < 4*s.copies { // too few to be in a log for sure
				continue
			}
			if !ok {
				o.Errorf("no IOPS of %s", name)
				continue
			}
			o.adds(name+" IOPS", iops, ios, 1, window, s)
			o.adds(name+" bandwidth", o.run.Bandwidth[name], ios, modelBS, window, s)
		}
	}
}

// adds holds a series against a count.
func (o *oracle) adds(what string, got figure.Series, ios []modelIO, unit, window float64, s *modelSection) {
	step, sum := got.Step.Seconds(), 0.0
	if len(got.Values) > 0 && got.Start.Seconds()-s.begin/1000 < step { // the rate of a first interval is that of its part
		sum = got.Values[0] * (got.Start.Seconds() - s.begin/1000) / unit
	}
	// fio rounds each row: by one I/O of a copy, and its rates by a KiB.
	for i, v := range got.Values {
		if v < 0 {
			o.Errorf("%s: %v in interval %d", what, v, i)
		}
		at := min(got.Start.Seconds()*1000+float64(i+1)*step*1000, s.begin+float64(s.runtime)) // likewise the last
		sum += v * (at/1000 - got.Start.Seconds() - float64(i)*step) / unit
		slack := float64(s.copies)*(1.5+at/modelWindow*0.15) + 0.01*sum
		if len(s.stop) > 0 { // when within two windows a process was stopped is not known
			slack += float64(s.copies) * max(s.rate[0], s.rate[1]) * 2 * modelWindow / 1000
		}
		low, high := before(ios, at-window)-slack, before(ios, at+window)+slack
		if sum < low || sum > high {
			o.Errorf("%s up to %.0f ms: %.1f, want %.1f to %.1f", what, at, sum, low, high)
			return
		}
	}
	end := got.Start.Seconds()*1000 + float64(len(got.Values))*step*1000
	if last := s.begin + float64(s.runtime); end > last+step*1000 || end < last-2*window-2*step*1000 && before(ios, end+window) < float64(len(ios)) {
		o.Errorf("%s ends at %.0f ms, the section at %.0f", what, end, last)
	}
}

// heat holds the histograms over time.
func (o *oracle) heat() {
	for _, s := range o.m.sections {
		for d := range directionNames {
			logged, name := of(s.logged, d), o.name(s, d)
			cells := o.run.Heat[name]
			sum, step := 0.0, o.run.HeatStep.Seconds()*1000
			var all figure.Distribution
			for i, c := range cells {
				sum += float64(c.N())
				at := o.run.HeatFrom.Seconds()*1000 + float64(i+1)*step
				// A row is in time up to a quarter of its interval late.
				low, high := before(logged, at-1.25*modelHist-20), before(logged, at+1.25*modelHist+20)
				// Where a job does an I/O now and then, no row shows how late another is.
				if (sum < low || sum > high) && (s.rate[d] >= 20 || len(s.stall)+len(s.stop) == 0) {
					o.Errorf("%s: histograms hold %v up to %.0f ms, want %v to %v", name, sum, at, low, high)
					break
				}
				all.Bins = append(all.Bins, c.Bins...)
			}
			total := 0.0
			for _, c := range cells {
				total += float64(c.N())
			}
			if total != float64(len(logged)) {
				o.Errorf("%s: histograms hold %v, fio logged %d", name, total, len(logged))
			}
		}
	}
}

// silences holds what is called a silence against the gaps between completions.
func (o *oracle) silences() {
	var ios []modelIO
	for _, s := range o.m.sections {
		ios = append(ios, s.ios...)
	}
	slices.SortFunc(ios, func(a, b modelIO) int { return cmp.Compare(a.at, b.at) })
	window := modelWindow + 20.0
	for _, got := range o.run.Silent {
		a, b := got[0].Seconds()*1000, got[1].Seconds()*1000
		if n := before(ios, b-window) - before(ios, a+window); n > 0 && b-a > 2*window {
			o.Errorf("silent from %.0f to %.0f ms, where %v I/Os completed", a, b, n)
		}
	}
	for _, g := range o.gaps(ios) {
		claimed := 0.0
		for _, got := range o.run.Silent {
			claimed += max(min(got[1].Seconds()*1000, g.to)-max(got[0].Seconds()*1000, g.from), 0)
		}
		if lack := g.to - g.from - claimed; lack > 3*window {
			o.Errorf("nothing completed from %.0f to %.0f ms, and %.0f ms of it are called silent: %v", g.from, g.to, claimed, o.run.Silent)
		}
	}
}

// gaps are the times of 2.5 s and more in which a section ran, none had its ramp,
// and nothing completed.
func (o *oracle) gaps(ios []modelIO) []gap {
	var marks []float64
	for _, io := range ios {
		marks = append(marks, io.at)
	}
	for ms := 0.0; ms < 120_000; ms += 50 {
		runs, ramps := false, false
		for _, s := range o.m.sections {
			runs = runs || ms >= s.begin && ms < s.begin+float64(s.runtime)
			ramps = ramps || ms >= s.begin-float64(1000*s.ramp) && ms < s.begin
		}
		if !runs || ramps {
			marks = append(marks, ms)
		}
	}
	slices.Sort(marks)
	var out []gap
	for i := 1; i < len(marks); i++ {
		if marks[i]-marks[i-1] >= 2500 {
			out = append(out, gap{marks[i-1], marks[i]})
		}
	}
	return out
}
