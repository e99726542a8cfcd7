package result

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/fiord-bench/fiord/fio/hist"
)

// fill takes the figures out of a document.
func (o *Output) fill(doc *node) {
	f := &filler{out: o}
	o.Version = doc.get("fio version").str()
	if o.Time = f.time(doc.get("timestamp_ms"), 1); o.Time.IsZero() {
		o.Time = f.time(doc.get("timestamp"), 1000)
	}
	o.Globals = globals(doc.get("global options"))
	grouped := slices.ContainsFunc(o.Globals, func(g []Setting) bool { return hasSetting(g, "group_reporting") })
	for _, list := range []string{"jobs", "client_stats"} {
		if jobs := doc.get(list); jobs != nil {
			for _, j := range jobs.items {
				o.Jobs = append(o.Jobs, f.job(j, grouped))
			}
		}
	}
	o.Jobs = dropTotals(o.Jobs)
	if disks := doc.get("disk_util"); disks != nil {
		for _, d := range disks.items {
			o.Disks = append(o.Disks, f.disk(d))
		}
	}
	f.warn()
}

// dropTotals removes the row that fio adds over all clients, which would count
// everything twice.
func dropTotals(jobs []Job) []Job {
	if len(jobs) < 2 {
		return jobs
	}
	return slices.DeleteFunc(jobs, func(j Job) bool { return j.Name == "All clients" })
}

// globals reads the global options: an object, or since 3.39 one for each
// server in an array.
func globals(n *node) [][]Setting {
	switch {
	case n == nil:
		return nil
	case n.kind == '[':
		var all [][]Setting
		for _, item := range n.items {
			all = append(all, settings(item))
		}
		return all
	}
	return [][]Setting{settings(n)}
}

func settings(n *node) []Setting {
	if n == nil {
		return nil
	}
	var list []Setting
	for _, m := range n.members {
		list = append(list, Setting{Name: m.key, Value: m.value.str()})
	}
	return list
}

func hasSetting(list []Setting, name string) bool {
	return slices.ContainsFunc(list, func(s Setting) bool { return s.Name == name && s.Value != "0" })
}

// filler converts nodes and counts what it had to make up.
type filler struct {
	out       *Output
	notFinite int
	clipped   int
}

func (f *filler) warn() {
	if f.notFinite > 0 {
		f.out.Warnings = append(f.out.Warnings, fmt.Sprintf("%d figures are nan or inf and count as 0", f.notFinite))
	}
	if f.clipped > 0 {
		f.out.Warnings = append(f.out.Warnings, fmt.Sprintf("%d figures are out of range", f.clipped))
	}
	if f.out.Documents > 1 {
		f.out.Warnings = append(f.out.Warnings, fmt.Sprintf("%d documents; the last one counts", f.out.Documents))
	}
}

func (f *filler) float(n *node) float64 {
	if n == nil || n.kind != '0' {
		return 0
	}
	v, err := strconv.ParseFloat(n.text, 64)
	if err != nil {
		// -nan, which ParseFloat does not know
		f.notFinite++
		return 0
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		f.notFinite++
		return 0
	}
	return v
}

func (f *filler) int(n *node) int64 {
	if n == nil || n.kind != '0' {
		return 0
	}
	if v, err := strconv.ParseInt(n.text, 10, 64); err == nil {
		return v
	}
	v := f.float(n)
	if math.Abs(v) >= 1<<63 {
		// fio prints an unset minimum as the largest unsigned number
		f.clipped++
		return 0
	}
	return int64(v)
}

// time reads a time since 1970 in units of some milliseconds. It is zero when
// there is none, or one outside the years that JSON can hold.
func (f *filler) time(n *node, unit int64) time.Time {
	const year10000 = 253402300800000 // in ms
	v := f.int(n)
	switch {
	case v <= 0:
		return time.Time{}
	case v >= year10000/unit:
		f.clipped++
		return time.Time{}
	}
	return time.UnixMilli(v * unit).UTC()
}

func (f *filler) job(n *node, grouped bool) Job {
	j := Job{
		Name:      n.get("jobname").str(),
		Group:     int(f.int(n.get("groupid"))),
		Options:   settings(n.get("job options")),
		Error:     int(f.int(n.get("error"))),
		Errors:    f.int(n.get("total_err")),
		RuntimeMS: f.int(n.get("job_runtime")),
		Read:      f.direction(n.get("read")),
		Write:     f.direction(n.get("write")),
		Trim:      f.direction(n.get("trim")),
		Mixed:     f.direction(n.get("mixed")),
		Sync:      f.latency(n.get("sync").get("lat_ns"), f.int(n.get("sync").get("total_ios"))),
		CPU: CPU{
			User: f.float(n.get("usr_cpu")), System: f.float(n.get("sys_cpu")),
			ContextSwitches: f.int(n.get("ctx")),
			MajorFaults:     f.int(n.get("majf")), MinorFaults: f.int(n.get("minf")),
		},
		Steady: f.steady(n.get("steadystate")),
	}
	if host := n.get("hostname").str(); host != "" {
		j.Host = host
		if port := n.get("port").str(); port != "" {
			j.Host += ":" + port
		}
	}
	j.Start = f.time(n.get("job_start"), 1)
	j.Grouped = grouped || hasSetting(j.Options, "group_reporting") || j.looksGrouped()
	return j
}

// looksGrouped tells that the entry's runtime can only be that of several jobs.
// Up to 3.35 fio does not print options without a value.
func (j *Job) looksGrouped() bool {
	most := j.Read.RuntimeMS + j.Write.RuntimeMS + j.Trim.RuntimeMS
	return most > 0 && j.Mixed.IsZero() && float64(j.RuntimeMS) > 1.3*float64(most)+100
}

func (f *filler) direction(n *node) Direction {
	if n == nil {
		return Direction{}
	}
	d := Direction{
		Bytes:       f.int(n.get("io_bytes")),
		IOs:         f.int(n.get("total_ios")),
		RuntimeMS:   f.int(n.get("runtime")),
		IOPS:        f.float(n.get("iops")),
		BW:          f.float(n.get("bw_bytes")),
		ShortIOs:    f.int(n.get("short_ios")),
		DropIOs:     f.int(n.get("drop_ios")),
		IOPSSamples: f.samples(n, "iops", "iops_stddev", 1),
		BWSamples:   f.samples(n, "bw", "bw_dev", 1024),
		Slat:        f.latency(n.get("slat_ns"), f.int(n.get("total_ios"))),
		Clat:        f.latency(n.get("clat_ns"), f.int(n.get("total_ios"))),
		Lat:         f.latency(n.get("lat_ns"), f.int(n.get("total_ios"))),
		ZoneResets:  f.int(n.get("zone_resets")),
	}
	if d.BW == 0 {
		d.BW = 1024 * f.float(n.get("bw"))
	}
	if prios := n.get("prios"); prios != nil {
		for _, p := range prios.items {
			d.Prios = append(d.Prios, Priority{
				Class: int(f.int(p.get("prioclass"))), Level: int(f.int(p.get("prio"))), Hint: int(f.int(p.get("priohint"))),
				Clat: f.latency(p.get("clat_ns"), 0),
			})
		}
	}
	return d
}

// samples reads fio's own samples of a rate, scaled to base units.
func (f *filler) samples(n *node, name, stddev string, scale float64) Spread {
	return Spread{
		Min:    scale * f.float(n.get(name+"_min")),
		Max:    scale * f.float(n.get(name+"_max")),
		Mean:   scale * f.float(n.get(name+"_mean")),
		Stddev: scale * f.float(n.get(stddev)),
		N:      f.int(n.get(name + "_samples")),
	}
}

// latency reads one kind of latency of a direction that did so many I/Os. Up to
// 3.17 fio does not say how many latencies it counted: all, if it has counted
// any. What it has not measured is all zeros.
func (f *filler) latency(n *node, ios int64) Latency {
	if n == nil {
		return Latency{}
	}
	l := Latency{Spread: Spread{
		Min: f.float(n.get("min")), Max: f.float(n.get("max")), Mean: f.float(n.get("mean")),
		Stddev: f.float(n.get("stddev")), N: f.int(n.get("N")),
	}}
	if p := n.get("percentile"); p != nil {
		for _, m := range p.members {
			rank, err := strconv.ParseFloat(m.key, 64)
			if err != nil || m.value.kind != '0' {
				continue // "0.00" fillers and other text
			}
			l.Percentiles = append(l.Percentiles, Percentile{P: rank, NS: f.float(m.value)})
		}
	}
	l.Percentiles = dropFillers(l.Percentiles)
	if bins := n.get("bins"); bins != nil && len(bins.members) > 0 {
		l.Histogram = f.histogram(bins)
		if l.N == 0 {
			l.N = int64(l.Histogram.N())
		}
	}
	if n.get("N") == nil && l.N == 0 && l.Max > 0 {
		l.N = ios
	}
	return l
}

// dropFillers removes the "0.00": 0 with which fio up to 3.1 filled its list of
// twenty percentiles.
func dropFillers(list []Percentile) []Percentile {
	n := len(list)
	for n > 0 && list[n-1] == (Percentile{}) {
		n--
	}
	return list[:n:n]
}

func (f *filler) histogram(bins *node) *hist.Histogram {
	h := &hist.Histogram{}
	for _, m := range bins.members {
		ns, err := strconv.ParseUint(m.key, 10, 64)
		count := f.int(m.value)
		if err != nil || count < 0 || uint64(count) > math.MaxInt64-h.N() {
			f.clipped++
			continue
		}
		h.Add(ns, uint64(count))
	}
	return h
}

func (f *filler) steady(n *node) *SteadyState {
	if n == nil {
		return nil
	}
	return &SteadyState{
		Criterion: n.get("ss").str(), Attained: f.int(n.get("attained")) != 0,
		Seconds: f.int(n.get("duration")), BWMean: 1024 * f.float(n.get("data").get("bw_mean")),
		IOPSMean: f.float(n.get("data").get("iops_mean")),
	}
}

func (f *filler) disk(n *node) Disk {
	return Disk{
		Name:    n.get("name").str(),
		ReadIOs: f.int(n.get("read_ios")), WriteIOs: f.int(n.get("write_ios")),
		ReadMerges: f.int(n.get("read_merges")), WriteMerges: f.int(n.get("write_merges")),
		ReadTicks: f.int(n.get("read_ticks")), WriteTicks: f.int(n.get("write_ticks")),
		InQueue: f.int(n.get("in_queue")), Util: f.float(n.get("util")),
	}
}
