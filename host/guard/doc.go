// Package guard decides whether a job may run on this host, before anything of
// it has started.
//
// It holds what a job file reaches for (fio/job's Touches, which errs towards
// more) against the policy of the host's owner, and against what the host
// knows of its devices. Three rules stand above the policy:
//
//   - A device that is mounted, partitioned, swap, or part of LVM, RAID,
//     multipath, encryption or anything else built on it is never written.
//   - Commands, libraries, settings of the machine and network endpoints are
//     not what a benchmark measures, and are refused.
//   - What cannot be told from the file (a trace that names devices of its
//     own, an unknown option) is refused, never waved through.
//
// A path is judged by where it leads: links are followed as far as the path
// exists, so one that leads out of an allowed directory is refused. That a
// link could be changed between the check and fio's open is met elsewhere: a
// container has nothing else mounted that it could lead to, and a plain
// process runs as the directory's owner, who could write there anyway.
//
// Devices are named in the policy by what does not change when a machine is
// started: a link below /dev/disk/by-id, a serial number or a WWN.
package guard
