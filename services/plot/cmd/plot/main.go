// Command plot runs fiord's plot service: it draws the figures of each run,
// reports each bench with its verdict, and serves the web page.
package main

import (
	"os"

	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/plot"
)

func main() { os.Exit(service.Main("plot", plot.DefaultConfig(), plot.New)) }
