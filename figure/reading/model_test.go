package reading_test

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
)

// The model runs jobs that do not exist and writes what fio would: it shares no
// code with what reads that. Times are in ms, of the run's clock or of the job's.

// modelIO is an I/O of the model.
type modelIO struct {
	at  float64 // when it completed, on the run's clock
	ns  uint64
	job int // number of the job's copy among all, from 1
	dir int
}

// modelSection is a job of the file.
type modelSection struct {
	name               string
	wall, wait, group  bool
	delay, ramp        int // s
	runtime            int // ms
	copies, first      int
	rate               [2]float64 // I/Os a second of each copy, by direction
	begin              float64    // of its measurement
	catchUp            bool       // what a stop kept from it is done at once
	stall, stop, late  []gap      // of the run's clock: of the device, the process, fio's thread
	ios                []modelIO
	iops, bw, clatHist []string // logs by copy
	logged             []modelIO
}

type gap struct{ from, to float64 }

const (
	modelWindow = 500
	modelHist   = 1000
	modelBS     = 4096
)

// model is a run.
type model struct {
	rng      *rand.Rand
	sections []*modelSection
	grouped  bool
	late     float64 // the longest that fio's thread is late
	file     string
	json     string
}

func newModel(seed uint64) *model {
	m := &model{rng: rand.New(rand.NewPCG(seed, 15))}
	m.plan()
	for _, s := range m.sections {
		for c := range s.copies {
			m.run(s, c)
		}
	}
	m.write()
	return m
}

// plan draws sections and says when each is measured.
func (m *model) plan() {
	m.grouped = m.rng.IntN(3) == 0
	n, first, wall, end, waits := 1+m.rng.IntN(4), 1, 0.0, 0.0, false
	for i := range n {
		s := &modelSection{name: string(rune('a' + i)), copies: 1 + m.rng.IntN(3), first: first, runtime: 3000 + m.rng.IntN(5000)}
		first += s.copies
		switch m.rng.IntN(4) {
		case 0:
			s.wall = i > 0
		case 1:
			s.wait = i > 0
		case 2:
			if !waits {
				s.delay = 1 + m.rng.IntN(4)
			}
		}
		waits = waits || s.wall || s.wait
		s.group = m.grouped && i > 0 && !s.wall
		if m.rng.IntN(4) == 0 {
			s.ramp = 1 + m.rng.IntN(2)
		}
		for d := range s.rate {
			s.rate[d] = []float64{3, 20, 90, 400, 1500}[m.rng.IntN(5)]
		}
		if d := m.rng.IntN(3); d < 2 {
			s.rate[d] = 0
		}
		if s.wall {
			wall = end
		}
		s.begin = max(wall, float64(1000*s.delay))
		if s.wait {
			b := m.sections[i-1]
			s.begin = max(s.begin, b.begin+float64(b.runtime))
		}
		s.begin += float64(1000 * s.ramp)
		s.catchUp = m.rng.IntN(2) == 0
		end = max(end, s.begin+float64(s.runtime))
		m.sections = append(m.sections, s)
	}
	m.shift(end)
}

// shift lets the first measurement begin at zero, and draws what goes wrong.
func (m *model) shift(end float64) {
	least := math.Inf(1)
	for _, s := range m.sections {
		least = min(least, s.begin)
	}
	at := func() gap {
		from := 300 + m.rng.Float64()*(end-least)
		return gap{from, from + 1500 + m.rng.Float64()*4000}
	}
	var stall, stop, late []gap
	switch m.rng.IntN(4) {
	case 0:
		stall = append(stall, at())
	case 1:
		// A job that began or ended meanwhile would do so when it is over.
		for range 20 {
			if g := at(); m.within(g, least) {
				stop = []gap{g}
				break
			}
		}
	case 2:
		for n := m.rng.IntN(4); n >= 0; n-- {
			g := at()
			g.to = g.from + 300 + m.rng.Float64()*1500
			if !slices.ContainsFunc(late, func(o gap) bool { return g.from < o.to+1000 && g.to > o.from-1000 }) {
				late, m.late = append(late, g), max(m.late, g.to-g.from)
			}
		}
	}
	for _, s := range m.sections {
		s.begin -= least
		s.stall, s.stop, s.late = stall, stop, late
	}
}

// within reports whether no section begins or ends in a gap.
func (m *model) within(g gap, least float64) bool {
	for _, s := range m.sections {
		for _, at := range []float64{s.begin - least - float64(1000*s.ramp), s.begin - least, s.begin - least + float64(s.runtime)} {
			if at > g.from-300 && at < g.to+300 {
				return false
			}
		}
	}
	return true
}

// run does the I/Os of one copy and writes its logs.
func (m *model) run(s *modelSection, c int) {
	var all []modelIO
	body := 8 + m.rng.Float64()*6
	for d, rate := range s.rate {
		if rate == 0 {
			continue
		}
		for n := 0; ; n++ {
			at := (float64(n) + 0.2 + m.rng.Float64()*0.6) / rate * 1000
			if at >= float64(s.runtime) {
				break
			}
			io := modelIO{at: s.begin + at, ns: uint64(math.Exp(body + m.rng.NormFloat64())), job: s.first + c, dir: d}
			if !s.hold(&io, n, rate) {
				continue
			}
			all = append(all, io)
		}
	}
	slices.SortFunc(all, func(a, b modelIO) int { return cmp.Compare(a.at, b.at) })
	s.ios = append(s.ios, all...)
	iops, bw := m.rates(s, all)
	s.iops, s.bw = append(s.iops, iops), append(s.bw, bw)
	s.clatHist = append(s.clatHist, m.histograms(s, all))
}

// hold lets an I/O wait for what stands still; false for one that is not done.
func (s *modelSection) hold(io *modelIO, n int, rate float64) bool {
	last := s.begin + float64(s.runtime)
	for i, g := range slices.Concat(s.stall, s.stop) {
		if io.at < g.from || io.at >= g.to {
			continue
		}
		first := io.at-1000/rate < g.from // the one that is under way
		if !first && (i < len(s.stall) || !s.catchUp) || g.to >= last {
			return false
		}
		if first {
			io.ns = uint64((g.to - io.at + 1) * 1e6)
		}
		io.at = g.to + float64(n%7)/10
	}
	return true
}

// rates writes what fio's thread sees that looks at the counters every window. It
// does not look while the process is stopped.
func (m *model) rates(s *modelSection, all []modelIO) (iops, bw string) {
	var a, b strings.Builder
	done, last := 0, 0
	for look := modelWindow; look < s.runtime; look = last - last%modelWindow + modelWindow {
		look += m.rng.IntN(3)
		for _, g := range slices.Concat(s.stop, s.late) {
			if at := s.begin + float64(look); at >= g.from && at < g.to {
				look = int(g.to-s.begin) + 1
			}
		}
		if look >= s.runtime {
			break
		}
		spent := look - last
		last = look
		var n [2]int
		for ; done < len(all) && all[done].at <= s.begin+float64(look); done++ {
			n[all[done].dir]++
		}
		for d, n := range n {
			if n > 0 {
				fmt.Fprintf(&a, "%d, %d, %d, %d, 0\n", look, n*1000/spent, d, modelBS)
				fmt.Fprintf(&b, "%d, %d, %d, %d, 0\n", look, n*modelBS*1000/spent/1024, d, modelBS)
			}
		}
	}
	return a.String(), b.String()
}

// histograms writes a row at the first completion after each interval.
func (m *model) histograms(s *modelSection, all []modelIO) string {
	var out strings.Builder
	var begun, pending [2]float64
	var bins [2]map[int]int
	var waiting [2][]modelIO
	for _, io := range all {
		d := io.dir
		at := math.Floor(io.at - s.begin)
		if bins[d] == nil {
			bins[d] = map[int]int{}
		}
		bins[d][modelBin(io.ns)]++
		waiting[d] = append(waiting[d], io)
		if begun[d] == 0 {
			begun[d] = 1
			pending[d] = at
		}
		if at-pending[d] < modelHist {
			continue
		}
		row := make([]string, 1856)
		for i := range row {
			row[i] = "0"
		}
		for i, n := range bins[d] {
			row[i] = fmt.Sprint(n)
		}
		fmt.Fprintf(&out, "%.0f, %d, %d, %s\n", at, d, modelBS, strings.Join(row, ", "))
		pending[d] += modelHist
		bins[d] = nil
		s.logged = append(s.logged, waiting[d]...)
		waiting[d] = nil
	}
	return out.String()
}

// modelBin is fio's plat_val_to_idx.
func modelBin(ns uint64) int {
	msb := bits.Len64(ns) - 1
	if msb <= 6 {
		return int(ns)
	}
	errorBits := msb - 6
	return min((errorBits+1)<<6+int(ns>>errorBits&63), 1855)
}

// modelValue is fio's plat_idx_to_val.
func modelValue(i int) float64 {
	if i < 128 {
		return float64(i)
	}
	errorBits := i>>6 - 1
	return math.Floor(float64(uint64(1)<<(errorBits+6)) + (float64(i%64)+0.5)*float64(uint64(1)<<errorBits))
}

// write writes the job file and fio's JSON.
func (m *model) write() {
	var file strings.Builder
	fmt.Fprintf(&file, "[global]\nioengine=null\nbs=4k\nsize=1g\nlog_avg_msec=%d\nlog_hist_msec=%d\nwrite_iops_log=fio\nwrite_bw_log=fio\nwrite_hist_log=fio\n", modelWindow, modelHist)
	if m.grouped {
		file.WriteString("group_reporting\n")
	}
	var entries []string
	group := 0
	for i, s := range m.sections {
		fmt.Fprintf(&file, "[%s]\nrw=%s\nnumjobs=%d\n", s.name, []string{"randread", "randwrite", "randrw"}[s.kind()], s.copies)
		for option, set := range map[string]bool{"stonewall": s.wall, "new_group": s.group, "wait_for=" + m.sections[max(i-1, 0)].name: s.wait, fmt.Sprintf("startdelay=%d", s.delay): s.delay > 0, fmt.Sprintf("ramp_time=%d", s.ramp): s.ramp > 0} {
			if set {
				file.WriteString(option + "\n")
			}
		}
		if s.wall || s.group {
			group++
		}
		if m.grouped {
			entries = append(entries, m.entry(s, group, func(modelIO) bool { return true }))
			continue
		}
		for c := range s.copies {
			entries = append(entries, m.entry(s, group, func(io modelIO) bool { return io.job == s.first+c }))
		}
	}
	m.file = file.String()
	m.json = fmt.Sprintf(`{"fio version": "fio-3.33", "timestamp_ms": 1795940231977, "jobs": [%s]}`, strings.Join(entries, ",\n"))
}

func (s *modelSection) kind() int {
	switch {
	case s.rate[1] == 0:
		return 0
	case s.rate[0] == 0:
		return 1
	}
	return 2
}

// entry is one of fio's jobs, options without a value left out as fio does.
func (m *model) entry(s *modelSection, group int, of func(modelIO) bool) string {
	options := fmt.Sprintf(`"numjobs": "%d", "log_avg_msec": "%d", "log_hist_msec": "%d"`, s.copies, modelWindow, modelHist)
	if s.ramp > 0 {
		options += fmt.Sprintf(`, "ramp_time": "%d"`, s.ramp)
	}
	text := fmt.Sprintf(`{"jobname": "%s", "groupid": %d, "error": 0, "job options": {%s}`, s.name, group, options)
	for d, name := range []string{"read", "write"} {
		var n, sum, most int
		bins := map[int]int{}
		for _, io := range s.ios {
			if io.dir == d && of(io) {
				n, sum, most = n+1, sum+int(io.ns), max(most, int(io.ns))
				bins[modelBin(io.ns)]++
			}
		}
		if n == 0 {
			text += fmt.Sprintf(`, "%s": {"io_bytes": 0, "total_ios": 0, "runtime": 0}`, name)
			continue
		}
		var list []string
		for b, n := range bins {
			list = append(list, fmt.Sprintf(`"%.0f": %d`, modelValue(b), n))
		}
		text += fmt.Sprintf(`, "%s": {"io_bytes": %d, "total_ios": %d, "runtime": %d, "clat_ns": {"min": 1, "max": %d, "mean": %f, "stddev": 0, "N": %d, "bins": {%s}}}`,
			name, n*modelBS, n, s.runtime, most, float64(sum)/float64(n), n, strings.Join(list, ", "))
	}
	return text + "}"
}
