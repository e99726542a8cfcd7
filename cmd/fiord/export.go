package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/cmd/fiord/up"
	"github.com/fiord-bench/fiord/internal/service/config"
)

// credsSite lets the NATS server of a site in.
func (p *program) credsSite() *cobra.Command {
	g := creds.Grant{Kind: creds.Site}
	c := &cobra.Command{
		Use:   "site NAME",
		Short: "Let the NATS server of a site in, to which its bench hosts connect",
		Long: `Let the NATS server of a site in, to which its bench hosts connect (a leaf node).

It may what its hosts may, and no more; fiord creds export writes its files. Each
host is let in by fiord creds bench as well, with the leaf node as its --nats.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := p.dataDir()
			if err != nil {
				return err
			}
			g.Name = args[0]
			issued, err := creds.Issue(up.Credentials(dir), g)
			if err != nil {
				return badInput(err)
			}
			_, err = fmt.Fprintf(p.stdout, "%s: fiord creds export writes what its server and those of the cluster need.\n", issued.User())
			return err
		},
	}
	c.Flags().StringSliceVar(&g.Hosts, "host", nil, "bench host of the site; give it again for more")
	c.Flags().StringSliceVar(&g.Pools, "pool", []string{"default"}, "pool that the site's hosts serve; give it again for more")
	_ = c.MarkFlagRequired("host")
	return c
}

// credsExport is for services that are programs of their own.
func (p *program) credsExport() *cobra.Command {
	var file, bucket string
	c := &cobra.Command{
		Use:   "export DIR",
		Short: "Write what servers and services that run apart are configured with",
		Long: `Write what servers and services that run apart are configured with:

  DIR/nats/users.conf              rights of all users, for nats-server
  DIR/nats/sites/SITE/             users and seed of a site's leaf node
  DIR/s3/policies/USER.json        rights in the bucket, for IAM
  DIR/s3/bucket-policy.json        the same, for fiord provision --bucket-policy
  DIR/s3/versitygw/users.json      the users, for versitygw
  DIR/users/USER/                  a user's keys and grant, each in a file
  DIR/users/operator/taken-back    grants that were taken back, for fiord provision

Rights follow from the services' settings (--config) and from who was let in. Run
it again after a change of either, reload the NATS servers, and run fiord provision
after somebody was shut out.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := p.dataDir()
			if err != nil {
				return err
			}
			cfg, err := p.servicesConfig(dir, file)
			if err != nil {
				return err
			}
			parties, issued, err := up.Parties(dir, cfg)
			if err != nil {
				return err
			}
			if err := creds.Export(args[0], parties, issued, bucket, creds.TakenBackFile(up.Credentials(dir))); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.stdout, "%s: %d users. Keep %s secret; the rest holds public keys and rights, but for versitygw's users and the seeds of sites.\n",
				args[0], len(parties), filepath.Join(args[0], creds.ExportUsers))
			return err
		},
	}
	c.Flags().StringVar(&file, "config", p.variable(config.FileVariable, ""), "YAML file with the services' settings ("+config.FileVariable+")")
	c.Flags().StringVar(&bucket, "bucket", "fiord", "bucket that the policies speak of")
	return c
}
