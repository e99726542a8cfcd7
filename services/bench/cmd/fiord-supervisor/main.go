// Command fiord-supervisor runs fio for a worker on a device that other hosts
// see as well, and ends it with the lease of that device. The worker starts it,
// or has the container's engine start it; it is not meant to be called by hand.
package main

import (
	"os"

	"github.com/fiord-bench/fiord/services/bench/supervise"
)

func main() { os.Exit(supervise.Main(os.Args[1:], os.Stderr)) }
