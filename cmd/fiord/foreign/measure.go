package foreign

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/figure/catalogue"
	"github.com/fiord-bench/fiord/figure/reading"
	"github.com/fiord-bench/fiord/fio/hist"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/fio/result"
	"github.com/fiord-bench/fiord/host/integrity"
	"github.com/fiord-bench/fiord/host/summary"
)

// measure reads a run: its result, and its logs as a stream.
func (r *Run) measure(ctx context.Context, in fs.FS, ref events.RunRef) (*catalogue.Run, []string, error) {
	m := &catalogue.Run{RunRef: ref, Completed: &events.RunCompleted{RunRef: ref}}
	notes := append([]string(nil), r.Notes...)
	if r.Result != "" {
		all, err := (&search{in: in}).parse(r.Result)
		if err == nil && r.Index >= len(all) {
			err = errors.New("it has changed since it was found")
		}
		if err != nil {
			return m, nil, fmt.Errorf("read %s: %w", r.Result, err)
		}
		out := all[r.Index]
		if name := r.plan(in, out); name != "" {
			notes = append(notes, "which sections ran side by side is taken from "+name)
		}
		m.Document = out.Document()
		m.Completed.Summary = summary.Of(m.Document)
		m.Completed.Integrity = judge(out)
		notes = append(notes, oddities(m.Document)...)
	}
	if len(r.Logs) == 0 {
		return m, append(notes, "there are no logs: nothing is known over time"), nil
	}
	var logs []reading.Log
	for _, p := range r.Logs {
		logs = append(logs, reading.Log{Name: path.Base(p), Open: func(context.Context) (io.ReadCloser, error) { return in.Open(p) }})
	}
	read, err := reading.Read(ctx, m.Document, logs, reading.Options{Damaged: true})
	if err != nil {
		return m, nil, fmt.Errorf("read logs of %s: %w", r.Name, err)
	}
	m.Reading = read
	if m.Document == nil {
		m.Completed.Summary = fromLogs(read)
	}
	return m, append(notes, read.Notes...), nil
}

// plan gives a result the job file that it is of, if one lies beside it: the one
// that is named alike, or the only one that fits. It returns its name.
func (r *Run) plan(in fs.FS, out *result.Output) string {
	var fits []string
	var found *job.File
	for _, p := range r.files[:min(len(r.files), maxJobFiles)] {
		text, err := fs.ReadFile(in, p)
		if err != nil {
			continue
		}
		file, err := job.Parse(path.Base(p), text, job.Config{})
		if err != nil || !out.Fits(file) {
			continue
		}
		if stem(p) == stem(r.Result) {
			out.Job = file
			return path.Base(p)
		}
		fits, found = append(fits, path.Base(p)), file
	}
	if len(fits) != 1 {
		return ""
	}
	out.Job = found
	return fits[0]
}

// maxJobFiles bounds how many job files of a folder are tried.
const maxJobFiles = 20

// judge finds what a result alone shows to be wrong. Text around the JSON is no
// fault: scripts ask fio for several formats at once.
func judge(out *result.Output) events.Integrity {
	quiet := *out
	quiet.Noise = nil
	return integrity.Judge(integrity.Evidence{Job: &job.File{}, Output: &quiet})
}

// oddities says what a reader of a result should know.
func oddities(d *result.Document) []string {
	notes := append([]string(nil), d.Warnings...)
	if n := len(d.Noise) + d.NoiseMore; n > 0 {
		notes = append(notes, fmt.Sprintf("%d lines around fio's JSON were not read; the first: %s", n, d.Noise[0].Text))
	}
	return notes
}

// fromLogs sums a run up of which only logs are left: what they add up to.
func fromLogs(run *reading.Run) events.Summary {
	one := func(dir string) *events.Figures {
		iops, hasIOPS := run.IOPS[dir]
		bw, hasBW := run.Bandwidth[dir]
		if !hasIOPS && !hasBW {
			return nil
		}
		f := &events.Figures{IOPS: mean(iops), BandwidthBytes: mean(bw)}
		f.TotalIOs = uint64(f.IOPS * seconds(iops))
		f.TotalBytes = uint64(f.BandwidthBytes * seconds(bw))
		f.Latency = latencyFromLogs(run, dir)
		return f
	}
	return events.Summary{Read: one("read"), Write: one("write"), Trim: one("trim")}
}

// latencyFromLogs takes percentiles from histogram logs, which count every I/O
// by its completion latency; without them only the mean and the greatest are
// known, from what the latency logs hold.
func latencyFromLogs(run *reading.Run, dir string) *events.Latency {
	all := &hist.Histogram{}
	for _, interval := range run.Heat[dir] {
		for _, b := range interval.Bins {
			all.Add(uint64((b.Low+b.High)/2), b.Count)
		}
	}
	if all.N() > 0 {
		at := func(p float64) *float64 { return new(all.Percentile(p).Value) }
		l := &events.Latency{Of: string(result.CompletionLatency), Mean: all.Mean().Value, P50: at(50), P95: at(95), P99: at(99), P999: at(99.9), Max: *at(100)}
		if top := all.Percentile(100); top.Open {
			l.Beyond = top.Value
		}
		return l
	}
	l := &events.Latency{Of: string(run.MeansOf)}
	means, rates := run.Means[dir].Values, run.IOPS[dir].Values
	var sum, weight float64
	for i, v := range means {
		w := 1.0 // where rates are not known, each interval counts alike
		if len(rates) == len(means) {
			w = rates[i]
		}
		if v > 0 && w > 0 {
			sum, weight = sum+v*w, weight+w
		}
	}
	if weight > 0 {
		l.Mean = sum / weight
	}
	for _, v := range run.Highest[dir].Values {
		if v > l.Max {
			l.Max = v
		}
	}
	if weight == 0 {
		return nil
	}
	return l
}

// mean of a rate over time; intervals are of one length.
func mean(s figure.Series) float64 {
	var sum float64
	for _, v := range s.Values {
		sum += v
	}
	return sum / float64(max(1, len(s.Values)))
}

func seconds(s figure.Series) float64 { return float64(len(s.Values)) * s.Step.Seconds() }
