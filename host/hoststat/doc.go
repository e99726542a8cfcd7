// Package hoststat watches the host while fio measures: CPU, memory, the
// devices measured, clock and heat, once a second.
//
// What it costs is the point of it. Files below /proc and /sys are opened once
// and read in place; nothing is parsed but the lines that are wanted; nothing
// is written before fio has ended; and memory is bounded (see the format,
// internal/hostseries). The benchmark beside it says how many microseconds a
// sample takes.
//
// Frequencies and throttle counts are those of at most sixteen CPUs, spread
// over the host: asking a CPU for its clock interrupts it, which on a large
// host would be felt by what is measured.
package hoststat
