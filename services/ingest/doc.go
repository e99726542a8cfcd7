// Package ingest is the way in: it turns what happens outside (a push, a tick
// of a schedule, a script's wish, a cloud's notice) into events, and a push into
// the benches that its repository asks for.
//
// Consumed: push.received and pull.received (its own), push.approved,
// schedule.fired (its own).
//
// Published: push.received, pull.received, push.ignored, push.rejected, schedule.fired,
// bench.requested, cancel.requested, instance.changed, and whatever senders of
// POST /events may say.
//
// Kept: jobs/<sha256>.fio in the store; in the bucket fiord-refs the newest push
// of each ref with the benches it asked for, the schedules of each repository,
// and pull requests that wait for approval.
//
// Idempotency: a push's id is the hash of forge, repository, ref, before and
// after, so that one push is one event however often it is told. Everything
// that follows from it has an id derived from that event, and job files are
// named by their content: to react again is to say the same again.
package ingest
