package hoststat

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/host/block"
)

// DiskTimes measures how long requests at a run's disks take while it runs. fio
// says nothing of latency before it ends: its logs stay in memory until then,
// and --status-interval has it walk and print every histogram. The kernel
// counts requests and their time for each disk anyway.
type DiskTimes struct {
	files []string
	last  map[string]diskCount // by direction, summed over the disks
}

// diskCount is a direction's requests so far, and the milliseconds they took.
type diskCount struct{ requests, ms uint64 }

// NewDiskTimes reads the disks, by kernel name, for the first time.
func NewDiskTimes(sys block.System, disks []string) *DiskTimes {
	d := &DiskTimes{}
	for _, disk := range disks {
		d.files = append(d.files, filepath.Join("/", sys.Root, "sys/block", disk, "stat"))
	}
	d.last = d.read()
	return d
}

// Since is the mean time of a request since the last call, in nanoseconds by
// direction. A direction without requests is left out.
func (d *DiskTimes) Since() map[string]float64 {
	now := d.read()
	mean := map[string]float64{}
	for direction, c := range now {
		before := d.last[direction]
		if c.requests > before.requests && c.ms >= before.ms {
			mean[direction] = float64(c.ms-before.ms) * 1e6 / float64(c.requests-before.requests)
		}
	}
	d.last = now
	return mean
}

// statFields are where a direction's requests stand in a line of
// /sys/block/<disk>/stat; the milliseconds are three further on.
var statFields = map[string]int{"read": 0, "write": 4, "trim": 11}

func (d *DiskTimes) read() map[string]diskCount {
	all := map[string]diskCount{}
	for _, file := range d.files {
		text, err := os.ReadFile(file) //nolint:gosec // below /sys
		if err != nil {
			continue // the disk went away: its run fails by itself
		}
		fields := strings.Fields(string(text))
		for direction, at := range statFields {
			if len(fields) <= at+3 {
				continue // kernels before 4.18 count no trims
			}
			requests, err := strconv.ParseUint(fields[at], 10, 64)
			if err != nil {
				continue
			}
			ms, err := strconv.ParseUint(fields[at+3], 10, 64)
			if err != nil {
				continue
			}
			c := all[direction]
			all[direction] = diskCount{c.requests + requests, c.ms + ms}
		}
	}
	return all
}
