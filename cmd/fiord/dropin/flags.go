package dropin

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// genPlots draws from the logs in the working directory, told by fio2gnuplot's
// options.
func (c *Command) genPlots(ctx context.Context, args []string) (int, error) {
	w := wish{Title: c.Env[varTitle]}
	var ignored bool
	var unsupported [3]string
	command := &cobra.Command{
		Use:   "fio-genplots [LOG...]",
		Short: "Draw from the logs of fio in the working directory",
		Long: `Draw from the logs of fio in the working directory.

Without options, all logs of bandwidth and IOPS are drawn. Options are those of
fio2gnuplot. Exit codes: 0 drawn, 1 there is no such log or it cannot be read,
2 the options are wrong.`,
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, names []string) error {
			for i, option := range []string{"-m", "-M", "-G"} {
				if unsupported[i] != "" {
					return badOption{fmt.Errorf("%s is not supported: figures show the whole run, and numbers are written without -g", option)}
				}
			}
			w.Names = names
			w.Draw = w.Draw || !cmd.Flags().Changed("gnuplot") && cmd.Flags().NFlag() == 0
			return c.draw(cmd.Context(), c.Dir, w)
		},
	}
	f := command.Flags()
	f.StringVarP(&w.Title, "title", "t", w.Title, "title of the figures ("+varTitle+")")
	f.BoolVarP(&w.Bandwidth, "bandwidth", "b", false, "draw logs of bandwidth: *_bw.log and *_bw.*.log")
	f.BoolVarP(&w.IOPS, "iops", "i", false, "draw logs of IOPS: *_iops.log and *_iops.*.log")
	f.BoolVarP(&w.Draw, "gnuplot", "g", false, "draw; without it only the numbers are written, to OUTPUT.global")
	f.StringVarP(&w.Pattern, "pattern", "p", "", "take only logs whose names match, such as '*_bw*'")
	f.StringVarP(&w.Output, "outputfile", "o", "", "name of what is written of several logs")
	f.StringVarP(&w.Dir, "outputdir", "d", "", "folder to write to")
	f.BoolVarP(&ignored, "verbose", "v", false, "ignored")
	f.BoolVarP(&ignored, "keep", "k", false, "ignored: there are no temporary files")
	for i, o := range [][2]string{{"min_time", "m"}, {"max_time", "M"}, {"Global", "G"}} {
		f.StringVarP(&unsupported[i], o[0], o[1], "", "not supported")
		_ = f.MarkHidden(o[0])
	}
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return badOption{err} })
	command.SetArgs(args)
	command.SetOut(c.Stdout)
	command.SetErr(c.Stderr)
	err := command.ExecuteContext(ctx)
	if errors.As(err, &badOption{}) {
		return ExitInput, err
	}
	if err != nil {
		return ExitFailed, err
	}
	return ExitOK, nil
}

// badOption is an error of the command line's.
type badOption struct{ error }
