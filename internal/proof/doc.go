// Package proof lets an event prove who made it.
//
// An installation has an authority: a key pair (an nkey) in the data folder of
// whoever operates it. The authority issues a [Grant] to each user: which service,
// host or person a public key belongs to. What a grant lets its holder publish
// follows from what the code declares, see [Grant.Publishes]; access derives the
// rights on the server from the same declaration.
//
// A [Signer] signs each event over its subject, message id, time and content, with
// the key by which the user connects to NATS. The signature travels in two headers
// of the message, together with the grant, so that a [Verifier] needs nothing but
// the authority's public key, and an event in the stream, or a copy of its message, can be checked later.
//
// # Cost
//
// Verifying an Ed25519 signature takes longer than all else that a reaction does
// with a small event. A signer therefore names in each event the hash of its event
// before, of the same type: one verified signature vouches for all events of a
// group that it leads to ([Verifier.Examine]). Each event carries a signature of its
// own all the same, so that it can be verified alone.
package proof
