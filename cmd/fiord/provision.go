package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/cmd/fiord/up"
	"github.com/fiord-bench/fiord/internal/bus"
)

// provisionCommand makes what services that run apart wait for.
func (p *program) provisionCommand() *cobra.Command {
	var policy, takenBack string
	var wait time.Duration
	c := &cobra.Command{
		Use:   "provision",
		Short: "Make the streams and the bucket on servers of one's own, or bring them in line",
		Long: `Make the streams and the bucket on servers of one's own, or bring them in line.

It is run with the operator's keys (fiord creds export writes them), by
--connection or FIORD_* variables, before the services are started, and again
after fiord was updated: nats.replicas (FIORD_NATS_REPLICAS) is 3 on a cluster.
fiord up does all this itself.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := readPolicy(policy)
			if err != nil {
				return badInput(err)
			}
			ctx, cancel := context.WithTimeout(c.Context(), wait)
			defer cancel()
			return p.provision(ctx, text, takenBack)
		},
	}
	c.Flags().StringVar(&policy, "bucket-policy", "", "file of the policy that the bucket gets, as fiord creds export writes it")
	c.Flags().StringVar(&takenBack, "taken-back", "", "file of the grants that were taken back, as fiord creds export writes it (default: the one beside the operator's seed, else that of the data folder)")
	c.Flags().DurationVar(&wait, "wait", time.Minute, "how long to wait for servers that are starting")
	return c
}

// readPolicy returns the document in the named file without the blanks that make
// it readable, since servers bound its size; "" for no file.
func readPolicy(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file) //nolint:gosec // the person named it
	if err != nil {
		return "", fmt.Errorf("read policy: %w", err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return "", fmt.Errorf("read policy %s: %w", file, err)
	}
	return compact.String(), nil
}

func (p *program) provision(ctx context.Context, policy, takenBack string) error {
	dir, err := p.dataDir()
	if err != nil {
		return err
	}
	known, err := connection.Find(p.connection, dir, p.environ)
	if err != nil {
		return badInput(err)
	}
	if err := until(ctx, func() error {
		return provisionBus(ctx, known, takenBackOf(takenBack, known, dir))
	}); err != nil {
		return err
	}
	if err := until(ctx, func() error { return provisionStore(ctx, known, policy) }); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "streams on %s with %d replicas, bucket %s on %s\n", known.NATS.URL, known.NATS.Replicas, known.S3.Bucket, known.S3.Endpoint)
	return err
}

// takenBackOf is the file of what was taken back.
func takenBackOf(named string, c connection.Connection, dir string) string {
	beside := filepath.Join(filepath.Dir(c.NATS.NKeyFile), filepath.Base(creds.ExportTakenBack))
	if _, err := os.Stat(beside); named == "" && c.NATS.NKeyFile != "" && err == nil {
		return beside
	}
	return first(named, creds.TakenBackFile(up.Credentials(dir)))
}

func provisionBus(ctx context.Context, c connection.Connection, takenBack string) error {
	nc, err := bus.Connect(ctx, c.NATS.Connection("fiord-provision", nil))
	if err != nil {
		return err
	}
	defer nc.Close()
	topology := bus.DefaultTopology()
	topology.Replicas, topology.MaxConsumers = c.NATS.Replicas, c.NATS.MaxConsumers
	b, err := bus.New(bus.Options{Conn: nc, Source: connection.Source, Topology: topology})
	if err != nil {
		return err
	}
	if err := b.Provision(ctx); err != nil {
		return err
	}
	return up.TakeBack(ctx, b, takenBack)
}

func provisionStore(ctx context.Context, c connection.Connection, policy string) error {
	store, err := artifacts.Open(ctx, c.S3.Artifacts())
	if err != nil {
		return err
	}
	defer store.Close()
	if policy == "" {
		return nil
	}
	return store.SetPolicy(ctx, policy)
}

// provisionPause is the pause between two tries at servers that are starting.
const provisionPause = time.Second

// until tries again while ctx lasts: a cluster that has just started may have no
// leader yet. What waiting does not mend is told at once.
func until(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil || errors.Is(err, nats.ErrAuthorization) || errors.Is(err, artifacts.ErrDenied) || errors.Is(err, artifacts.ErrInvalid) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(provisionPause):
		}
	}
}
