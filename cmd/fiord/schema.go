package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
)

func (p *program) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [TYPE]",
		Short: "List the types of events, or print the JSON Schema of one",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return p.listTypes()
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
