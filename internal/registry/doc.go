// Package registry is the fleet as its hosts announce it.
//
// Every bench host writes two records into the key-value bucket Bucket, under
// its own token: a small Beat every few seconds (who it is, which pools it
// serves, what it is running, the facts that change all the time) and Details
// (the facts that rarely change), which are written only when they differ from
// what was written last. Nobody else writes them, so a host's NATS user needs
// the two keys of its own token and nothing more.
//
// An Announcer is the writing side, for a worker. A View is the reading side:
// it follows the bucket and answers from memory.
//
// The bucket lives in the server's memory, because a beat that survived a
// restart would only be wrong. Both sides cope with a bucket that was emptied
// under them: the announcer sees revisions go backwards and writes its details
// again, and the view opens a new watch when it has heard nothing for a while.
package registry
