// Package bus carries fiord's events over NATS JetStream. It is the one place
// where the handler contract lives, so that no service has one of its own.
//
// # Publishing
//
// [Bus.Publish] returns when JetStream has acknowledged the event on disk.
// [Bus.End] publishes a terminal, which JetStream accepts only if the run or
// bench has none: whoever comes second learns who was first.
//
// # Reacting
//
// A [Reaction] is a durable pull consumer that replicas share. What its
// handler returns decides what becomes of the message:
//
//	nil              acknowledged, with the server's confirmation if ConfirmAck
//	Permanent(err)   dead letter, and the terminal that OnDead owes
//	RetryAfter(d)    delivered again after d; does not count as an attempt
//	Unavailable(err) kept in hand and tried again while a dependency is away
//	any other error  delivered again after backoff with jitter, until MaxAttempts
//	a panic          the same as any other error
//
// Messages are fetched only for free places, so none waits in a client while
// its acknowledgement timer runs, and each is kept alive by heartbeats as long
// as its handler works.
//
// # Proof
//
// With a grant, each event is signed when it is published and verified before
// anything sees it. What does not prove who made it is an error that no retry mends,
// and has no OnDead; see package proof.
//
// # Watching
//
// A [View] reads events in order without a durable, for read models and
// cancellation. Progress ([Bus.Live]) is shown and forgotten.
package bus
