package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/contrast"
	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/cmd/fiord/foreign"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/verdict"
)

// compareFlags are what a comparison may be told.
type compareFlags struct {
	history   bool
	metrics   []string
	threshold string
	format    string
}

func (p *program) compareCommand() *cobra.Command {
	var f compareFlags
	c := &cobra.Command{
		Use:   "compare OLD... [--] NEW...",
		Short: "Compare results of fio, before and after, or a history of them",
		Long: `Compare results of fio, before and after, as a bench is compared with its
baseline. It needs no running fiord.

OLD and NEW are folders (everything below them counts) or files with results of
fio 3, whoever ran it, or ids of benches. With two arguments the first is OLD;
with more, write -- between the two sides. The results of a side that have the
same jobs and options are its repeats. Sections are compared by their names, the
points of a sweep by their options; an option that differs between all of OLD
and all of NEW is named, and is what the comparison is about.

  fiord compare before/ after/
  fiord compare monday.json tuesday.json -- today/
  fiord compare --history results/2026-*/

With --history each argument is a session, oldest first: the newest is held
against the level of those before it, and every session that shifted is listed.

Exit codes: 0 nothing regressed, 2 bad input, 3 regressed, 4 what must be decided
is not.`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return p.compare(c.Context(), args, c.ArgsLenAtDash(), f) },
	}
	c.Flags().BoolVar(&f.history, "history", false, "the arguments are sessions in time order, oldest first")
	c.Flags().StringSliceVar(&f.metrics, "metrics", nil, "figures that are compared (default iops,p99)")
	c.Flags().StringVar(&f.threshold, "threshold", "5%", "the least relative change that counts")
	c.Flags().StringVar(&f.format, "format", "text", "text, markdown, csv or json")
	return c
}

func (p *program) compare(ctx context.Context, args []string, dash int, f compareFlags) error {
	opt := verdict.Options{Figures: f.metrics}
	var err error
	if opt.Threshold, err = percent(f.threshold); err != nil {
		return badInput(err)
	}
	if p.json {
		f.format = contrast.JSON
	}
	if err := contrast.CheckFormat(f.format); err != nil {
		return badInput(err)
	}
	if err := verdict.CheckFigures(f.metrics); err != nil {
		return badInput(err)
	}
	sides, err := sidesOf(args, dash, f.history)
	if err != nil {
		return badInput(err)
	}
	samples, err := p.samples(ctx, sides)
	if err != nil {
		return err
	}
	differ := foreign.Match(samples)
	var out contrast.Result
	if f.history {
		out = contrast.History(samples, opt)
	} else {
		out = contrast.Two(samples[0], samples[1], opt)
	}
	out.Differences = differ
	if err := out.Write(p.stdout, f.format); err != nil {
		return err
	}
	if code := outcomeOf(out.Verdict); code != follow.AllWell {
		return &exitError{code: code}
	}
	return nil
}

// outcomeOf is the exit code of a verdict, as fiord run has it.
func outcomeOf(v events.Verdict) follow.Outcome {
	switch v {
	case events.VerdictRegressed:
		return follow.Regressed
	case events.VerdictInconclusive, events.VerdictInvalid:
		return follow.Inconclusive
	}
	return follow.AllWell
}

// percent reads a share such as 5% or 0.05.
func percent(text string) (float64, error) {
	number, isPercent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(number, 64)
	if isPercent {
		v /= 100
	}
	if err != nil || !(v > 0 && v < 1) {
		return 0, fmt.Errorf("threshold %q: want a percentage between 0 and 100, such as 5%%", text)
	}
	return v, nil
}

// sidesOf divides the arguments.
func sidesOf(args []string, dash int, history bool) ([][]string, error) {
	switch {
	case history && dash > 0:
		return nil, errors.New("--history takes one list of sessions, without --")
	case history:
		out := make([][]string, len(args))
		for i, a := range args {
			out[i] = []string{a}
		}
		return out, nil
	case dash > 0 && dash < len(args):
		return [][]string{args[:dash], args[dash:]}, nil
	case len(args) == 2:
		return [][]string{args[:1], args[1:]}, nil
	}
	return nil, fmt.Errorf("%d arguments: write -- between what was before and what is after", len(args))
}

// samples reads each side.
func (p *program) samples(ctx context.Context, sides [][]string) ([]*foreign.Sample, error) {
	var client *connection.Client
	defer func() {
		if client != nil {
			client.Close()
		}
	}()
	out := make([]*foreign.Sample, len(sides))
	for i, names := range sides {
		out[i] = &foreign.Sample{Name: strings.Join(names, ", ")}
		for _, name := range names {
			one, err := readSample(ctx, name)
			if errors.Is(err, fs.ErrNotExist) && events.IsID(name) {
				if client == nil {
					if client, err = p.connect(ctx); err != nil {
						return nil, err
					}
				}
				one, err = benchSample(ctx, client, name)
			}
			if err != nil {
				return nil, badInput(err)
			}
			out[i].Add(one)
		}
		if len(out[i].Runs) == 0 {
			return nil, badInput(fmt.Errorf("%w in %s%s", foreign.ErrNothing, screen.Clean(out[i].Name), firstPassed(out[i])))
		}
	}
	return out, nil
}

// firstPassed says why the first file of a sample could not be read.
func firstPassed(s *foreign.Sample) string {
	if len(s.Passed) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s: %s)", screen.Clean(s.Passed[0].Path), screen.Clean(s.Passed[0].Why))
}

// readSample reads a folder or a single file.
func readSample(ctx context.Context, name string) (*foreign.Sample, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	dir, file := name, ""
	if !info.IsDir() {
		dir, file = filepath.Split(name)
		if dir == "" {
			dir = "."
		}
	}
	root, err := os.OpenRoot(dir) // links that lead out of it are not followed
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	found, err := foreign.Find(ctx, root.FS())
	if err != nil {
		return nil, err
	}
	if file != "" {
		found.Keep(file)
	}
	return foreign.NewSample(ctx, name, root.FS(), found)
}

// verdictFile is what plot leaves of a bench for later comparisons.
const verdictFile = "verdict.json"

// maxVerdictFile bounds what is read of it.
const maxVerdictFile = 64 << 20

// benchSample reads the runs of a bench from its report.
func benchSample(ctx context.Context, client *connection.Client, id string) (*foreign.Sample, error) {
	key := artifacts.ReportKey(id, verdictFile)
	claim, err := client.Store.Claim(ctx, key)
	if errors.Is(err, artifacts.ErrNotFound) {
		return nil, fmt.Errorf("%s is neither a file nor a bench that has ended (fiord runs lists benches)", id)
	}
	if err != nil {
		return nil, err
	}
	raw, err := client.Store.ReadAll(ctx, claim, maxVerdictFile)
	if err != nil {
		return nil, err
	}
	var b verdict.Bench
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("read the report of bench %s: %w", id, err)
	}
	return &foreign.Sample{Name: id, Runs: b.Runs}, nil
}
