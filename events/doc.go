// Package events is the contract between fiord's services: every event they
// exchange, as Go types, JSON Schemas, subjects and examples.
//
// An event is a CloudEvent 1.0 in structured JSON mode. Its type reads
// dev.fiord.<noun>.<past verb>.v1 and its NATS subject
// fiord.events.<noun>.<verb>.v1, followed by a route where one is needed: the
// host or pool a list of runs is for, or the run or bench that a terminal
// event ends.
//
// The package is pure: it opens no connection, reads no clock but the one
// [New] stamps events with, and holds no state.
//
// # Identity
//
// Ids are deterministic. An event emitted in reaction to another has
// id = hash(cause, type, key), so that reacting twice to one event announces
// one thing. Only a person or a script starts a chain with an id of its own.
//
// # Checks
//
// Three gates, from cheap to strict. [Data].Validate is compiled and runs at
// every publish and every consume. [CheckForeign] holds the raw document
// against the published JSON Schema too and refuses fields nobody knows; it is
// for events that enter from outside. [MaxData] bounds the size of both:
// anything that can grow travels as a [ClaimCheck].
package events

//go:generate go run ./internal/contractgen
