// Package forge reads the webhooks of git forges: which forge sent one,
// whether its signature holds, and what it says, in one model for all of them.
//
// A [Delivery] goes through three steps, in this order and no other. [Detect]
// looks at the headers alone. [Forge].Verify compares the signature, in
// constant time and on the bytes as they arrived, with every key that is valid
// at the moment, so that secrets can be rotated without losing a push. Only
// then does [Forge].Parse look into the body.
//
// Payloads are treated as claims: a signature says who sent them, not that
// they are true. What a push changed and what its message says is read from
// the commit itself by package checkout, never from the payload, which forges
// truncate.
//
// The package knows no HTTP server, no bus and no configuration file.
package forge
