package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/ingest/repofile"
)

func (p *program) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [TYPE | fiord.yaml]",
		Short: "List the types of events, or print the JSON Schema of one, or of fiord.yaml",
		Long: `List the types of events, or print the JSON Schema of one, or of fiord.yaml.

Editors that know JSON Schema check and complete fiord.yaml with it:

  fiord schema fiord.yaml > .fiord.schema.json

and as the first line of fiord.yaml:

  # yaml-language-server: $schema=.fiord.schema.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return p.listTypes()
			}
			if args[0] == repofile.Name {
				_, err := p.stdout.Write(repofile.Schema())
				return err
			}
			typ, err := parseType(args[0])
			if err != nil {
				return badInput(err)
			}
			schema, err := events.Schema(typ)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.stdout, "%s\n", schema)
			return err
		},
	}
}

func (p *program) listTypes() error {
	if p.json {
		return p.printJSON(events.Types())
	}
	t := &screen.Table{Header: []string{"TYPE", "SAYS"}}
	for _, typ := range events.Types() {
		t.Add(string(typ), typ.Summary())
	}
	return t.Write(p.stdout)
}
