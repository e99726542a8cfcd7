package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/notify/silence"
)

func (p *program) silenceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "silence",
		Short: "Keep people from being told of what is expected, for a while",
		Long: `Keep people from being told of what is expected, for a while.

A silence says what it is for, when it ends, and why. What it withholds is recorded
as notice.withheld; commit statuses and the log stay true.

  fiord silence add --host 'rack1-*' --for 4h --reason "new switches"
  fiord silence add --repo acme/storage --bench randread --until 2026-03-20 --reason "known, being mended"`,
	}
	c.AddCommand(p.silenceAdd(), p.silenceList(), p.silenceExpire())
	return c
}

func (p *program) silenceAdd() *cobra.Command {
	s := silence.Silence{By: whoami()}
	var last time.Duration
	var until string
	c := &cobra.Command{
		Use: "add", Short: "Silence what all of the given patterns match", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			now := time.Now()
			var err error
			if s.Until, err = ending(now, last, until); err != nil {
				return badInput(err)
			}
			made, err := silence.New(s, now)
			if err != nil {
				return badInput(err)
			}
			return p.withSilences(c.Context(), func(ctx context.Context, store *silence.Store) error {
				if err := store.Add(ctx, made); err != nil {
					return err
				}
				if p.json {
					return p.printJSON(made)
				}
				_, err := fmt.Fprintf(p.stdout, "%s until %s\n", made.ID, made.Until.Local().Format(time.DateTime))
				return err
			})
		},
	}
	f := c.Flags()
	f.StringVar(&s.Target, "target", "", "target by its name in notify's configuration; '*' for everybody")
	f.StringVar(&s.Repo, "repo", "", "repository, such as acme/storage or 'acme/*'")
	f.StringVar(&s.Bench, "bench", "", "bench by its name")
	f.StringVar(&s.Host, "host", "", "bench host, for maintenance")
	f.DurationVar(&last, "for", 0, "how long, such as 2h")
	f.StringVar(&until, "until", "", "its end: 2026-03-20, \"2026-03-20 18:00\" or 18:00, here; or with a time zone as in RFC 3339")
	f.StringVar(&s.Reason, "reason", "", "why; whoever wonders will read it")
	return c
}

// ending is when a silence ends: exactly one way of saying it is used.
func ending(now time.Time, last time.Duration, until string) (time.Time, error) {
	if (last == 0) == (until == "") {
		return time.Time{}, errors.New("say how long with --for, or until when with --until")
	}
	if last != 0 {
		return now.Add(last).UTC(), nil
	}
	if at, err := time.Parse(time.RFC3339, until); err == nil {
		return at.UTC(), nil
	}
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04"} {
		if at, err := time.ParseInLocation(layout, until, now.Location()); err == nil {
			return at.UTC(), nil
		}
	}
	clock, err := time.Parse("15:04", until)
	if err != nil {
		return time.Time{}, fmt.Errorf("--until is %q: want 2026-03-20, \"2026-03-20 18:00\", 18:00 or a time as in RFC 3339", until)
	}
	at := time.Date(now.Year(), now.Month(), now.Day(), clock.Hour(), clock.Minute(), 0, 0, now.Location())
	if !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	return at.UTC(), nil
}

func (p *program) silenceList() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "ls", Short: "List the silences that hold", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withSilences(c.Context(), func(ctx context.Context, store *silence.Store) error {
				list, err := store.List(ctx)
				if err != nil {
					return err
				}
				return p.printSilences(list, time.Now(), all)
			})
		},
	}
	c.Flags().BoolVar(&all, "all", false, "also those that are over, for two months")
	return c
}

func (p *program) printSilences(list []silence.Silence, now time.Time, all bool) error {
	shown := []silence.Silence{}
	t := &screen.Table{Header: []string{"ID", "SILENCES", "UNTIL", "BY", "REASON"}}
	for _, s := range list {
		if !all && !s.Active(now) {
			continue
		}
		end := s.Until.Local().Format(time.DateTime)
		if s.ExpiredBy != "" {
			end += ", ended by " + s.ExpiredBy
		}
		shown = append(shown, s)
		t.Add(s.ID, s.String(), end, s.By, s.Reason)
	}
	if p.json {
		return p.printJSON(shown)
	}
	return t.Write(p.stdout)
}

func (p *program) silenceExpire() *cobra.Command {
	return &cobra.Command{
		Use: "expire ID", Short: "End a silence now", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withSilences(c.Context(), func(ctx context.Context, store *silence.Store) error {
				s, err := store.Expire(ctx, args[0], whoami(), time.Now())
				if errors.Is(err, silence.ErrNotFound) {
					return badInput(err)
				}
				if err != nil {
					return err
				}
				if p.json {
					return p.printJSON(s)
				}
				_, err = fmt.Fprintf(p.stdout, "%s ended %s\n", s.ID, s.Until.Local().Format(time.DateTime))
				return err
			})
		},
	}
}

// withSilences does one thing to the silences of the running fiord.
func (p *program) withSilences(ctx context.Context, do func(context.Context, *silence.Store) error) error {
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	store, err := silence.Open(ctx, client.Bus, bus.BucketSilences)
	if err != nil {
		return err
	}
	return do(ctx, store)
}
