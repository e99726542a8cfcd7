// Package laidout remembers which files jobs have laid out on this host, so
// that they can be reused by name, removed when their space is needed, or named
// to the host's owner.
//
// A file is a job's if it was not there when the job began and was there when
// it had ended. It stays that as long as it is the very same file: its number
// on its file system and the time of its birth are noted, and a file of that
// name which has others belongs to another owner and is never removed. On a
// file system that keeps no time of birth nothing is removed at all.
//
// What may appear is noted, durably, before a job begins, so that a worker that
// is killed knows at its next start what to look for.
package laidout
