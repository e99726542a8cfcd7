// Command inventory runs fiord's inventory service: it keeps the registry of
// bench hosts, places benches on them, discovers instances and generates
// Ansible inventories.
package main

import (
	"os"

	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/inventory"
)

func main() { os.Exit(service.Main("inventory", inventory.DefaultConfig(), inventory.New)) }
