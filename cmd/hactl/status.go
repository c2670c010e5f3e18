package main

import (
	"github.com/spf13/cobra"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/view"
)

func (a *app) statusCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "status -f FILE|DIR|-",
		Short: "Tell how a cluster is: nodes, quorum, resources, fencing, failures",
		Long: `status looks at the nodes and shows one screen, problems first.

With -l it tells of the nodes, quorum and fencing, and of the resources that are
selected.

Exit code 0: all is well. 1: error. 2: something is degraded or failed.`,
		Example: `  hactl status -f cluster.yaml
  watch -c hactl status -f cluster.yaml
  hactl status -f cluster.yaml -o json | jq .level`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			sets, err := a.load()
			if err != nil {
				return err
			}
			bad := false
			for _, m := range sets {
				e, closer := a.engine(c.Context(), m, secretValues{})
				o, err := e.Observe(c.Context())
				_ = closer.Close()
				if err != nil {
					return err
				}
				hs := selectedHealth(m, e.Status(o))
				show := func() error { return view.StatusText(a.out, m.Cluster.Metadata.Name, hs, style(a.out)) }
				if a.output == "json" {
					show = func() error { return view.StatusJSON(a.out, m.Cluster.Metadata.Name, hs) }
				}
				if err := show(); err != nil {
					return err
				}
				for _, h := range hs {
					bad = bad || h.Level >= reconcile.Degraded
				}
			}
			if bad {
				return exitCode(exitChanges)
			}
			return nil
		},
	}
	a.manifestFlags(c)
	a.selectorFlag(c)
	a.outputFlag(c, "text", "json")
	return c
}
