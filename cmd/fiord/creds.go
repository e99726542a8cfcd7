package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/authority"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/cmd/fiord/up"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/config"
)

func (p *program) credsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "creds",
		Short: "Let programs on other machines in: bench hosts, people, scripts",
		Long: `Let programs on other machines in: bench hosts, people, scripts.

Each gets a user of its own on NATS and S3, whose rights are bound to what it is:
a host ends its own runs and no other's. A person is a viewer (looks), requester
(asks for benches and cancels), operator (also approves, accepts baselines,
silences, gives dead letters back, runs scripts on events), or administrator. A
fiord up that runs lets new users in at
once; its --nats.listen and --s3.listen say where others reach it.

  fiord creds bench nvme-7 --pool nvme --nats tls://fiord:4222 --s3 https://fiord:9000
  scp -r nvme-7/ nvme-7:/etc/fiord
  ssh nvme-7 bench --config /etc/fiord/fiord.yaml

Servers of one's own are configured with what export writes; deploy/README.md has
the commands.`,
	}
	c.AddCommand(p.credsIssue(creds.Bench, "bench HOST", "Make a bundle for the worker of a host"),
		p.credsIssue(creds.Person, "person NAME", "Make a bundle for a person, or a script of theirs"),
		p.credsSite(), p.credsList(), p.credsRevoke(), p.credsServer(), p.credsExport())
	return c
}

// bundleFlags say where a bundle goes and what it says.
type bundleFlags struct {
	pools    []string
	role     string
	out, at  string
	nats, s3 string
	ca       string
}

func (p *program) credsIssue(kind creds.Kind, use, short string) *cobra.Command {
	var f bundleFlags
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return p.issue(creds.Grant{Kind: kind, Name: args[0], Pools: f.pools, Role: access.Role(f.role)}, f)
		},
	}
	flags := c.Flags()
	if kind == creds.Bench {
		flags.StringSliceVar(&f.pools, "pool", []string{"default"}, "pool that the host serves; give it again for more")
	}
	if kind == creds.Person {
		flags.StringVar(&f.role, "role", "", "viewer, requester, operator or administrator (default: as before, requester for who is new)")
	}
	flags.StringVar(&f.out, "out", "", "folder to write the bundle to (default: the name)")
	flags.StringVar(&f.at, "at", "/etc/fiord", "folder where the bundle will lie on the other machine")
	flags.StringVar(&f.nats, "nats", "", "NATS as the other machine reaches it (default: as this one does)")
	flags.StringVar(&f.s3, "s3", "", "S3 as the other machine reaches it (default: as this one does)")
	flags.StringVar(&f.ca, "ca", "", "PEM file of the authority by which NATS and S3 are trusted (default: as this machine does)")
	return c
}

func (p *program) issue(g creds.Grant, f bundleFlags) error {
	dir, err := p.dataDir()
	if err != nil {
		return err
	}
	known, err := connection.Find(p.connection, dir, p.environ)
	// Servers of one's own have no fiord up that could say where they are.
	if told := f.nats != "" && f.s3 != ""; err != nil && (!told || !errors.Is(err, connection.ErrNone)) {
		return badInput(err)
	}
	servers := creds.Servers{
		NATS: first(f.nats, advertised(known.NATS.URL, known.Advertise)), S3: first(f.s3, advertised(known.S3.Endpoint, known.Advertise)),
		Bucket: known.S3.Bucket, CAFile: first(f.ca, known.S3.CAFile, ownAuthority(dir)),
		WebURL: advertised(known.WebURL, known.Advertise), IngestURL: advertised(known.IngestURL, known.Advertise),
	}
	issued, err := creds.Issue(up.Credentials(dir), g)
	if err != nil {
		return badInput(err)
	}
	out := first(f.out, g.Name)
	if err := creds.Bundle(out, f.at, issued, servers); err != nil {
		return err
	}
	for _, address := range []string{servers.NATS, servers.S3} {
		if loopback(address) {
			_, _ = fmt.Fprintf(p.stderr, "fiord: %s is reached from this machine alone: name another address with --nats and --s3\n", address)
		}
	}
	if p.json {
		return p.printJSON(map[string]any{"user": issued.User(), "nkey": issued.Keys.NKey, "bundle": out})
	}
	_, err = fmt.Fprintf(p.stdout, "%s: copy it to %s of the other machine. fiord up lets %s in at once.\n", out, f.at, issued.User())
	return err
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// ownAuthority is the file of the authority that fiord made in a data folder; "" for
// none.
func ownAuthority(dir string) string {
	file := filepath.Join(up.Authority(dir), authority.CAFile)
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}

// advertised is a URL by which others reach what this machine reaches by loopback.
func advertised(text, name string) string {
	u, err := url.Parse(text)
	if name == "" || err != nil || !loopback(text) {
		return text
	}
	u.Host = net.JoinHostPort(name, u.Port())
	return u.String()
}

// loopback tells an address that other machines cannot reach.
func loopback(address string) bool {
	u, err := url.Parse(strings.Split(address, ",")[0])
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

func (p *program) credsList() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List who was let in", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dir, err := p.dataDir()
			if err != nil {
				return err
			}
			all, err := creds.All(up.Credentials(dir))
			if err != nil {
				return err
			}
			if p.json {
				list := []map[string]any{}
				for _, i := range all {
					list = append(list, map[string]any{"kind": i.Kind, "name": i.Name, "pools": i.Pools, "role": i.Role, "user": i.User(), "nkey": i.Keys.NKey})
				}
				return p.printJSON(list)
			}
			if len(all) == 0 {
				_, err := fmt.Fprintln(p.stdout, "nobody was let in")
				return err
			}
			t := &screen.Table{Header: []string{"KIND", "NAME", "ROLE", "POOLS", "NKEY"}}
			for _, i := range all {
				t.Add(string(i.Kind), i.Name, string(i.Role), strings.Join(i.Pools, ","), i.Keys.NKey)
			}
			return t.Write(p.stdout)
		},
	}
}

func (p *program) credsRevoke() *cobra.Command {
	return &cobra.Command{
		Use: "revoke bench|person|site NAME", Short: "Take somebody's rights and keys away", Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := p.dataDir()
			if err != nil {
				return err
			}
			g := creds.Grant{Kind: creds.Kind(args[0]), Name: args[1]}
			if err := errors.Join(g.Validate(), creds.Revoke(up.Credentials(dir), g)); err != nil {
				return badInput(err)
			}
			_, err = fmt.Fprintf(p.stdout, "%s is shut out: fiord up drops its connection at once.\n", g.User())
			return err
		},
	}
}

// credsServer is for NATS servers of the operator's own.
func (p *program) credsServer() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "nats-config",
		Short: "Print the users and their rights for a nats-server of one's own",
		Long: `Print the users and their rights for a nats-server of one's own.

What is printed is included in the server's configuration; it holds public keys
only. The seeds lie in the data folder, below credentials/. --config names the
settings that the services are started with: rights follow from them.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dir, err := p.dataDir()
			if err != nil {
				return err
			}
			cfg, err := p.servicesConfig(dir, file)
			if err != nil {
				return err
			}
			users, err := up.Users(dir, cfg)
			if err != nil {
				return err
			}
			return creds.ServerConfig(p.stdout, users)
		},
	}
	c.Flags().StringVar(&file, "config", p.variable(config.FileVariable, ""), "YAML file with the services' settings ("+config.FileVariable+")")
	return c
}

// servicesConfig is what the services are started with: their rights follow.
func (p *program) servicesConfig(dir, file string) (up.Config, error) {
	cfg := up.DefaultConfig(dir)
	set, err := config.New(cfg.Sections(), service.Siblings()...)
	if err != nil {
		return cfg, err
	}
	return cfg, badInput(set.Load(config.Source{File: file, Environ: p.environ}))
}
