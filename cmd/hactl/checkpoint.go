package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hactl/hactl/drivers/cib"
	"github.com/hactl/hactl/reconcile"
)

func (a *app) checkpointCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "checkpoint",
		Short: "List, show, compare and restore the configurations before each apply",
		Long: `Right before an apply changes the configuration of Pacemaker, every node saves it
in ` + cib.CheckpointDir + `, for root alone; the newest 20 are kept. Its id is that
of the apply in hactl history.`,
		Example: `  hactl checkpoint list -f cluster.yaml
  hactl checkpoint diff ID -f cluster.yaml
  hactl checkpoint restore ID -f cluster.yaml`,
		SuggestionsMinimumDistance: 2,
		Args:                       noSuchCommand,
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.checkpointListCmd(), a.checkpointShowCmd(), a.checkpointDiffCmd(), a.checkpointRestoreCmd())
	return c
}

func (a *app) checkpointListCmd() *cobra.Command {
	var hosts []string
	c := &cobra.Command{
		Use:     "list -f FILE|DIR|- | --host NODE",
		Short:   "List the saved configurations and who has them",
		Example: "  hactl checkpoint list --host node1",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.onCluster(c.Context(), hosts, func(ctx context.Context, _ *reconcile.Engine, members reconcile.Hosts) error {
				list, away, err := cib.Checkpoints(ctx, members)
				if err != nil {
					return err
				}
				if a.output == "json" {
					enc := json.NewEncoder(a.out)
					enc.SetIndent("", "  ")
					err = enc.Encode(append([]cib.Checkpoint{}, list...))
				} else {
					for _, x := range list {
						_, _ = fmt.Fprintf(a.out, "%s  %7d bytes  on %s\n", x.ID, x.Bytes, strings.Join(x.On, ", "))
					}
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
	return c
}

func (a *app) checkpointShowCmd() *cobra.Command {
	var hosts []string
	c := &cobra.Command{
		Use:     "show ID -f FILE|DIR|- | --host NODE",
		Short:   "Print a saved configuration, without passwords",
		Example: "  hactl checkpoint show 20260102T030405Z-1f2e --host node1",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.onCluster(c.Context(), hosts, func(ctx context.Context, _ *reconcile.Engine, members reconcile.Hosts) error {
				saved, err := cib.ReadCheckpoint(ctx, members, args[0])
				if err != nil {
					return err
				}
				text, err := saved.Masked()
				if err == nil {
					_, err = fmt.Fprint(a.out, text)
				}
				return err
			})
		},
	}
	a.manifestFlags(c)
	hostFlag(c, &hosts)
	return c
}

func (a *app) checkpointDiffCmd() *cobra.Command {
	var hosts []string
	c := &cobra.Command{
		Use:   "diff ID -f FILE|DIR|- | --host NODE",
		Short: "Tell what restoring a saved configuration would change, and what the cluster would do",
		Long: `diff compares a saved configuration with the cluster's now, in the form of a plan.

Exit code 0: they are the same. 1: error. 2: they differ.`,
		Example: "  hactl checkpoint diff 20260102T030405Z-1f2e -f cluster.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.onCluster(c.Context(), hosts, func(ctx context.Context, e *reconcile.Engine, members reconcile.Hosts) error {
				if err := a.restoring(ctx, e, members, args[0]); err != nil {
					return err
				}
				o, err := e.Observe(ctx)
				if err != nil {
					return err
				}
				p, err := e.Plan(ctx, o)
				if err != nil {
					return err
				}
				if err := a.showPlan(a.out, p, false); err != nil {
					return err
				}
				if !p.Empty() {
					return exitCode(exitChanges)
				}
				return nil
			})
		},
	}
	a.manifestFlags(c)
	hostFlag(c, &hosts)
	a.outputFlag(c, "text", "json")
	return c
}

func (a *app) checkpointRestoreCmd() *cobra.Command {
	var hosts []string
	var f applyFlags
	c := &cobra.Command{
		Use:   "restore ID -f FILE|DIR|- | --host NODE",
		Short: "Bring the configuration of Pacemaker back to a saved one",
		Long: `restore changes what differs from a saved configuration, as apply would: it tells
what will happen, asks for what is at risk, saves a checkpoint of its own first,
and leaves alone what is none of the configuration: the status, the members, and
what Pacemaker and agents write themselves. The manifests are not changed: apply
brings the cluster back to what they say.`,
		Example: `  hactl checkpoint restore 20260102T030405Z-1f2e -f cluster.yaml
  hactl checkpoint restore 20260102T030405Z-1f2e --host node1 --yes --rollback`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			allow := make([]reconcile.Allow, len(f.allow))
			for i, s := range f.allow {
				var err error
				if allow[i], err = reconcile.ParseAllow(s); err != nil {
					return fmt.Errorf("--allow: %w", err)
				}
			}
			if err := f.guard.check(); err != nil {
				return err
			}
			return a.onCluster(c.Context(), hosts, func(ctx context.Context, e *reconcile.Engine, members reconcile.Hosts) error {
				if err := a.restoring(ctx, e, members, args[0]); err != nil {
					return err
				}
				return a.carryOut(ctx, e, f, allow, nil)
			})
		},
	}
	a.manifestFlags(c)
	hostFlag(c, &hosts)
	a.outputFlag(c, "text", "json")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask; allows restarts, nothing riskier")
	c.Flags().StringArrayVar(&f.allow, "allow", nil, "allow RISK or RISK=KIND/NAME, as for apply (repeatable)")
	f.guard.add(c)
	return c
}

// restoring has an engine bring the configuration back to a checkpoint, and nothing else.
func (a *app) restoring(ctx context.Context, e *reconcile.Engine, members reconcile.Hosts, id string) error {
	saved, err := cib.ReadCheckpoint(ctx, members, id)
	if err != nil {
		return err
	}
	e.Layers = []reconcile.Layer{reconcile.Of(cib.New(a.owner).Restoring(saved))}
	e.Notes = nil
	return nil
}
