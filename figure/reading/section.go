package reading

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/result"
)

// stretch is one section of a run with its logs, or a run that has but one.
type stretch struct {
	name  string // "" for the only one
	doc   *result.Document
	logs  []Log
	shift int64 // ms from the run's begin to that of the section
	first int   // number of its first log
}

// stretches gives every section its logs. A run with one section, or whose logs
// cannot be told apart, is one stretch.
func stretches(doc *result.Document, logs []Log) []stretch {
	whole := []stretch{{doc: doc, logs: logs, first: 1}}
	if doc == nil || len(doc.Summary.Sections) < 2 {
		return whole
	}
	out := make([]stretch, len(doc.Summary.Sections))
	for i := range out {
		s := &doc.Summary.Sections[i]
		if s.FirstLog == 0 {
			return whole // fio's server numbers the logs of each host
		}
		out[i] = stretch{name: s.Name, doc: part(doc, s), shift: s.StartMS, first: s.FirstLog}
	}
	for _, l := range logs {
		file, ok := job.ParseLogName(base(l.Name))
		i := slices.IndexFunc(doc.Summary.Sections, func(s result.Section) bool { return file.Number >= s.FirstLog && file.Number <= s.LastLog })
		if ok && i < 0 {
			return whole // per_job_logs=0, or more logs than the result has jobs
		}
		out[max(i, 0)].logs = append(out[max(i, 0)].logs, l)
	}
	return out
}

// part is the result of one section alone.
func part(doc *result.Document, s *result.Section) *result.Document {
	one := *doc
	one.Jobs = nil
	for _, e := range s.Entries {
		if e < len(doc.Jobs) {
			one.Jobs = append(one.Jobs, doc.Jobs[e])
		}
	}
	one.Summary = result.Summary{Read: s.Read, Write: s.Write, Trim: s.Trim, Mixed: s.Mixed, Sync: s.Sync, Sections: []result.Section{*s}}
	return &one
}

// Read reads the logs of a run. doc is fio's result, nil if there is none; it
// gives the version, the options, the totals to check against, and the sections:
// each has series of its own, which stand where it ran. An error is that of
// opening or reading a log, or of ctx; a log that makes no sense is flagged
// instead.
func Read(ctx context.Context, doc *result.Document, logs []Log, opt Options) (*Run, error) {
	all := stretches(doc, logs)
	span := int64(0)
	for _, s := range all {
		if s.doc != nil {
			span = max(span, s.shift+longest(s.doc))
		}
	}
	readers := make([]*reader, len(all))
	for i, s := range all {
		readers[i] = newReader(s, span, opt)
	}
	common(readers)
	run := &Run{IOPS: series{}, Bandwidth: series{}, Means: series{}, Highest: series{}, Completion: series{}, ends: map[string]time.Duration{}}
	for i, s := range all {
		one, err := readers[i].read(ctx, s.logs)
		if err != nil {
			return nil, err
		}
		run.add(one, s)
	}
	run.Length = time.Duration(span) * time.Millisecond
	run.align()
	run.silences()
	if opt.zoomed() {
		run.crop(opt.From, opt.To)
	}
	slices.Sort(run.Flags)
	slices.Sort(run.Notes)
	run.Flags, run.Notes = slices.Compact(run.Flags), slices.Compact(run.Notes)
	return run, nil
}

// series are lines by the name of what they are of.
type series = map[string]figure.Series

// common puts all sections on one grid: the widest that one of them needs.
func common(readers []*reader) {
	step, heat := int64(0), time.Duration(0)
	for _, r := range readers {
		step, heat = max(step, r.step), max(heat, r.run.HeatStep)
	}
	for _, r := range readers {
		r.step, r.run.HeatStep = step, heat
	}
}

// add puts the series of one stretch beside those of the others.
func (run *Run) add(one *Run, s stretch) {
	run.Step, run.MeansOf = one.Step, one.MeansOf
	for i, m := range one.maps() {
		to := run.maps()[i]
		for dir, v := range m {
			if v.Start > epoch { // the time of day tells where it stands
				v.Start -= time.Duration(s.shift) * time.Millisecond
			}
			to[result.SeriesName(s.name, dir)] = v
		}
	}
	if one.busy.End() > float64(epoch.Milliseconds()) {
		one.busy.Shift(-float64(s.shift))
	}
	run.busy.Merge(&one.busy)
	run.active = append(run.active, one.active...)
	run.addHeat(one, s.name)
	run.Lines += one.Lines
	run.Flags, run.Notes = append(run.Flags, one.Flags...), append(run.Notes, one.Notes...)
	for _, dir := range Directions() {
		for _, m := range append(one.maps(), heatKeys(one)) {
			if _, ok := m[dir]; ok {
				name := result.SeriesName(s.name, dir)
				run.names = append(run.names, name)
				if s.doc != nil && len(one.active) > 0 {
					run.ends[name] = msec(int64(one.active[0].To))
				}
				break
			}
		}
	}
}

func heatKeys(run *Run) series {
	keys := series{}
	for name := range run.Heat {
		keys[name] = figure.Series{}
	}
	return keys
}

// addHeat puts histograms on the run's grid: cells of different widths, which
// grew coarser as a log grew longer, become the wider ones.
func (run *Run) addHeat(one *Run, section string) {
	if len(one.Heat) == 0 {
		return
	}
	if run.Heat == nil {
		run.Heat, run.HeatFrom, run.HeatStep = map[string][]figure.Distribution{}, one.HeatFrom, one.HeatStep
	}
	for run.HeatStep < one.HeatStep {
		run.coarsen()
	}
	for one.HeatStep < run.HeatStep {
		one.coarsen()
	}
	from := min(run.HeatFrom, one.HeatFrom)
	pad(run.Heat, run.HeatFrom-from, run.HeatStep)
	pad(one.Heat, one.HeatFrom-from, run.HeatStep)
	run.HeatFrom = from
	for _, dir := range slices.Sorted(maps.Keys(one.Heat)) {
		name := result.SeriesName(section, dir)
		cells := one.Heat[dir]
		for i := range cells {
			cells[i].Name = name
		}
		run.Heat[name] = cells
	}
}

// coarsen doubles the width of the histograms' cells.
func (run *Run) coarsen() {
	h := heat{step: run.HeatStep.Milliseconds(), cells: run.Heat}
	h.coarsen()
	run.HeatStep = msec(h.step)
}

// pad puts empty cells before the first.
func pad(all map[string][]figure.Distribution, by, step time.Duration) {
	n := int((by + step/2) / max(step, 1))
	if n <= 0 {
		return
	}
	for name, cells := range all {
		empty := make([]figure.Distribution, n, n+len(cells))
		for i := range empty {
			empty[i].Name = name
		}
		all[name] = append(empty, cells...)
	}
}

// maps are the run's series of all kinds.
func (run *Run) maps() []series {
	return []series{run.IOPS, run.Bandwidth, run.Means, run.Highest, run.Completion}
}

// Names lists what there are series of: directions, or in a run of several
// sections section/direction, in the order of the sections.
func (run *Run) Names() []string { return run.names }

// Under lists the names of a direction's series, those of all sections.
func (run *Run) Under(direction string) []string {
	var out []string
	for _, name := range run.names {
		if _, d := result.SplitSeries(name); d == direction {
			out = append(out, name)
		}
	}
	return out
}

// silences finds when a section ran and nothing completed at all: once for all
// figures of the run.
func (run *Run) silences() {
	if len(run.IOPS)+len(run.Bandwidth) == 0 {
		return
	}
	run.Silent = [][2]time.Duration{}
	for _, s := range run.busy.Silences(run.active) {
		run.Silent = append(run.Silent, [2]time.Duration{msec(int64(s.From)), msec(int64(s.To))})
	}
}
