// Command fiord is the command a person types: it runs a whole fiord on one
// machine, asks for benches and follows them, and shows what there is.
package main

//go:generate go run . up --write-config-table README.md

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// After the first signal the next one has its default effect: it kills.
	context.AfterFunc(ctx, stop)
	p := program{environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(p.run(ctx, os.Args[1:]))
}
