// Command notify runs fiord's notify service: it tells people, chats and forges
// what became of pushes, benches and runs.
package main

import (
	"os"

	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/notify"
)

func main() { os.Exit(service.Main("notify", notify.DefaultConfig(), notify.New)) }
