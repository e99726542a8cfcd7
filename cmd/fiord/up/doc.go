// Package up is fiord in one process: a NATS server and an S3 server on real
// ports, and the five services, each an [service.App] with credentials of its
// own, as if it were a program of its own. They share one admin address, one
// logger and the host's measurement gate, and nothing else: every event passes
// through the server, every artifact through S3.
package up
