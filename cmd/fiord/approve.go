package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fiord-bench/fiord/events"
)

// approveCommand lets a held pull request run. Nothing is looked up first: who
// may see what is held is ingest's business, and an approval of nothing is told
// by the dead letter it becomes.
func (p *program) approveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "approve PUSH",
		Short: "Let a held pull request be measured",
		Long: `Let a held pull request be measured, at the commit that was held.

PUSH is the id that the commit's status names. The job files of the request run on
your hosts: read them first. A newer push of the same request waits again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			data := events.PushApproved{Push: args[0], By: whoami()}
			if err := data.Validate(); err != nil {
				return badInput(err)
			}
			client, err := p.connect(c.Context())
			if err != nil {
				return err
			}
			defer client.Close()
			e, _, err := publish(c.Context(), client, data)
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(map[string]string{"event": e.ID, "push": data.Push, "by": data.By})
			}
			_, err = fmt.Fprintf(p.stdout, "approved: %s (fiord show %s follows it)\n", data.Push, e.ID)
			return err
		},
	}
}
