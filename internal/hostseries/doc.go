// Package hostseries is what a host did while it measured: the format of the
// artifact activity.csv, which bench writes beside a run's logs and plot draws.
//
// # Format
//
// A header row, then one row per interval, in order and without overlap. Rows
// are a second apart in a run of up to two hours; of a longer one they are
// merged, so that no file has more than [MaxRows]. A gap between rows is time
// that nobody watched, as when a worker was replaced in the middle of a run.
// An empty cell is a value that the host does not tell.
//
//	start_ms      begin of the interval, milliseconds since fio was started
//	interval_ms   its length
//	cpu_user      percent of the time of all CPUs, niced work included
//	cpu_system    same, interrupts included
//	cpu_iowait    same, idle with I/O outstanding
//	cpu_steal     same, taken by other guests of the hypervisor
//	cpu_idle      same
//	memory_bytes  used and not to be had back by dropping caches
//	freq_min_mhz  slowest of the CPUs that were looked at
//	freq_mean_mhz their mean
//	throttles     most thermal throttle events that one of them counted
//
// and for every block device measured, by kernel name, as in
// /proc/diskstats:
//
//	vda:read_iops    reads completed per second
//	vda:write_iops   writes completed per second
//	vda:read_bytes   bytes read per second
//	vda:write_bytes  bytes written per second
//	vda:in_flight    mean number of requests in the queue or the device
//	vda:busy         percent of the time in which there was at least one
package hostseries
