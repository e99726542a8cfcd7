package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/cmd/fiord/keys"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/internal/volume"
	"github.com/fiord-bench/fiord/services/ingest/lint"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
)

// runFlags are what `fiord run` can be told of a bench.
type runFlags struct {
	name      string
	hosts     []string
	pool      string
	group     string
	where     []string
	count     string
	matrix    []string
	repeat    int
	volume    string
	vars      []string
	baseline  string
	threshold string
	confirm   bool
	timeout   time.Duration
	deadline  time.Duration
	detach    bool
}

func (p *program) runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run JOB.fio|URL...",
		Short: "Request a bench, follow it, and print the summary and links",
		Long: `Request a bench, follow it, and print the summary and links.

Exit codes: 0 all went well, 1 a run failed, 2 bad input, 3 regressed,
4 inconclusive or invalid, 5 unplaced or expired, 6 cancelled.

Ctrl-C cancels the bench and waits for its end.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return p.runBench(c.Context(), f, args) },
	}
	flags := c.Flags()
	flags.StringVar(&f.name, "name", "", "name of the bench; results of one name are compared (default: name of the first job file)")
	flags.StringSliceVar(&f.hosts, "host", nil, "measure on this host; give it again for more")
	flags.StringVar(&f.pool, "pool", "", `measure on any worker of this pool (default "default")`)
	flags.StringVar(&f.group, "group", "", "measure on the hosts of this inventory group")
	flags.StringArrayVar(&f.where, "where", nil, "constraint on facts, such as architecture==x86_64; give it again for more")
	flags.StringVar(&f.count, "count", "", "how many of the matching hosts: a number or all")
	flags.StringArrayVar(&f.matrix, "matrix", nil, "option=value,value: measure each value, and each combination of several --matrix")
	flags.StringArrayVar(&f.vars, "var", nil, "NAME=value: stands in the job files in the place of ${NAME}; give it again for more")
	flags.IntVar(&f.repeat, "repeat", 0, "measure each point so often (default 6 with --baseline, else 1)")
	flags.StringVar(&f.volume, "volume", "", "volume to measure, as name or name@profile")
	flags.StringVar(&f.baseline, "baseline", "", "branch, tag or bench id to compare with")
	flags.StringVar(&f.threshold, "threshold", "", "smallest shift worth telling, such as 5%")
	flags.BoolVar(&f.confirm, "confirm", true, "measure what regressed again before it is reported: some minutes later where the job files are the baseline's; needs --baseline")
	flags.DurationVar(&f.timeout, "timeout", 0, "end a run that takes longer")
	flags.DurationVar(&f.deadline, "deadline", 0, "let runs expire that have not started so long after placement")
	flags.BoolVar(&f.detach, "detach", false, "print the bench's id and do not wait")
	return c
}

func (p *program) runBench(ctx context.Context, f runFlags, args []string) error {
	vars, err := variables(f.vars)
	if err != nil {
		return badInput(err)
	}
	jobs, err := readJobs(p.stdin, args, vars)
	if err != nil {
		return badInput(err)
	}
	request, err := f.request(jobs)
	if err != nil {
		return badInput(err)
	}
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := upload(ctx, client.Store, jobs, request.Jobs); err != nil {
		return err
	}
	e, sequence, err := publish(ctx, client, request)
	if err != nil {
		return err
	}
	id := events.BenchID(e)
	if f.detach {
		return p.printDetached(id, client.WebURL)
	}
	return p.followBench(ctx, client, id, sequence)
}

// jobSource is a job file as the person named it.
type jobSource struct {
	name string
	url  string // set for one that is fetched later
	text []byte

	checked lint.File
}

// readJobs reads the files and checks them as a push is checked. - is standard
// input.
func readJobs(stdin io.Reader, args []string, vars map[string]string) ([]jobSource, error) {
	var (
		jobs     []jobSource
		problems []error
	)
	for _, arg := range args {
		if u, err := url.Parse(arg); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
			if len(vars) > 0 {
				problems = append(problems, fmt.Errorf("%s is fetched by inventory, and --var puts values into files that are here: download it first", arg))
			}
			jobs = append(jobs, jobSource{name: path.Base(u.Path), url: arg})
			continue
		}
		text, err := readJob(stdin, arg)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		checked := lint.Job(arg, text, includes(arg), vars)
		for _, problem := range checked.Problems {
			problems = append(problems, errors.New(problem.String()))
		}
		jobs = append(jobs, jobSource{name: filepath.Base(arg), text: checked.Content, checked: checked})
	}
	return jobs, errors.Join(problems...)
}

// variables reads what --var was given.
func variables(given []string) (map[string]string, error) {
	vars := map[string]string{}
	for _, pair := range given {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, fmt.Errorf("--var %q: want NAME=value", pair)
		}
		if _, twice := vars[name]; twice {
			return nil, fmt.Errorf("--var %s is given twice", name)
		}
		if err := job.CheckVariable(name, value); err != nil {
			return nil, fmt.Errorf("--var: %w", err)
		}
		vars[name] = value
	}
	return vars, nil
}

func readJob(stdin io.Reader, name string) ([]byte, error) {
	if name == "-" {
		text, err := io.ReadAll(io.LimitReader(stdin, job.MaxBytes+1))
		if err != nil {
			return nil, fmt.Errorf("read job file from standard input: %w", err)
		}
		return text, nil
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a folder: name the job files in it", name)
	}
	if filepath.Base(name) == repofile.Name {
		return nil, fmt.Errorf("%s says what a push measures: name job files here, or see with fiord lint what a push would be told", name)
	}
	text, err := readWithin(repositoryOf(name), name)
	if err != nil {
		return nil, fmt.Errorf("read job file: %w", err)
	}
	return text, nil
}

// request is the event that the flags and the files ask for, validated.
func (f runFlags) request(jobs []jobSource) (events.BenchRequested, error) {
	d := events.BenchRequested{
		Name:    f.name,
		Repeat:  f.repeat,
		Volume:  f.volume,
		Timeout: events.Duration(f.timeout), Deadline: events.Duration(f.deadline),
		Targets: events.Targets{Hosts: f.hosts, Pool: f.pool, Group: f.group, Where: f.where, Count: f.count},
	}
	for _, j := range jobs {
		d.Jobs = append(d.Jobs, events.Job{Name: j.name, URL: j.url, Claim: j.claim()})
	}
	if d.Name == "" && len(jobs) > 0 {
		d.Name = strings.TrimSuffix(jobs[0].name, filepath.Ext(jobs[0].name))
	}
	if f.baseline != "" || f.threshold != "" {
		d.Compare = &events.Compare{Baseline: f.baseline, Threshold: f.threshold, Confirm: &f.confirm}
	}
	if d.Repeat == 0 {
		d.Repeat = max(1, events.DefaultRepeat(d.Compare, nil))
	}
	for _, axis := range f.matrix {
		option, values, ok := strings.Cut(axis, "=")
		if !ok || option == "" || values == "" {
			return d, fmt.Errorf("--matrix %q: want option=value,value", axis)
		}
		if d.Matrix == nil {
			d.Matrix = map[string][]events.Scalar{}
		}
		for value := range strings.SplitSeq(values, ",") {
			d.Matrix[option] = append(d.Matrix[option], events.Scalar(value))
			for _, j := range jobs {
				if err := j.checked.Takes(option, value); err != nil {
					return d, fmt.Errorf("--matrix %q: %s: %w", axis, j.name, err)
				}
			}
		}
	}
	if problems := (volume.Request{Volume: d.Volume}).Static(); len(problems) > 0 {
		return d, fmt.Errorf("--volume: %w", volume.Refused(problems))
	}
	return d, d.Validate()
}

// claim is what the store will answer when the file is put; the bucket's name
// is filled in then.
func (j jobSource) claim() *events.ClaimCheck {
	if j.url != "" {
		return nil
	}
	sum := sha256.Sum256(j.text)
	hash := hex.EncodeToString(sum[:])
	return &events.ClaimCheck{
		Bucket: "fiord", Key: artifacts.JobKey(hash), SHA256: hash, Size: int64(len(j.text)), MediaType: mediaJob,
	}
}

// mediaJob is the media type of job files.
const mediaJob = "text/plain; charset=utf-8"

func upload(ctx context.Context, store *artifacts.Store, sources []jobSource, jobs []events.Job) error {
	for i, j := range sources {
		if j.url != "" {
			continue
		}
		claim, err := store.Put(ctx, jobs[i].Claim.Key, mediaJob, strings.NewReader(string(j.text)))
		if err != nil {
			return fmt.Errorf("store job file %s: %w", j.name, err)
		}
		jobs[i].Claim = &claim
	}
	return nil
}

// publish starts a chain of events: each call asks for a bench of its own.
func publish(ctx context.Context, client *connection.Client, d events.Data) (events.Event, uint64, error) {
	key, err := keys.Random()
	if err != nil {
		return events.Event{}, 0, err
	}
	if asks, ok := d.(events.Requesting); ok {
		d = asks.AskedBy(requester(client, d))
	}
	e := events.New(connection.Source, key, nil, d)
	receipt, err := client.Bus.Publish(ctx, e)
	var invalid *events.Invalid
	if errors.As(err, &invalid) {
		return e, 0, badInput(err)
	}
	return e, receipt.Sequence, err
}

// requester is the person at this connection. A bench that repeats another is
// asked for by the right to repeat it.
func requester(client *connection.Client, d events.Data) events.Requester {
	by := events.Requester{Right: events.RightPerson, Name: client.Person}
	if b, ok := d.(events.BenchRequested); ok && b.RerunOf != "" {
		by.Right = events.RightRerun
	}
	if by.Name == "" {
		by.Name = whoami()
	}
	return by
}

func (p *program) printDetached(id, webURL string) error {
	if p.json {
		return p.printJSON(map[string]string{"bench": id, "url": pageOf(id, webURL)})
	}
	_, err := fmt.Fprintln(p.stdout, id)
	return err
}

func pageOf(id, webURL string) string { return screen.Page(follow.New(id), webURL) }
