// Package choreography tests what the services promise together: that nobody
// conducts them, and that every bench and every run ends in exactly one way all
// the same, whatever is replayed, raced, cancelled, given up on or late. The
// services run in the test's process, over a real NATS server, a real S3 server
// and, where runs are measured, real fio.
package choreography
