// Command fiotools is fio-tools' commands in one program: it does what the name
// it is called by says, or else its first argument.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/fiord-bench/fiord/cmd/fiord/dropin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// After the first signal the next one has its default effect: it kills.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx))
}

func run(ctx context.Context) int {
	tool, args := filepath.Base(os.Args[0]), os.Args[1:]
	if len(args) > 0 && slices.Contains(dropin.Tools(), filepath.Base(args[0])) {
		tool, args = filepath.Base(args[0]), args[1:]
	}
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", tool, err)
		return dropin.ExitFailed
	}
	env := map[string]string{}
	for _, pair := range os.Environ() {
		k, v, _ := strings.Cut(pair, "=")
		env[k] = v
	}
	c := dropin.Command{
		Env: env, Data: dropin.DataDir, Dir: dir, Listen: ":8000", Fio: "fio", Stdout: os.Stdout, Stderr: os.Stderr,
	}
	return c.Run(ctx, tool, args)
}
