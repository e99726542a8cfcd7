package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/discovery"
	"github.com/fiord-bench/fiord/services/inventory/instance"
	"github.com/fiord-bench/fiord/services/inventory/side"
	"github.com/fiord-bench/fiord/services/inventory/source"
)

// inventoryOptions are the flags of fiord inventory.
type inventoryOptions struct {
	format, config, host, explain, output string
	list, graph                           bool
	templates                             []string
}

// formats by the names that people give them.
var formats = map[string]string{"ini": ansible.FileINI, "yaml": ansible.FileYAML, "json": ansible.FileJSON, "script": ansible.FileScript}

func (p *program) inventoryCommand() *cobra.Command {
	var o inventoryOptions
	c := &cobra.Command{
		Use:   "inventory [FILE... | -]",
		Short: "Make an Ansible inventory of what a cloud's tool printed, without a server; or show the newest of a running fiord",
		Long: `Make an Ansible inventory of what a cloud's tool printed, without a server.

  aws ec2 describe-instances | fiord inventory -
  aws ec2 describe-instances | fiord inventory - --config prod.aws_ec2.yml --format yaml
  az vm list -d -o json      | fiord inventory - --template agent.yml=agent.yml.tmpl

--config is fiord's discovery.yaml or a configuration of Ansible's aws_ec2,
gcp_compute or azure_rm plugin. Its filters leave machines out of the document as
the cloud would have. With --config and no document the configured sources are
asked. With neither, the newest inventory of a running fiord is shown, with what
it left out and why.

An executable file with the two lines

  #!/bin/sh
  exec fiord inventory --config prod.aws_ec2.yml "$@"

is an inventory that ansible-inventory -i and ansible-playbook -i take: they call
it with --list and --host.`,
		RunE: func(c *cobra.Command, args []string) error { return p.inventory(c.Context(), args, o) },
	}
	f := c.Flags()
	f.StringVar(&o.format, "format", "", "ini, yaml, json or script (default ini)")
	f.StringVar(&o.config, "config", "", "how machines become hosts and groups")
	f.StringArrayVar(&o.templates, "template", nil, "NAME=FILE: write file NAME from the template FILE; again for more")
	f.StringVar(&o.output, "output", ".", "folder for the files of --template and of the configuration's side_files")
	f.BoolVar(&o.list, "list", false, "print everything as an inventory script does")
	f.StringVar(&o.host, "host", "", "print the variables of a host as an inventory script does")
	f.BoolVar(&o.graph, "graph", false, "draw the groups")
	f.StringVar(&o.explain, "explain", "", "say why a machine is in or out, and named and grouped as it is")
	c.MarkFlagsMutuallyExclusive("list", "host", "graph", "explain", "format")
	return c
}

func (p *program) inventory(ctx context.Context, files []string, o inventoryOptions) error {
	if o.format != "" && formats[o.format] == "" {
		return badInput(fmt.Errorf("--format is %q, must be ini, yaml, json or script", o.format))
	}
	if len(files) == 0 && o.config == "" {
		return p.newestInventory(ctx, o)
	}
	cfg := &discovery.Config{}
	if o.config != "" {
		var err error
		if cfg, err = discovery.Load(o.config, func(name string) string { return p.variable(name, "") }); err != nil {
			return badInput(err)
		}
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintf(p.stderr, "%s: %s\n", o.config, screen.Clean(w)) //nolint:errcheck // the inventory is what counts
	}
	snapshot, err := p.machines(ctx, cfg, files)
	if err != nil {
		return err
	}
	inv, err := ansible.Build(snapshot, &cfg.Inventory, nil)
	if err != nil {
		return badInput(err)
	}
	if err := p.writeSides(cfg, o, inv); err != nil {
		return err
	}
	p.accountFor(inv, o)
	return p.printInventory(inv, o)
}

// machines reads the documents, or asks the configured sources.
func (p *program) machines(ctx context.Context, cfg *discovery.Config, files []string) (*instance.Snapshot, error) {
	if len(files) == 0 {
		if len(cfg.Sources) == 0 {
			return nil, badInput(errors.New("the configuration has no source to ask: pipe the machines in, fiord inventory -"))
		}
		snapshot, err := cfg.Discover(ctx, nil, func() []instance.Instance { return nil })
		if err != nil {
			return nil, err
		}
		for _, s := range snapshot.Sources {
			if s.Error != "" && !s.Skipped {
				return nil, fmt.Errorf("%s: %s", s.String(), screen.Clean(s.Error))
			}
		}
		return snapshot, nil
	}
	snapshot := &instance.Snapshot{At: time.Now().UTC()}
	for _, file := range files {
		raw, err := p.readDocument(file)
		if err != nil {
			return nil, badInput(err)
		}
		_, list, err := source.Read(raw, "")
		if err != nil {
			return nil, badInput(fmt.Errorf("%s: %w", file, err))
		}
		snapshot.Instances = append(snapshot.Instances, list...)
	}
	snapshot.Sort()
	if err := cfg.Sift(snapshot.Instances); err != nil {
		return nil, badInput(err)
	}
	return snapshot, nil
}

// accountFor says on standard error what became of the machines, unless a
// program asks.
func (p *program) accountFor(inv *ansible.Inventory, o inventoryOptions) {
	if o.list || o.host != "" || o.explain != "" {
		return
	}
	reasons := map[string]int{}
	for _, e := range inv.Excluded {
		reasons[e.Reason]++
	}
	fmt.Fprintf(p.stderr, "%s, %s\n", screen.Plural(len(inv.Hosts), "host"), screen.Plural(len(inv.Groups), "group")) //nolint:errcheck // see above
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(p.stderr, "left out %d: %s\n", reasons[reason], screen.Clean(reason)) //nolint:errcheck // see above
	}
	for _, n := range inv.Notes {
		fmt.Fprintf(p.stderr, "%s: %s (%s, first %s)\n", n.Rule, screen.Clean(n.Problem), screen.Plural(n.Hosts, "host"), n.Host) //nolint:errcheck // see above
	}
}

func (p *program) printInventory(inv *ansible.Inventory, o inventoryOptions) error {
	switch {
	case o.explain != "":
		lines := inv.Explain(o.explain)
		if len(lines) == 0 {
			return badInput(fmt.Errorf("no machine is known by %q: give a host's name, an id or an address", o.explain))
		}
		for _, line := range lines {
			if _, err := fmt.Fprintln(p.stdout, screen.Clean(line)); err != nil {
				return err
			}
		}
		return nil
	case o.graph:
		_, err := io.WriteString(p.stdout, inv.Graph())
		return err
	case o.host != "":
		var script bytes.Buffer
		if err := inv.Write(map[string]io.Writer{ansible.FileScript: &script}); err != nil {
			return err
		}
		return p.printHost(script.Bytes(), o.host)
	}
	return inv.Write(map[string]io.Writer{o.file(): p.stdout})
}

// file is the format that is asked for.
func (o *inventoryOptions) file() string {
	switch {
	case o.list:
		return ansible.FileScript
	case o.format == "":
		return ansible.FileINI
	}
	return formats[o.format]
}

// printHost prints the variables of one host of what --list prints.
func (p *program) printHost(script []byte, host string) error {
	var doc struct {
		Meta struct {
			Hostvars map[string]json.RawMessage `json:"hostvars"`
		} `json:"_meta"`
	}
	if err := json.Unmarshal(script, &doc); err != nil {
		return fmt.Errorf("read inventory: %w", err)
	}
	vars, ok := doc.Meta.Hostvars[host]
	if !ok {
		vars = json.RawMessage("{}") // what Ansible expects of a host that isn't there
	}
	_, err := fmt.Fprintf(p.stdout, "%s\n", vars)
	return err
}

// writeSides writes the files of templates. Secrets in them come from the
// environment.
func (p *program) writeSides(cfg *discovery.Config, o inventoryOptions, inv *ansible.Inventory) error {
	sides := cfg.SideFiles
	if o.list || o.host != "" || o.graph || o.explain != "" {
		return nil
	}
	for _, t := range o.templates {
		name, file, ok := strings.Cut(t, "=")
		if !ok || name == "" || name != filepath.Base(name) {
			return badInput(fmt.Errorf("--template %s: expected NAME=FILE, the name without a folder", t))
		}
		raw, err := os.ReadFile(file) //nolint:gosec // the person names the file
		if err != nil {
			return badInput(err)
		}
		sides = append(sides, discovery.SideFile{Name: name, Template: string(raw)})
	}
	for _, s := range sides {
		content, deferred, err := side.Make(s.Name, s.Template, side.Of(inv))
		if err == nil && deferred {
			content, err = side.Render(content, p.secret)
		}
		if err != nil {
			return badInput(err)
		}
		path := filepath.Join(o.output, s.Name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return fmt.Errorf("write side file: %w", err)
		}
		fmt.Fprintf(p.stderr, "wrote %s\n", path) //nolint:errcheck // see accountFor
	}
	return nil
}

func (p *program) secret(name string) (string, error) {
	value := p.variable(name, "")
	if value == "" {
		return "", fmt.Errorf("set %s in the environment", name)
	}
	return value, nil
}
