// Command bench runs fiord's bench service on a host: it measures what is
// placed on the host, with fio, in a container or as a plain process.
package main

import (
	"os"

	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/bench"
)

func main() { os.Exit(service.Main("bench", bench.DefaultConfig(), bench.New)) }
