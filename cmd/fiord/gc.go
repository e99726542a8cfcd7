package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/gc"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/cmd/fiord/up"
	"github.com/fiord-bench/fiord/internal/service/config"
)

func (p *program) gcCommand() *cobra.Command {
	olderThan, grace := gc.Age(90*24*time.Hour), gc.Age(24*time.Hour)
	var opt gc.Options
	c := &cobra.Command{
		Use:   "gc",
		Short: "Remove the artifacts of old benches that nothing refers to",
		Long: `Remove the artifacts of old benches that nothing refers to.

Without --delete it prints what would go, and removes nothing. A bench is as old
as its end; one that has not ended stays. So do baselines, what kept benches
refer to, job files and decisions that the event stream can still replay, the
newest inventory, and everything written within the grace period. The archived
events, by which pages of old benches are still shown, stay unless --archive is
given.

With --json each thing that goes is a line, and the summary is the last one.

Exit codes: 0 done, 1 something could not be read or removed, 2 bad input. What
was interrupted is finished by the next call.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			opt.OlderThan, opt.Grace = time.Duration(olderThan), time.Duration(grace)
			return p.collect(c.Context(), opt)
		},
	}
	flags := c.Flags()
	flags.Var(&olderThan, "older-than", "age at which benches go, in days (90d) or as 36h; less than the event stream keeps (30d) spoils replays")
	flags.Var(&grace, "grace", "age below which no object is touched, whoever wrote it")
	flags.BoolVar(&opt.Delete, "delete", false, "remove what would go")
	flags.BoolVar(&opt.Archive, "archive", false, "remove the archived events of old benches too: their pages are lost")
	return c
}

func (p *program) collect(ctx context.Context, opt gc.Options) error {
	if err := opt.Validate(); err != nil {
		return badInput(err)
	}
	client, err := p.connectJanitor(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	opt.Goes = p.printThing
	report, err := gc.Collect(ctx, client.Bus, client.Store, opt)
	if errors.Is(err, artifacts.ErrDenied) {
		return fmt.Errorf("%w: these S3 keys may not; name those of a user who may remove objects (FIORD_S3_ACCESS_KEY_FILE, FIORD_S3_SECRET_KEY_FILE)", err)
	}
	if err != nil {
		return err
	}
	return p.printCollection(report)
}

// connectJanitor connects with the S3 keys of the user who may remove objects,
// if this is a fiord up of this machine and nobody says otherwise.
func (p *program) connectJanitor(ctx context.Context) (*connection.Client, error) {
	dir, err := p.dataDir()
	if err != nil {
		return nil, err
	}
	c, err := connection.Find(p.connection, dir, p.environ)
	if err != nil {
		return nil, badInput(err)
	}
	given := p.connection + p.variable("FIORD_S3_ACCESS_KEY", "") + p.variable("FIORD_S3_ACCESS_KEY_FILE", "")
	if given == "" {
		janitor, err := up.JanitorOf(dir)
		switch {
		case err == nil:
			c.S3.AccessKey, c.S3.SecretKey = config.NewSecret(janitor.AccessKey), janitor.SecretKey
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return connection.Open(ctx, c, nil)
}

// printThing prints one thing that goes.
func (p *program) printThing(t gc.Thing) error {
	if p.json {
		return p.printJSON(map[string]gc.Thing{"goes": t})
	}
	_, err := fmt.Fprintf(p.stdout, "%s  %s, %s\n", screen.Clean(t.Name), screen.Plural(t.Objects, "object"), size(t.Bytes))
	return err
}

// size writes a number of bytes as bandwidth is written, without its time.
func size(bytes int64) string { return strings.TrimSuffix(screen.Bandwidth(float64(bytes)), "/s") }

// printCollection prints what went, or would go, by prefix.
func (p *program) printCollection(r gc.Report) error {
	if p.json {
		return p.printJSON(map[string]gc.Report{"summary": r})
	}
	t := &screen.Table{Header: []string{"PREFIX", "GOES", "BYTES", "STAYS", "BYTES STAY"}, Right: map[string]bool{"GOES": true, "BYTES": true, "STAYS": true, "BYTES STAY": true}}
	r.Total.Prefix = "total"
	for _, row := range append(r.Prefixes, r.Total) {
		t.Add(row.Prefix, fmt.Sprint(row.Goes.Objects), size(row.Goes.Bytes), fmt.Sprint(row.Stays.Objects), size(row.Stays.Bytes))
	}
	if err := t.Write(p.stdout); err != nil {
		return err
	}
	last := fmt.Sprintf("nothing was removed: this is what --delete removes of benches that ended before %s", r.Before.Local().Format(time.DateTime))
	if r.Deleted {
		last = fmt.Sprintf("removed: what nothing refers to of benches that ended before %s", r.Before.Local().Format(time.DateTime))
	}
	_, err := fmt.Fprintf(p.stdout, "%s; %s kept whatever the age\n", last, screen.Plural(r.Baselines, "baseline"))
	return err
}
