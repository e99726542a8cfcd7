package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/annotate"
	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/repos"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/services/ingest/lint"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
)

func (p *program) lintCommand() *cobra.Command {
	var (
		policy, forge, repository string
		format                    string
		vars                      []string
	)
	c := &cobra.Command{
		Use:   "lint [FOLDER | fiord.yaml | JOB.fio]...",
		Short: "Say what a push would be told, before it is made",
		Long: `Say what a push would be told, before it is made.

Checks fiord.yaml with every job file that it names, or single job files, as a
push is checked; where fio is installed, fio is asked too. Exit code 2 when
something would be rejected; advice alone exits 0. In CI, --format github puts what was
found beside the lines of a pull request, and --format sarif is what
code-scanning services take.`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			options, err := lintOptions(policy, forge, repository)
			if err != nil {
				return badInput(err)
			}
			if options.Vars, err = variables(vars); err != nil {
				return badInput(err)
			}
			if p.json && !c.Flags().Changed("format") {
				format = "json"
			}
			write, err := p.lintWriter(format)
			if err != nil {
				return badInput(err)
			}
			return p.lint(c.Context(), args, options, write)
		},
	}
	c.Flags().StringArrayVar(&vars, "var", nil, "NAME=value, for job files by themselves: stands in the place of ${NAME}; give it again for more")
	c.Flags().StringVar(&format, "format", "text", "text, json, github or sarif")
	c.Flags().StringVar(&policy, "repos", "", "the operator's repos.yaml, to hear what the policy says")
	c.Flags().StringVar(&repository, "repository", "", "name of the repository that the policy is asked about, such as lab/jobs")
	c.Flags().StringVar(&forge, "forge", "git", "kind of forge that the repository is on, such as github")
	return c
}

func lintOptions(policy, forge, repository string) (lint.Options, error) {
	var o lint.Options
	if fio, err := exec.LookPath("fio"); err == nil {
		o.Fio = fio
	}
	if policy == "" {
		return o, nil
	}
	if repository == "" {
		return o, fmt.Errorf("--repos needs --repository: the policy differs from one to another")
	}
	loaded, err := repos.Load(policy)
	if err != nil {
		return o, err
	}
	rule, known := loaded.For(forge, repository)
	if !known {
		return o, fmt.Errorf("%s lets no repository %s of %s in", policy, repository, forge)
	}
	o.Rule = &rule
	return o, nil
}

func (p *program) lint(ctx context.Context, args []string, o lint.Options, write func(lint.Result) error) error {
	all := lint.Result{Problems: []events.Problem{}, Advice: []events.Problem{}}
	for _, path := range args {
		found, err := lintOne(ctx, path, o)
		if err != nil {
			return badInput(err)
		}
		all.Problems = append(all.Problems, found.Problems...)
		all.Advice = append(all.Advice, found.Advice...)
		all.Unchecked = append(all.Unchecked, found.Unchecked...)
	}
	if err := write(all); err != nil {
		return err
	}
	if len(all.Problems) > 0 {
		return &exitError{code: follow.BadInput}
	}
	return nil
}

func lintOne(ctx context.Context, path string, o lint.Options) (lint.Result, error) {
	info, err := os.Stat(path)
	if err != nil {
		return lint.Result{}, err
	}
	if info.IsDir() {
		path = filepath.Join(path, repofile.Name)
		return fromHere(path)(lint.Folder(ctx, path, o))
	}
	if ext := strings.ToLower(filepath.Ext(path)); ext == ".yaml" || ext == ".yml" {
		return fromHere(path)(lint.Folder(ctx, path, o))
	}
	return fromHere(path)(lint.JobFile(ctx, path, o))
}

// fromHere names files as seen from here, where editors and CI look for them.
func fromHere(path string) func(lint.Result, error) (lint.Result, error) {
	return func(found lint.Result, err error) (lint.Result, error) {
		rename(path, found)
		return found, err
	}
}

func rename(path string, found lint.Result) {
	for _, list := range [][]events.Problem{found.Problems, found.Advice} {
		for i, p := range list {
			if p.File != "" && !filepath.IsAbs(p.File) && !strings.Contains(p.File, "://") {
				list[i].File = filepath.Join(filepath.Dir(path), p.File)
			}
		}
	}
}

// lintWriter is how findings are written.
func (p *program) lintWriter(format string) (func(lint.Result) error, error) {
	switch format {
	case "text":
		return p.printLint, nil
	case "json":
		return func(r lint.Result) error { return p.printJSON(r) }, nil
	case "github":
		return func(r lint.Result) error { return annotate.GitHub(p.stdout, r) }, nil
	case "sarif":
		return func(r lint.Result) error { return annotate.SARIF(p.stdout, r, service.Version()) }, nil
	}
	return nil, fmt.Errorf("fiord lint: --format is %q, want text, json, github or sarif", format)
}

func (p *program) printLint(r lint.Result) error {
	for _, problem := range r.Problems {
		if _, err := fmt.Fprintln(p.stdout, screen.Clean(problem.String())); err != nil {
			return err
		}
	}
	for _, advice := range r.Advice {
		if _, err := fmt.Fprintln(p.stdout, "advice:", screen.Clean(advice.String())); err != nil {
			return err
		}
	}
	for _, name := range r.Unchecked {
		if _, err := fmt.Fprintln(p.stdout, "not checked:", screen.Clean(name)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(p.stdout, "%s\n", screen.Plural(len(r.Problems), "problem"))
	return err
}
