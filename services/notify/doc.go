// Package notify tells people and forges what became of pushes, benches and
// runs.
//
// It consumes push.ignored, push.rejected, push.approved, bench.requested, the bad
// ends of runs, the ends of benches, inventory.generated and host.lost, and
// publishes notice.sent, notice.failed and notice.withheld. Nothing waits for it.
//
// Each target of the configuration is a reaction of its own, with its own
// durable notify-<name>, its own bounded concurrency and its own circuit
// breaker: a target that is away delays nobody else's notices, and catches up
// when it is back. A new target starts with what happens next, not with history.
//
// # Told once
//
// The idempotency key of a notice is the hash of target and event. The bucket
// fiord-notices keeps what became of it: a redelivered or replayed event finds
// it sent and only repeats the announcement, which its id deduplicates. Between
// a target's answer and the entry in the bucket stands no transaction, so a
// crash in that instant sends again, with the same id: Matrix, mail systems,
// commit statuses and receivers that look at X-Fiord-Notice take it once.
// Losing a notice would be worse.
//
// The same bucket keeps which commit statuses are final, which shifts a target
// was told of, the comments at pull requests, the commits of held ones, and the
// groups of notices that wait to be told together, see docs/adr/0013. Silences
// are in fiord-silences, which people write and this service only reads.
//
// # Who decides where
//
// Addresses and secrets are the operator's alone. Events are matched against
// targets; nothing in an event, and so nothing in a pushed fiord.yaml, becomes
// a host, and a forge's token is only used for repositories of that very host.
package notify
