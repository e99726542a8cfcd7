// Package scale measures what becomes of fiord when everything is many: hosts,
// benches, and runs of one bench, over three NATS servers with every stream on
// each, two replicas of each service that stands in the middle, each a process of
// its own, and a server killed in between that leads the stream of events.
//
//	go test ./integration/scale                 a size for every day
//	make scale                                  1,000 hosts, 500 benches and one of 10,000 runs
//	make scale HOSTS=50 BENCHES=20 RUNS=500
//
// Hosts are bench services with registry, guard, gate and spool, in the process
// of the test; fio is real and measures nothing (ioengine=null), four at a time,
// since what is asked is what fiord costs. It wants one end of each bench and run,
// every notice, and memory that does not grow with the number of runs; it tells
// how long things took.
package scale
