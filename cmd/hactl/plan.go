package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/view"
)

func (a *app) planCmd() *cobra.Command {
	var steps, commands bool
	var file string
	c := &cobra.Command{
		Use:   "plan -f FILE|DIR|-",
		Short: "Tell what apply would do, and what the cluster will do then",
		Long: `plan looks at the nodes, changes nothing, and tells what apply would do.

With --cib it asks no node and compares with the configuration in a file, as
cibadmin --query saves it; a pe-input-*.bz2 of Pacemaker will do, too. Machines,
corosync and secrets are then left out. If Pacemaker's crm_simulate is installed
here and the file has the status of the nodes, the plan also tells what the
cluster would do.

Exit code 0: nothing to do (taking over objects that are as wanted counts as
nothing). 1: error, or a machine did not answer. 2: there are changes.`,
		Example: `  hactl plan -f cluster.yaml
  hactl plan -f cluster.yaml --steps        with the exact commands
  hactl plan -f cluster.yaml --cib cib.xml  against a file, offline
  hactl plan -f cluster.yaml -o json | jq '.steps[].id'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := a.oneStdin(file); err != nil {
				return err
			}
			sets, err := a.load()
			if err != nil {
				return err
			}
			plan := a.plan
			if c.Flags().Changed("cib") {
				if _, err := one(sets, "--cib"); err != nil {
					return err
				}
				r, err := a.cibRecord(c.Context(), file)
				if err != nil {
					return err
				}
				plan = func(ctx context.Context, m *v1.Manifests, commands bool) (*reconcile.Plan, error) {
					return a.planRecord(ctx, r, m, commands)
				}
			}
			code := exitOK
			for _, m := range sets {
				p, err := plan(c.Context(), m, commands)
				if err != nil {
					return err
				}
				if err := a.showPlan(a.out, p, steps); err != nil {
					return err
				}
				switch {
				case len(p.Unreachable) > 0:
					_, _ = fmt.Fprintf(a.err, "hactl: the plan is partial: %d machines did not answer\n", len(p.Unreachable))
					code = exitError
				case !p.OnlyAdopts() && code == exitOK:
					code = exitChanges
				}
			}
			if code != exitOK {
				return exitCode(code)
			}
			return nil
		},
	}
	a.manifestFlags(c)
	a.outputFlag(c, "text", "json")
	c.Flags().BoolVar(&steps, "steps", false, "list the exact commands and files")
	xmlFlag(c, &file, "cib", "plan against the CIB in this `FILE` (- for standard input) instead of the nodes")
	c.Flags().BoolVar(&commands, "allow-commands", false, "run the commands that secrets come from")
	return c
}

func (a *app) plan(ctx context.Context, m *v1.Manifests, commands bool) (*reconcile.Plan, error) {
	secrets, err := resolve(ctx, m, commands, false)
	if err != nil {
		return nil, err
	}
	e, closer := a.engine(ctx, m, secrets)
	defer func() { _ = closer.Close() }()
	o, err := e.Observe(ctx)
	if err != nil {
		return nil, err
	}
	return e.Plan(ctx, o)
}

// planRecord plans against a file with a CIB.
func (a *app) planRecord(ctx context.Context, r record, m *v1.Manifests, commands bool) (*reconcile.Plan, error) {
	secrets, err := resolve(ctx, m, commands, false)
	if err != nil {
		return nil, err
	}
	e := a.recordEngine(r, m, secrets)
	o, err := e.Observe(ctx)
	if err != nil {
		return nil, r.explain(err)
	}
	return e.Plan(ctx, o)
}

func (a *app) showPlan(w io.Writer, p *reconcile.Plan, steps bool) error {
	if a.output == "json" {
		return view.PlanJSON(w, p)
	}
	return view.PlanText(w, p, style(w), steps)
}
