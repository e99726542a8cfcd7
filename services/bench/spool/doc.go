// Package spool keeps what a worker has measured on its own disk until the
// store and the bus have it, so that either may be away for hours.
//
// # Layout
//
// Each start of fio has a folder <dir>/<run>.<attempt> that passes through
// three states, distinguished by the files in it alone:
//
//	begun       begun.json: what is being measured, by whom it was asked
//	committed   entry.json: the end, and which files belong to it
//	gone        the folder is renamed away and removed
//
// entry.json appears by rename after every file it names has been synced.
// A crash at any moment therefore leaves either an attempt that no worker has
// judged yet, or one whole and waiting to be shipped.
//
// # Bounds
//
// The spool refuses to begin an attempt while it holds more than its limit;
// what is committed is never dropped. One attempt's own growth is bounded by
// the code that watches fio (see [Attempt.Size]).
package spool
