package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/doctor"
	"github.com/fiord-bench/fiord/cmd/fiord/follow"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
)

// dockerHost is where other clients of the engine look for it.
const dockerHost = "DOCKER_HOST"

func (p *program) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong with a set-up that does not work",
		Long: `Say what is wrong with a set-up that does not work, and what to do.

Looks at what the connection leads to (reachability, rights, clocks, versions,
streams, the store, hosts, dead letters) and at what this machine offers a bench
host (engine, fio, confinement, space). It changes nothing. Exit code 1 when
there is a problem; warnings alone exit 0.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.doctor(c.Context()) },
	}
}

func (p *program) doctor(ctx context.Context) error {
	findings := []doctor.Finding{}
	var failed error
	report := func(f doctor.Finding) {
		findings = append(findings, f)
		if !p.json {
			failed = errors.Join(failed, p.printFinding(f))
		}
	}
	dir, err := p.dataDir()
	if err != nil {
		return err
	}
	worst := doctor.Machine(ctx, dir, p.variable(dockerHost, "unix:///var/run/docker.sock"), report)
	c, err := connection.Find(p.connection, dir, p.environ)
	switch {
	case errors.Is(err, connection.ErrNone):
		report(doctor.Finding{Check: "connection", State: doctor.Skipped, Text: err.Error()})
	case err != nil:
		report(doctor.Finding{Check: "connection", State: doctor.Problem, Text: err.Error()})
		worst = doctor.Problem
	default:
		if doctor.Fiord(ctx, c, report) == doctor.Problem {
			worst = doctor.Problem
		}
	}
	if p.json {
		failed = p.printJSON(findings)
	}
	if failed == nil && worst == doctor.Problem {
		return &exitError{code: follow.RunsFailed}
	}
	return failed
}

func (p *program) printFinding(f doctor.Finding) error {
	if _, err := fmt.Fprintf(p.stdout, "%-8s %-16s  %s\n", f.State, f.Check, screen.Clean(f.Text)); err != nil {
		return err
	}
	if f.Remedy == "" || f.State == doctor.OK {
		return nil
	}
	_, err := fmt.Fprintf(p.stdout, "%-8s %-16s  → %s\n", "", "", screen.Clean(f.Remedy))
	return err
}
