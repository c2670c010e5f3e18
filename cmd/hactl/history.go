package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/view"
)

// historyVersion is the version of the JSON form.
const historyVersion = "hactl/history/v1"

func (a *app) historyCmd() *cobra.Command {
	var hosts []string
	var last int
	c := &cobra.Command{
		Use:   "history -f FILE|DIR|- | --host NODE",
		Short: "Tell what was applied to a cluster, when, by whom, and how it ended",
		Long: `history reads the journal of applies that each node keeps (` + reconcile.JournalPath + `,
for root alone) and puts those of all nodes together. It holds names of objects
and fields, never a value. The id of an apply is also that of the checkpoint made
right before it.`,
		Example: `  hactl history -f cluster.yaml
  hactl history --host node1 --last 50
  hactl history -f cluster.yaml -o json | jq '.applies[] | select(.result != "done")'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.onCluster(c.Context(), hosts, func(ctx context.Context, e *reconcile.Engine, members reconcile.Hosts) error {
				entries, away, err := reconcile.ReadJournal(ctx, members)
				if err != nil {
					return err
				}
				if n := len(entries) - last; last > 0 && n > 0 {
					entries = entries[n:]
				}
				if a.output == "json" {
					enc := json.NewEncoder(a.out)
					enc.SetIndent("", "  ")
					err = enc.Encode(struct {
						Version     string            `json:"version"`
						Applies     []reconcile.Entry `json:"applies"`
						Unreachable []string          `json:"unreachable,omitempty"`
					}{historyVersion, append([]reconcile.Entry{}, entries...), away})
				} else {
					err = view.History(a.out, entries, style(a.out))
				}
				if err == nil && len(away) > 0 {
					return fmt.Errorf("not all nodes were asked: %s", strings.Join(away, "; "))
				}
				return err
			})
		},
	}
	a.manifestFlags(c)
	hostFlag(c, &hosts)
	a.outputFlag(c, "text", "json")
	c.Flags().IntVar(&last, "last", 20, "how many of the newest to tell; 0 for all")
	return c
}
