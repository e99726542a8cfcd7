package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/fleet"
	"github.com/fiord-bench/fiord/cmd/fiord/up"
	"github.com/fiord-bench/fiord/internal/service/logging"
)

// fleetDir is the data folder of the made-up fleet, if none is named.
const fleetDir = ".fiord-fleet"

// fleetMark is the file that a data folder has once the fleet's past is in it.
const fleetMark = "fleet"

func (p *program) demoCommand() *cobra.Command {
	var (
		made   bool
		listen string
	)
	c := &cobra.Command{
		Use:   "demo --fleet",
		Short: "Start a fiord with a made-up fleet: 12 hosts, 6 models, 400 benches in 90 days",
		Long: `Start a fiord with a made-up fleet: 12 hosts, 6 models, 400 benches in 90 days.

Its figures are those of real runs, stretched to what other devices do, with
shifts, wear, noise and failures; its devices cannot be bought. The past is made
once, within some minutes, and kept in the data folder (` + fleetDir + ` unless
--data names another). What is measured here besides joins it.`,
		Args: cobra.NoArgs,
	}
	c.Flags().BoolVar(&made, "fleet", false, "make the fleet up")
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8000", "address of the web page; the other servers take any free port")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !made {
			return badInput(errors.New("fiord demo: say which demo: --fleet; make demo shows the way from a push to the page"))
		}
		if !c.Flags().Changed("data") && p.variable(dataVariable, "") == "" {
			p.data = fleetDir
		}
		dir, err := p.dataDir()
		if err != nil {
			return err
		}
		return p.demoFleet(c.Context(), dir, listen)
	}
	return c
}

// demoFleet makes the fleet's past where it is not, and serves it.
func (p *program) demoFleet(ctx context.Context, dir, listen string) error {
	cfg := up.DefaultConfig(dir)
	cfg.Servers.NATS.Listen, cfg.Servers.S3.Listen, cfg.Common.Admin.Listen, cfg.Ingest.Listen = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	cfg.Plot.Listen = listen
	cfg.Common.Log.Level = slog.LevelWarn
	if _, terminal := p.terminal(p.stderr); terminal {
		cfg.Common.Log.Format = "text"
	}
	mark := filepath.Join(dir, fleetMark)
	if _, err := os.Stat(mark); errors.Is(err, os.ErrNotExist) {
		err := up.Seed(ctx, dir, cfg, logging.New(p.stderr, cfg.Common.Log), func(ctx context.Context, store *artifacts.Store) error {
			return fleet.Write(ctx, store, fleet.Options{End: time.Now(), Progress: p.fleetProgress})
		})
		if err != nil {
			return fmt.Errorf("make the fleet's past: %w", err)
		}
		if err := os.WriteFile(mark, []byte("the past of a made-up fleet is in this folder\n"), 0o600); err != nil {
			return fmt.Errorf("mark data folder: %w", err)
		}
	}
	return p.up(ctx, dir, cfg, "")
}

// fleetProgress says how far the past is made.
func (p *program) fleetProgress(done, all int) {
	if done%50 == 0 || done == all {
		_, _ = fmt.Fprintf(p.stderr, "made %d of %d benches\n", done, all)
	}
}
