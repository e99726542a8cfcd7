package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/internal/service"
)

// versions are of this program and of what it speaks with.
type versions struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // from a work tree with changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// NATS is the server's version, and URL where it answered; "" without one.
	NATS     string               `json:"nats,omitempty"`
	URL      string               `json:"nats_url,omitempty"`
	Services []service.Registered `json:"services,omitempty"`
}

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of this program and of the fiord that it speaks with",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return p.version(c.Context()) },
	}
}

func (p *program) version(ctx context.Context) error {
	v := ownVersions()
	if err := p.askVersions(ctx, &v); err != nil && !errors.Is(err, connection.ErrNone) {
		_, _ = fmt.Fprintf(p.stderr, "fiord: no answer: %s\n", screen.CleanLines(err.Error()))
	}
	if p.json {
		return p.printJSON(v)
	}
	build := v.Go + " " + v.Platform
	if v.Commit != "" {
		build = "commit " + v.Commit[:min(len(v.Commit), 12)] + map[bool]string{true: " with changes"}[v.Modified] + ", " + build
	}
	lines := []string{fmt.Sprintf("fiord %s (%s)", v.Version, build)}
	if v.NATS != "" {
		lines = append(lines, fmt.Sprintf("NATS %s at %s", v.NATS, v.URL))
	}
	for _, s := range v.Services {
		lines = append(lines, fmt.Sprintf("%s %s (%s)", s.Name, s.Version, screen.Plural(s.Instances, "instance")))
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(p.stdout, screen.Clean(line)); err != nil {
			return err
		}
	}
	return nil
}

func ownVersions() versions {
	v := versions{Version: service.Version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// askVersions asks the server and every service for theirs.
func (p *program) askVersions(ctx context.Context, v *versions) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	client, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	nc := client.Bus.Conn()
	v.NATS, v.URL = nc.ConnectedServerVersion(), nc.ConnectedUrlRedacted()
	v.Services, err = service.Versions(nc)
	return err
}
