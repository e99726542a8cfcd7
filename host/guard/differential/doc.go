// Package differential holds the guard against fio itself.
//
// Its tests draw random job files from the option table of the fio that is
// installed, have the guard judge them as a worker does, and run those that it
// lets through in a sandbox under a tracer. Two things must hold: fio never
// opens for writing, creates, renames, truncates or removes what the guard did
// not know of, and it never takes more space than the guard counted. A job that
// breaks one of them is made as small as it goes and printed, to be kept below
// testdata/found, where it is run again by every test.
//
// The sandbox is a user, mount, network, process and IPC namespace of its own.
// Everything in it is read-only but a few file systems in memory, and its user
// owns nothing on the host. The file system that the jobs measure is as large
// as what was counted, so that one byte more is an error of fio's.
//
// The short form runs with the other tests; `make fuzz-guard DURATION=1h` goes
// on for as long as it is given.
package differential
