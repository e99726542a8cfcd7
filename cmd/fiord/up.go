package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/cmd/fiord/up"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/internal/service/logging"
	"github.com/fiord-bench/fiord/internal/service/tracing"
)

func (p *program) upCommand() *cobra.Command {
	var file, logFile, table string
	c := &cobra.Command{
		Use:   "up",
		Short: "Run everything in one process: NATS, S3, the services, the web page",
		Long: `Run everything in one process: NATS, S3, the services, the web page.

All that it keeps lies in the data folder, credentials included, and the other
commands find it there. Every setting of every service is a flag, a FIORD_*
variable and a key of the configuration file. It is ready when it prints its
addresses, and when /readyz on the admin address answers 200.`,
		Args: cobra.NoArgs,
	}
	// The defaults shown are those of the default folder.
	shown := up.DefaultConfig(".fiord")
	set, err := config.New(shown.Sections(), service.Siblings()...)
	if err != nil {
		panic(err) // a mistake in the source, which every test meets
	}
	c.Flags().StringVar(&file, "config", p.variable(config.FileVariable, ""), "YAML file with settings ("+config.FileVariable+")")
	c.Flags().StringVar(&logFile, "log-file", "", "append the log to this file instead of standard error")
	c.Flags().StringVar(&table, "write-config-table", "", "write the tables of settings into this README and end")
	_ = c.Flags().MarkHidden("write-config-table")
	set.AddFlags(c.Flags())
	c.RunE = func(c *cobra.Command, _ []string) error {
		if table != "" {
			return writeTables(table, set)
		}
		dir, err := p.dataDir()
		if err != nil {
			return err
		}
		cfg := up.DefaultConfig(dir)
		if _, terminal := p.terminal(p.stderr); terminal {
			cfg.Common.Log.Format = "text"
		}
		set, err := config.New(cfg.Sections(), service.Siblings()...)
		if err != nil {
			return err
		}
		if err := set.Load(config.Source{File: file, Environ: p.environ, Flags: c.Flags()}); err != nil {
			return badInput(fmt.Errorf("settings are wrong, nothing was started:\n%w", err))
		}
		cfg.Common.Trace.FromEnvironment = tracing.InEnvironment(p.environ)
		return p.up(c.Context(), dir, cfg, logFile)
	}
	return c
}

// writeTables documents what fiord up is told itself, and how programs find
// NATS and S3. The services' own settings are in their READMEs.
func writeTables(readme string, up *config.Set) error {
	c := connection.Default()
	clients, err := config.New([]config.Section{{Value: &c}})
	if err != nil {
		return err
	}
	text := "### fiord up\n\n" + up.Markdown("up.", "log.", "admin.", "trace.", "allow_plaintext") +
		"\n### Where a fiord is: the other commands, and each service on its own\n\n" + clients.Markdown("")
	return config.WriteTable(readme, text)
}

func (p *program) up(ctx context.Context, dir string, cfg up.Config, logFile string) error {
	output, closeLog, err := p.logOutput(logFile)
	if err != nil {
		return err
	}
	defer closeLog()
	// All that this process and its libraries write is for its user alone.
	unix.Umask(0o077)
	stack, err := up.New(ctx, dir, cfg, logging.New(output, cfg.Common.Log))
	if err != nil {
		return err
	}
	if p.onStack != nil {
		p.onStack(stack)
	}
	// The announcement must not outlive the stack, nor hold it up.
	announcing, stop := context.WithCancel(ctx)
	var announced sync.WaitGroup
	announced.Go(func() { p.announce(announcing, stack, dir) })
	err = stack.Run(ctx)
	stop()
	announced.Wait()
	return err
}

func (p *program) logOutput(file string) (io.Writer, func(), error) {
	if file == "" {
		return p.stderr, func() {}, nil
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the person's own choice
	if err != nil {
		return nil, nil, badInput(fmt.Errorf("open log file: %w", err))
	}
	return f, func() { _ = f.Close() }, nil
}

// announce prints the addresses once everything is ready.
func (p *program) announce(ctx context.Context, stack *up.Stack, dir string) {
	c, err := stack.Ready(ctx)
	if ctx.Err() != nil {
		return // it ended before it was ready, which Run tells
	}
	if err != nil {
		_, _ = fmt.Fprintf(p.stderr, "fiord: %s\n", screen.CleanLines(err.Error()))
		return
	}
	if p.json {
		_ = p.printJSON(addresses(c, stack, dir))
	} else {
		p.printAddresses(c, stack, dir)
	}
	if p.onUp != nil {
		p.onUp(c)
	}
}

func (p *program) printAddresses(c connection.Connection, stack *up.Stack, dir string) {
	_, _ = fmt.Fprintln(p.stdout, "fiord is up")
	for _, line := range [][2]string{
		{"web page", c.WebURL}, {"ingest", c.IngestURL}, {"secret", stack.WebhookSecretFile()},
		{"sign in", stack.PageTokenFile()}, {"NATS", c.NATS.URL}, {"S3", c.S3.Endpoint}, {"admin", c.AdminURL}, {"data", dir},
	} {
		if line[1] != "" {
			_, _ = fmt.Fprintf(p.stdout, "  %-9s %s\n", line[0], line[1])
		}
	}
}

// addresses are what --json prints; scripts rely on the names.
func addresses(c connection.Connection, stack *up.Stack, dir string) map[string]string {
	return map[string]string{
		"web": c.WebURL, "ingest": c.IngestURL, "webhook_secret_file": stack.WebhookSecretFile(),
		"page_token_file": stack.PageTokenFile(), "nats": c.NATS.URL, "s3": c.S3.Endpoint, "admin": c.AdminURL, "data": dir,
	}
}
