package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/cmd/fiord/foreign"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
)

func (p *program) importCommand() *cobra.Command {
	var out string
	var opt foreign.Options
	c := &cobra.Command{
		Use:   "import DIR",
		Short: "Draw and report what fio left in a folder, whoever ran it",
		Long: `Draw and report what fio left in a folder, whoever ran it.

Reads results (JSON, json+, with any text around them) and logs (bandwidth, IOPS,
latency and histograms; text, gzip, zstd or fio's .fz) of fio 3 in a folder and
all below, as scripts, bench-fio or fio-tools leave them. Writes a report that
needs nothing else (report.html), the same in Markdown (report.md), and every
figure as SVG (figures/), with --png as PNG too. It needs no running fiord, and nothing is
entered into one.

Exit codes: 0 all was read, 1 a run or file could not be, 2 there is nothing to
read.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if opt.Title == "" {
				opt.Title = "fio results of " + filepath.Base(filepath.Clean(args[0]))
			}
			return p.importFolder(c.Context(), args[0], out, opt)
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "fiord-report", "folder of the report: a new or empty one, or an earlier report, which is replaced")
	c.Flags().StringVarP(&opt.Title, "title", "t", "", "title of the report")
	c.Flags().BoolVar(&opt.PNG, "png", false, "write each figure as PNG too, which takes much longer")
	return c
}

func (p *program) importFolder(ctx context.Context, dir, out string, opt foreign.Options) error {
	root, err := os.OpenRoot(dir) // links that lead out of it are not followed
	if err != nil {
		return badInput(err)
	}
	defer func() { _ = root.Close() }()
	found, err := foreign.Find(ctx, root.FS())
	if err != nil {
		return badInput(err)
	}
	if len(found.Runs) == 0 && len(found.Passed) == 0 {
		return badInput(fmt.Errorf("%w in %s", foreign.ErrNothing, dir))
	}
	if err := foreign.Prepare(out); err != nil {
		return badInput(err)
	}
	report, err := foreign.Write(ctx, root.FS(), found, out, opt)
	if err != nil {
		return err
	}
	if err := p.printReport(report, out); err != nil {
		return err
	}
	if unread := len(report.Passed) + report.Unread(); unread > 0 {
		return &exitError{code: follow.RunsFailed, err: fmt.Errorf("%d of the files and runs could not be read: see the report", unread)}
	}
	return nil
}

func (p *program) printReport(r *foreign.Report, out string) error {
	if p.json {
		return p.printJSON(r)
	}
	var errs []error
	say := func(format string, args ...any) {
		_, err := fmt.Fprintf(p.stdout, format+"\n", args...)
		errs = append(errs, err)
	}
	for _, run := range r.Runs {
		say("%s", screen.Clean(run.Line()))
		for _, flag := range run.Flags {
			say("  ! %s", screen.Clean(flag))
		}
	}
	for _, passed := range r.Passed {
		say("not read: %s: %s", screen.Clean(passed.Path), screen.Clean(passed.Why))
	}
	say("%s", filepath.Join(out, foreign.FileHTML))
	return errors.Join(errs...)
}
