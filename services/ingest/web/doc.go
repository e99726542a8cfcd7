// Package web is ingest's HTTP door: webhooks of forges, CloudEvents of
// scripts, and EventBridge's notices, made into events on the bus.
//
//	POST /hooks             a webhook; the forge is found out from its headers
//	POST /hooks/{forge}     a webhook of a forge that is known beforehand
//	POST /events            CloudEvents: structured, binary or batched
//	OPTIONS /events         the CloudEvents webhook handshake
//	POST /eventbridge       EC2 state changes from an EventBridge API destination
//
// The one promise is that 202 means stored: the answer is sent after JetStream
// has acknowledged every event of the request on disk. Without that the answer
// is 503 with Retry-After, and the sender may repeat itself: ids are derived
// from what is said, so that saying it twice says it once.
//
// Every refusal is an RFC 9457 problem that names the remedy. All caps on what
// a sender may cost are in limits.go.
package web
