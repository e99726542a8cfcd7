// Package interop meets fiord with the CloudEvents SDK for Go as scripts use
// it: what that sends over NATS JetStream and HTTP, in structured and in binary
// mode, fiord takes; what fiord says, it receives.
package interop
