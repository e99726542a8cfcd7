// Package runner says what it means to start fio once, whatever it runs in.
//
// A Runner prepares nothing but the start itself: the caller has written the
// job file into a fresh directory, and everything fio says lands in that
// directory as plain files, so a worker that dies in the middle leaves its
// successor all there is to know. Two runners exist: package docker (a
// hardened container) and package process (a child in its own process group).
//
// # Files
//
// An invocation's directory holds
//
//	job.fio      what fio was given, byte for byte (the caller's)
//	fio.json     fio's own report, json+ unless the caller asks otherwise
//	stdout.txt   fio's progress lines, about one a second
//	stderr.txt   fio's complaints
//	logs/        what the job's write_*_log options point at
//
// Progress comes from fio's own ETA line (`--eta=always --eta-newline=100ms`),
// which its helper thread prints anyway. `--status-interval` would put whole
// cumulative documents into the report instead, several per run, and make fio
// walk every histogram each second.
//
// # Stopping
//
// Stop asks with SIGINT, on which fio ends its jobs and still writes its
// report, and after [Grace] kills with SIGKILL. Both together stay under two
// seconds, so a cancelled run ends at once and keeps what it had.
package runner
