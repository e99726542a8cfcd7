// Package supervise runs fio on a leash: a small program between the worker,
// or the container's engine, and fio, which ends fio when a deadline passes
// that was not put off. A worker that is dead, frozen or cut off from the
// bus puts nothing off, so fio is gone before the device that it measures is
// granted to another host.
//
// The deadline stands in a file, as nanoseconds of the host's CLOCK_BOOTTIME,
// which containers share. The holder of the lease replaces the file; the
// supervisor only reads it, four times a second.
//
// [Grace] before the deadline fio is asked to end with SIGINT, and writes its
// report. At the deadline everything below the supervisor is killed. In a
// container the supervisor is process 1, so that the kernel sees to it if the
// supervisor itself is killed.
//
// The package stands on the standard library and the system calls alone: its
// program is copied into containers, and must be small and static.
package supervise
