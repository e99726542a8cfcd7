package hoststat

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/fiord-bench/fiord/internal/hostseries"
)

// maxCPUs are asked for their clock and heat.
const maxCPUs = 16

// sectorSize is the unit of /proc/diskstats, whatever the device's own is.
const sectorSize = 512

// Probe reads the counters of a host. It is used by one goroutine.
type Probe struct {
	devices                 []string
	stat, meminfo, disks    *os.File
	frequencies, throttlers []*os.File
	buf                     []byte

	last   counters
	primed bool
}

// counters are what the kernel counts up, read at one time.
type counters struct {
	at        time.Time
	cpu       [8]float64 // ticks: user, nice, system, idle, iowait, irq, softirq, steal
	disks     []disk
	throttles []float64
}

// disk is a line of /proc/diskstats.
type disk struct {
	known                                    bool
	reads, readSectors, writes, writeSectors float64
	busyMillis, weightedMillis               float64
}

// Open prepares to watch the host whose files lie below root ("" for this
// one), and of its devices those named. What only some hosts have may be
// missing.
func Open(root string, devices []string) (*Probe, error) {
	root = filepath.Join("/", root)
	p := &Probe{devices: slices.Clone(devices[:min(len(devices), hostseries.MaxDevices)]), buf: make([]byte, 16<<10)}
	var errs []error
	open := func(name string) *os.File {
		f, err := os.Open(filepath.Join(root, name)) //nolint:gosec // the kernel's own
		errs = append(errs, err)
		return f
	}
	p.stat, p.meminfo, p.disks = open("proc/stat"), open("proc/meminfo"), open("proc/diskstats")
	if err := errors.Join(errs...); err != nil {
		p.Close()
		return nil, fmt.Errorf("watch host: %w", err)
	}
	cpus := filepath.Join(root, "sys/devices/system/cpu")
	p.frequencies = some(filepath.Join(cpus, "cpufreq/policy*/scaling_cur_freq"), maxCPUs)
	p.throttlers = append(some(filepath.Join(cpus, "cpu*/thermal_throttle/core_throttle_count"), maxCPUs),
		some(filepath.Join(cpus, "cpu*/thermal_throttle/package_throttle_count"), maxCPUs)...)
	return p, nil
}

// some opens at most n of the files that match, spread evenly.
func some(pattern string, n int) []*os.File {
	names, _ := filepath.Glob(pattern) // the patterns are well formed
	var out []*os.File
	step := max(1, (len(names)+n-1)/n)
	for i := 0; i < len(names); i += step {
		if f, err := os.Open(names[i]); err == nil { //nolint:gosec // the kernel's own
			out = append(out, f)
		}
	}
	return out
}

// Close lets go of the files.
func (p *Probe) Close() {
	for _, f := range slices.Concat([]*os.File{p.stat, p.meminfo, p.disks}, p.frequencies, p.throttlers) {
		if f != nil {
			_ = f.Close()
		}
	}
}

// Sample returns what happened since the last call. The first call only
// begins: it reports false, as does one that comes at the same time as the
// last. Start is left to the caller.
func (p *Probe) Sample(now time.Time) (s hostseries.Sample, ok bool, err error) {
	c, err := p.count(now)
	if err != nil {
		return s, false, err
	}
	before, primed := p.last, p.primed
	span := now.Sub(before.at)
	if primed && span <= 0 {
		return s, false, nil
	}
	p.last, p.primed = c, true
	if !primed {
		return s, false, nil
	}
	s = hostseries.Sample{Span: span, CPU: shares(before.cpu, c.cpu), Devices: make([]hostseries.Device, len(p.devices))}
	for i := range s.Devices {
		s.Devices[i] = work(before.disks[i], c.disks[i], span.Seconds())
	}
	s.Throttles = math.NaN()
	for i, n := range c.throttles {
		if d := n - before.throttles[i]; !math.IsNaN(d) && !(s.Throttles >= d) {
			s.Throttles = max(0, d)
		}
	}
	s.FreqMin, s.FreqMean = p.clock()
	s.Memory, err = p.memory()
	return s, true, err
}

// shares are the percents of all CPUs' time between two readings. The kernel
// may correct iowait and idle downwards: what would be negative is none.
func shares(before, after [8]float64) hostseries.CPU {
	var d [8]float64
	total := 0.0
	for i := range d {
		d[i] = max(0, after[i]-before[i])
		total += d[i]
	}
	if total == 0 {
		unknown := math.NaN()
		return hostseries.CPU{User: unknown, System: unknown, IOWait: unknown, Steal: unknown, Idle: unknown}
	}
	part := func(ticks float64) float64 { return 100 * ticks / total }
	return hostseries.CPU{User: part(d[0] + d[1]), System: part(d[2] + d[5] + d[6]), Idle: part(d[3]), IOWait: part(d[4]), Steal: part(d[7])}
}

// work is what a device did between two readings.
func work(before, after disk, seconds float64) hostseries.Device {
	if !before.known || !after.known {
		unknown := math.NaN()
		return hostseries.Device{ReadIOPS: unknown, WriteIOPS: unknown, ReadBytes: unknown, WriteBytes: unknown, InFlight: unknown, Busy: unknown}
	}
	rate := func(a, b float64) float64 {
		if b < a { // the counter has wrapped, or the device is another one
			return math.NaN()
		}
		return (b - a) / seconds
	}
	return hostseries.Device{
		ReadIOPS: rate(before.reads, after.reads), WriteIOPS: rate(before.writes, after.writes),
		ReadBytes:  rate(before.readSectors, after.readSectors) * sectorSize,
		WriteBytes: rate(before.writeSectors, after.writeSectors) * sectorSize,
		InFlight:   rate(before.weightedMillis, after.weightedMillis) / 1000,
		Busy:       min(100, rate(before.busyMillis, after.busyMillis)/10), // the kernel counts by ticks and may round up
	}
}

// count reads what counts up.
func (p *Probe) count(now time.Time) (counters, error) {
	c := counters{at: now, disks: make([]disk, len(p.devices)), throttles: make([]float64, len(p.throttlers))}
	text, err := p.read(p.stat)
	if err != nil {
		return c, err
	}
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	rest, isCPU := bytes.CutPrefix(line, []byte("cpu "))
	if !isCPU || numbers(rest, c.cpu[:]) < 4 {
		return c, fmt.Errorf("read %s: it does not begin with the CPUs", p.stat.Name())
	}
	if text, err = p.read(p.disks); err != nil {
		return c, err
	}
	p.diskstats(text, c.disks)
	for i, f := range p.throttlers {
		c.throttles[i] = p.number(f)
	}
	return c, nil
}

// diskstats reads the lines of the devices that are watched.
func (p *Probe) diskstats(text []byte, into []disk) {
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		line = skipFields(line, 2)
		name, rest, _ := bytes.Cut(line, []byte{' '})
		i := slices.IndexFunc(p.devices, func(d string) bool { return d == string(name) })
		if i < 0 {
			continue
		}
		var v [11]float64
		if numbers(rest, v[:]) == len(v) {
			into[i] = disk{
				known: true, reads: v[0], readSectors: v[2], writes: v[4], writeSectors: v[6],
				busyMillis: v[9], weightedMillis: v[10],
			}
		}
	}
}

// clock is the least and the mean frequency in MHz.
func (p *Probe) clock() (low, mean float64) {
	low, n, sum := math.NaN(), 0.0, 0.0
	for _, f := range p.frequencies {
		if v := p.number(f) / 1000; v > 0 {
			n, sum = n+1, sum+v
			if !(low <= v) {
				low = v
			}
		}
	}
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	return low, sum / n
}

// memory is what is used and cannot be had back, in bytes.
func (p *Probe) memory() (float64, error) {
	text, err := p.read(p.meminfo)
	if err != nil {
		return math.NaN(), err
	}
	total, available := kibibytes(text, "MemTotal:"), kibibytes(text, "MemAvailable:")
	return (total - available) * 1024, nil // NaN if either is
}

func kibibytes(text []byte, name string) float64 {
	i := bytes.Index(text, []byte(name))
	var v [1]float64
	if i < 0 || numbers(text[i+len(name):], v[:]) == 0 {
		return math.NaN()
	}
	return v[0]
}

// number reads a file that holds one; NaN if it does not.
func (p *Probe) number(f *os.File) float64 {
	text, err := p.read(f)
	if err != nil {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(string(bytes.TrimSpace(text)), 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// maxFile bounds the buffer: hosts with thousands of interrupts or devices
// stay far below.
const maxFile = 4 << 20

// read returns the whole file anew, valid until the next call.
func (p *Probe) read(f *os.File) ([]byte, error) {
	for n := 0; ; {
		m, err := f.ReadAt(p.buf[n:], int64(n))
		n += m
		switch {
		case errors.Is(err, io.EOF):
			return p.buf[:n], nil
		case err != nil:
			return nil, fmt.Errorf("read %s: %w", f.Name(), err)
		case len(p.buf) >= maxFile:
			return p.buf[:n], nil
		}
		p.buf = append(p.buf, make([]byte, len(p.buf))...)
	}
}
