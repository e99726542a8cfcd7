package fleet

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/fio/result"
)

// measured are runs of fio on a file of a small virtual machine, a folder each:
// its document (json+) and logs.
//
//go:embed measured
var measured embed.FS

// longer is how much longer the made-up runs took than the measured ones.
const longer = 10

// stretch is how a run differs from the one that was measured.
type stretch struct {
	Rate float64 // of I/Os
	Time float64 // of a latency
	Tail float64 // of p99 besides, growing from p95 on
}

// sample is a stretched run: fio's document and logs, as fio would have left them.
type sample struct {
	Raw      []byte
	Document *result.Document
	Logs     map[string][]byte
}

// workload is a measured run.
type workload struct {
	raw  []byte
	logs map[string][]byte
}

// workloads reads what was measured, by name.
func workloads() (map[string]workload, error) {
	out := map[string]workload{}
	folders, err := measured.ReadDir("measured")
	if err != nil {
		return nil, fmt.Errorf("read measured runs: %w", err)
	}
	for _, folder := range folders {
		w := workload{logs: map[string][]byte{}}
		files, err := measured.ReadDir("measured/" + folder.Name())
		if err != nil {
			return nil, fmt.Errorf("read measured runs: %w", err)
		}
		for _, f := range files {
			body, err := measured.ReadFile("measured/" + folder.Name() + "/" + f.Name())
			if err != nil {
				return nil, fmt.Errorf("read measured runs: %w", err)
			}
			if !strings.HasSuffix(f.Name(), ".gz") {
				w.logs[f.Name()] = body
				continue
			}
			if w.raw, err = expand(body); err != nil {
				return nil, fmt.Errorf("read measured run %s: %w", folder.Name(), err)
			}
		}
		out[folder.Name()] = w
	}
	return out, nil
}

func expand(body []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// as makes the run that it would have been.
func (w workload) as(s stretch) (sample, error) {
	var doc map[string]any
	if err := json.Unmarshal(w.raw, &doc); err != nil {
		return sample{}, fmt.Errorf("read measured run: %w", err)
	}
	ratio := 1.0 // of mean latencies
	jobs, _ := doc["jobs"].([]any)
	for _, j := range jobs {
		job, _ := j.(map[string]any)
		for _, direction := range []string{"read", "write"} {
			if d, ok := job[direction].(map[string]any); ok && number(d["total_ios"]) > 0 {
				ratio = s.direction(d)
			}
		}
		if options, ok := job["job options"].(map[string]any); ok {
			options["runtime"] = scaledText(options["runtime"], longer)
			options["log_avg_msec"] = scaledText(options["log_avg_msec"], longer)
		}
		scale(job, longer, "elapsed", "job_runtime")
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return sample{}, fmt.Errorf("write stretched run: %w", err)
	}
	out, err := result.Read(bytes.NewReader(raw))
	if err != nil {
		return sample{}, fmt.Errorf("read stretched run: %w", err)
	}
	made := sample{Raw: raw, Document: out.Document(), Logs: map[string][]byte{}}
	for name, body := range w.logs {
		factor := s.Rate
		if strings.Contains(name, "lat.") {
			factor = ratio
		}
		made.Logs[name] = stretchedLog(body, factor)
	}
	return made, nil
}

// direction stretches what fio says of one direction, and returns by how much its
// mean latency grew.
func (s stretch) direction(d map[string]any) float64 {
	scale(d, s.Rate, "iops", "iops_min", "iops_max", "iops_mean", "iops_stddev", "bw", "bw_bytes", "bw_min", "bw_max", "bw_mean", "bw_dev")
	scale(d, s.Rate*longer, "total_ios", "io_bytes", "io_kbytes")
	scale(d, longer, "runtime")
	ratio := s.Time
	for _, kind := range []string{"slat_ns", "clat_ns", "lat_ns"} {
		if l, ok := d[kind].(map[string]any); ok {
			ratio = s.latency(l, number(d["total_ios"]))
		}
	}
	return ratio
}

// latency stretches one kind of latency of so many I/Os.
func (s stretch) latency(l map[string]any, ios float64) float64 {
	bins, _ := l["bins"].(map[string]any)
	p, _ := l["percentile"].(map[string]any)
	longerBy := s.curve(number(p["95.000000"]), number(p["99.000000"]))
	for name := range p {
		p[name] = math.Round(longerBy(number(p[name])))
	}
	before, after := mean(bins), 0.0
	if len(bins) > 0 {
		l["bins"] = stretchedBins(bins, longerBy, ios)
		after = mean(l["bins"].(map[string]any))
	}
	ratio := s.Time
	if before > 0 {
		ratio = after / before
	}
	scale(l, ratio, "mean", "stddev")
	l["min"], l["max"], l["N"] = math.Round(longerBy(number(l["min"]))), math.Round(longerBy(number(l["max"]))), ios
	return ratio
}

// curve is how a latency grows: all of them alike up to p95, p99 by Tail besides,
// and what lies beyond by at most twice that.
func (s stretch) curve(p95, p99 float64) func(float64) float64 {
	power := 0.0
	if p95 > 0 && p99 > p95 && s.Tail > 0 {
		power = math.Log(s.Tail) / math.Log(p99/p95)
	}
	return func(ns float64) float64 {
		if ns <= p95 || power == 0 {
			return ns * s.Time
		}
		return ns * s.Time * min(math.Pow(ns/p95, power), max(2*s.Tail, 1))
	}
}

// stretchedBins moves the bins, and makes their counts add up to ios.
func stretchedBins(bins map[string]any, longerBy func(float64) float64, ios float64) map[string]any {
	all := 0.0
	for _, n := range bins {
		all += number(n)
	}
	out, seen := map[string]any{}, 0.0
	for _, key := range slices.SortedFunc(maps.Keys(bins), byNumber) {
		ns, _ := strconv.ParseFloat(key, 64)
		before := math.Round(seen / all * ios)
		seen += number(bins[key])
		name := strconv.FormatFloat(math.Round(longerBy(ns)), 'f', 0, 64)
		out[name] = number(out[name]) + math.Round(seen/all*ios) - before
	}
	return out
}

func mean(bins map[string]any) float64 {
	sum, n := 0.0, 0.0
	for key, count := range bins {
		ns, _ := strconv.ParseFloat(key, 64)
		sum, n = sum+ns*number(count), n+number(count)
	}
	if n == 0 {
		return 0
	}
	return sum / n
}

func byNumber(a, b string) int {
	x, _ := strconv.ParseFloat(a, 64)
	y, _ := strconv.ParseFloat(b, 64)
	return int(math.Copysign(1, x-y))
}

// stretchedLog scales the times and values of a log's lines.
func stretchedLog(body []byte, factor float64) []byte {
	var out bytes.Buffer
	for line := range strings.Lines(string(body)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ",", 3)
		if len(parts) < 3 {
			continue
		}
		at, _ := strconv.ParseFloat(strings.TrimSpace(parts[0]), 64)
		value, _ := strconv.ParseFloat(strings.TrimSpace(parts[1]), 64)
		fmt.Fprintf(&out, "%.0f, %.0f,%s\n", at*longer, value*factor, parts[2])
	}
	return out.Bytes()
}

// scale multiplies members of a document that are there, and rounds what was whole.
func scale(d map[string]any, factor float64, names ...string) {
	for _, name := range names {
		if v, ok := d[name].(float64); ok {
			scaled := v * factor
			if v == math.Trunc(v) {
				scaled = math.Round(scaled)
			}
			d[name] = scaled
		}
	}
}

func scaledText(v any, factor int) string {
	text, _ := v.(string)
	n, err := strconv.Atoi(text)
	if err != nil {
		return text
	}
	return strconv.Itoa(n * factor)
}

func number(v any) float64 { f, _ := v.(float64); return f }
