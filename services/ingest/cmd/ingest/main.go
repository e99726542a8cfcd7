// Command ingest runs fiord's ingest service: it receives webhooks and events
// over HTTP and turns pushes into benches.
package main

import (
	"os"

	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/ingest"
)

func main() { os.Exit(service.Main("ingest", ingest.DefaultConfig(), ingest.New)) }
