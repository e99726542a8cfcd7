// Package service is the life of a fiord service, so that a service itself is
// only its configuration, its reactions and a Run method:
//
//	func main() { os.Exit(service.Main("bench", bench.DefaultConfig(), bench.New)) }
//
// [Main] reads the settings (see package config), then an [App] opens what
// every service needs, in this order, and closes it in the opposite one: the
// admin address, tracing, NATS, the artifact store, the service. NATS or S3
// that is not up yet is waited for, while /readyz says so; credentials that
// are refused end the program with the reason.
//
// An App has no globals: any number of them live in one process, which is what
// the all-in-one does. SIGINT and SIGTERM ask a service to finish what it has
// in hand; a second signal kills.
package service
