// Package artifacts keeps fiord's objects in S3 and hands out claim checks for
// them.
//
// An event stays small because whatever can grow travels beside it: the bytes
// go to a bucket, the event carries an [events.ClaimCheck] with the key, the
// size and the SHA-256 of the content. The package holds three promises, on
// any server that honours conditional writes:
//
//   - Written once. [Store.Put] is one conditional PUT, so a key has one content
//     for good. Putting the same content again succeeds with the same claim
//     check, which makes every retry safe; other content is [ErrExists].
//   - Read as written. [Store.Open] hashes what it streams and ends in
//     [ErrCorrupt], never in a short or silent success.
//   - Bounded. Content of any size passes in constant memory, every wait ends,
//     and a server that is away is [ErrUnavailable] after a few tries.
//
// [Store.Replace] and [Store.Update] serve the one kind of object that changes,
// pointers such as inventories/latest.json, by compare-and-set on the ETag.
//
// The package artifacts/embedded is a real S3 server in the same process;
// artifacts/artifactstest is the conformance suite for every server.
package artifacts
