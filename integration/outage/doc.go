// Package outage takes NATS and S3 away from workers that measure, for seconds
// or for an hour, and looks what becomes of the runs, of the disk that their
// results wait on, and of the workers meanwhile.
//
//	go test ./integration/outage                          eight seconds
//	make outage                                           an hour
//	make outage OUTAGE=10m
//
// The center is `fiord up` without a worker; the workers are processes of their
// own with the credentials of `fiord creds bench`. The center is killed, not
// stopped: nobody is told that it goes.
package outage
