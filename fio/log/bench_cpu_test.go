package log

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime is what this process used of the processors.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// reportCPU adds the throughput per second of CPU time, which a busy neighbour
// does not spoil.
func reportCPU(b *testing.B, size int, began time.Duration) {
	b.ReportMetric(float64(size)*float64(b.N)/1e6/(cpuTime(b)-began).Seconds(), "MB/cpu-s")
}
