package runner

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Progress is one ETA line of fio, read. Rates are those of the last interval
// of about a second, summed over all jobs, with the three or four digits that
// fio prints. Percent and ETA are -1 while fio does not know them yet.
type Progress struct {
	Time    time.Time
	Percent float64
	ETA     time.Duration
	Jobs    int  // jobs running
	Ramping bool // in ramp time or laying out files: rates are not measured ones

	Read, Write, Trim Rate
}

// Rate is one direction's throughput.
type Rate struct {
	BytesPerSec float64
	IOPS        float64
}

// Total adds up the three directions.
func (p Progress) Total() Rate {
	return Rate{
		BytesPerSec: p.Read.BytesPerSec + p.Write.BytesPerSec + p.Trim.BytesPerSec,
		IOPS:        p.Read.IOPS + p.Write.IOPS + p.Trim.IOPS,
	}
}

// etaLine is "Jobs: 2 (f=2): [m(2)][60.0%][r=3614MiB/s,w=3612MiB/s][r=925k,w=925k IOPS][eta 00m:02s]".
// Rate limits put a target into parentheses after the rates, and a second
// bracket "[1024-2048 IOPS]"; both are skipped.
var (
	etaHead  = regexp.MustCompile(`^Jobs: (\d+) \(f=\d+\)(?:: \[([^\]]*)\])?`)
	etaField = regexp.MustCompile(`\[([^\]]*)\]`)
)

// ParseProgress reads one line. It reports false for a line that carries no
// progress, such as a warning.
func ParseProgress(line string) (Progress, bool) {
	head := etaHead.FindStringSubmatch(line)
	if head == nil {
		return Progress{}, false
	}
	p := Progress{Percent: -1, ETA: -1}
	p.Jobs, _ = strconv.Atoi(head[1])
	p.Ramping = strings.ContainsAny(head[2], "/I")
	for _, f := range etaField.FindAllStringSubmatch(line[len(head[0]):], -1) {
		p.field(f[1])
	}
	return p, true
}

func (p *Progress) field(f string) {
	switch {
	case strings.HasSuffix(f, "%"):
		if v, err := strconv.ParseFloat(strings.TrimSuffix(f, "%"), 64); err == nil && v >= 0 && v <= 100 {
			p.Percent = v
		}
	case strings.HasPrefix(f, "eta "):
		p.ETA = parseETA(strings.TrimPrefix(f, "eta "))
	case strings.HasSuffix(f, " IOPS"):
		p.rates(strings.TrimSuffix(f, " IOPS"), func(r *Rate, v float64) { r.IOPS = v })
	case strings.HasSuffix(f, "/s"):
		p.rates(f, func(r *Rate, v float64) { r.BytesPerSec = v })
	}
}

func (p *Progress) rates(list string, set func(*Rate, float64)) {
	for _, part := range strings.Split(list, ",") {
		name, value, found := strings.Cut(part, "=")
		v, ok := parseQuantity(value)
		if !found || !ok {
			continue
		}
		switch name {
		case "r":
			set(&p.Read, v)
		case "w":
			set(&p.Write, v)
		case "t":
			set(&p.Trim, v)
		}
	}
}

// quantities are fio's suffixes: binary with an i, decimal without.
var quantities = []struct {
	suffix string
	factor float64
}{
	{"KiB/s", 1 << 10}, {"MiB/s", 1 << 20}, {"GiB/s", 1 << 30}, {"TiB/s", 1 << 40},
	{"kB/s", 1e3}, {"MB/s", 1e6}, {"GB/s", 1e9}, {"TB/s", 1e12}, {"B/s", 1},
	{"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"", 1},
}

func parseQuantity(s string) (float64, bool) {
	for _, q := range quantities {
		number, found := strings.CutSuffix(s, q.suffix)
		if !found {
			continue
		}
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || !(v >= 0 && v <= 1e18) { // NaN too
			return 0, false
		}
		return v * q.factor, true
	}
	return 0, false
}

// parseETA reads "01d:02h:03m:04s" with any leading units left out.
func parseETA(s string) time.Duration {
	var total time.Duration
	for _, part := range strings.Split(s, ":") {
		if len(part) < 2 {
			return -1
		}
		n, err := strconv.Atoi(part[:len(part)-1])
		unit, known := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second}[part[len(part)-1]]
		if err != nil || !known || n < 0 || n > 1e5 {
			return -1
		}
		total += time.Duration(n) * unit
	}
	return total
}

// maxLine bounds what a stream without line ends can make us hold.
const maxLine = 4 << 10

// ProgressWriter cuts a stream of fio's standard output into lines, at CR as
// well as at LF because fio overwrites its line, and calls seen for each that
// carries progress. It never fails and holds at most one line.
type ProgressWriter struct {
	seen func(Progress)
	now  func() time.Time
	line []byte
}

// NewProgressWriter returns a writer that stamps each Progress with now().
func NewProgressWriter(now func() time.Time, seen func(Progress)) *ProgressWriter {
	return &ProgressWriter{seen: seen, now: now}
}

// Write implements io.Writer.
func (w *ProgressWriter) Write(b []byte) (int, error) {
	n := len(b)
	for {
		i := bytes.IndexAny(b, "\r\n")
		if i < 0 {
			break
		}
		w.add(b[:i])
		if p, ok := ParseProgress(string(w.line)); ok && (p.Percent >= 0 || p.ETA >= 0) {
			p.Time = w.now()
			w.seen(p)
		}
		w.line = w.line[:0]
		b = b[i+1:]
	}
	w.add(b)
	return n, nil
}

func (w *ProgressWriter) add(b []byte) {
	if room := maxLine - len(w.line); len(b) > room {
		b = b[:room]
	}
	w.line = append(w.line, b...)
}
