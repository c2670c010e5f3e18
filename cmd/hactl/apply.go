package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/view"
)

type applyFlags struct {
	yes   bool
	allow []string
	steps bool
	guard guardFlags
}

func (a *app) applyCmd() *cobra.Command {
	var f applyFlags
	c := &cobra.Command{
		Use:   "apply -f FILE|DIR|- | PLANFILE",
		Short: "Bring a cluster to what its manifests say",
		Long: `apply looks at the nodes, tells what it would do, and does it, until nothing is
left. What nobody notices (safe) and what a daemon only rereads (reload) is done
at once. Everything else is asked for on a terminal; without one it is refused
unless allowed: --yes answers for restarts, --allow RISK for the named risk.
Destroying data is never a question: --allow data-loss=KIND/NAME.

Objects of this owner in the CIB that no manifest tells any more are deleted
with --prune only: see hactl plan --help. One that is unmanaged or in maintenance
needs --allow outage=KIND/NAME.

With a PLANFILE that plan --out saved, apply looks and plans again, from the
manifests in it, and does it only if the plan and what the cluster will do are
the same as then; else it tells what moved. What is at risk is asked for, or
allowed, as ever.

With --rollback it watches what the change does, takes it back where it does
harm, and fails with the reason. With --confirm-within the nodes take it back by
themselves unless hactl confirm arrives. Both take back the CIB, prepared files
and alert scripts, and only what nobody changed since.

--discard DRBDResource/NAME=NODE ends a split brain: what NODE has written since
is thrown away, and it gets the other's copy. Naming both is the permission for
just that. NODE must be Secondary, not connected, and not the one with the only
good copy; the other may be in use.

Ctrl-C finishes what runs and stops; a second one cancels it. Running apply
again goes on where it stopped.`,
		Example: `  hactl apply -f cluster.yaml
  hactl apply -f cluster.yaml --yes --allow adopt
  hactl apply plan.json --yes
  hactl apply -f cluster.yaml --rollback --settle 2m
  hactl apply -f cluster.yaml --confirm-within 5m
  hactl apply -f mycluster/ --prune --allow outage=Resource/Old
  hactl apply -f cluster.yaml --allow outage=Resource/VIP
  hactl apply -f cluster.yaml --discard DRBDResource/r0=node2`,
		Args: cobra.MaximumNArgs(1),
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
			a.unread = f.yes // approved without being looked at: a plan tells the causes
			if len(args) > 0 {
				return a.applyPlanFile(c, args[0], f, allow)
			}
			if err := a.mayPrune(); err != nil {
				return err
			}
			sets, err := a.load()
			if err != nil {
				return err
			}
			if err := a.mayDiscard(sets); err != nil {
				return err
			}
			for _, m := range sets {
				if err := a.apply(c.Context(), m, f, append(allow, a.discarded()...), a.split); err != nil {
					return err
				}
			}
			return nil
		},
	}
	a.manifestFlags(c)
	a.selectorFlag(c)
	a.pruneFlag(c)
	a.discardFlag(c)
	a.outputFlag(c, "text", "json")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask; allows restarts, nothing riskier")
	c.Flags().StringArrayVar(&f.allow, "allow", nil, "allow RISK or RISK=KIND/NAME: restart, outage, redundancy, quorum, fence, adopt, data-loss=KIND/NAME (repeatable)")
	c.Flags().BoolVar(&f.steps, "steps", false, "list the exact commands and files before they run")
	f.guard.add(c)
	_ = c.RegisterFlagCompletionFunc("allow", cobra.FixedCompletions(
		[]string{"restart", "outage", "redundancy", "quorum", "fence", "adopt", "data-loss="}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// applyPlanFile does what a plan file says, if it still holds.
func (a *app) applyPlanFile(c *cobra.Command, path string, f applyFlags, allow []reconcile.Allow) error {
	if len(a.files) > 0 {
		return fmt.Errorf("a plan file holds its manifests: name %s or -f, not both", path)
	}
	saved, err := a.readPlanFile(c.Context(), path)
	if err != nil {
		return err
	}
	if c.Flags().Changed("owner") && a.owner != saved.Owner {
		return fmt.Errorf("%s: was made with --owner %s; leave the flag out", path, saved.Owner)
	}
	if a.prune && !saved.Prune {
		return fmt.Errorf("%s: was made without --prune; leave the flag out, or save a new plan with it", path)
	}
	if c.Flags().Changed("selector") && a.selector != saved.Selector {
		return fmt.Errorf("%s: was made with --selector %q; leave the flag out", path, saved.Selector)
	}
	allow = append(allow, a.discarded()...)
	for _, v := range a.discard {
		if !slices.Contains(saved.Discard, v) {
			return fmt.Errorf("%s: was made without --discard %s; leave the flag out, or save a new plan with it", path, v)
		}
	}
	a.owner, a.prune, a.discard, a.selector = saved.Owner, saved.Prune, saved.Discard, saved.Selector
	m, err := saved.manifests()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	sets, err := a.selected([]*v1.Manifests{m})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	m = sets[0]
	return a.apply(c.Context(), m, f, allow, func(p *reconcile.Plan) error {
		moved, err := saved.moved(p)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if len(moved) > 0 {
			return fmt.Errorf("nothing was done: since %s was made (%s), this has moved:\n  %s\nlook at a new plan, and apply that",
				path, saved.MadeAt.Format(time.RFC3339), strings.Join(moved, "\n  "))
		}
		return nil
	})
}

// apply applies the manifests of one cluster. holds, if there is one, must agree to the first plan before anything is asked or done.
func (a *app) apply(ctx context.Context, m *v1.Manifests, f applyFlags, allow []reconcile.Allow, holds func(*reconcile.Plan) error) error {
	secrets, err := a.resolve(ctx, m, true, true)
	if err != nil {
		return err
	}
	e, closer := a.engine(ctx, m, secrets)
	defer func() { _ = closer.Close() }()
	return a.carryOut(ctx, e, f, allow, holds)
}

// carryOut applies what an engine wants.
func (a *app) carryOut(ctx context.Context, e *reconcile.Engine, f applyFlags, allow []reconcile.Allow, holds func(*reconcile.Plan) error) error {
	begun := time.Now()
	e.Events = func(ev reconcile.Event) {
		if a.output == "json" {
			b, _ := json.Marshal(ev)
			_, _ = fmt.Fprintf(a.err, "%s\n", b)
			return
		}
		view.EventText(a.err, ev, style(a.err))
	}
	res, err := e.Apply(ctx, f.guard.options(reconcile.ApplyOptions{
		Allow: allow,
		Drain: a.drain,
		Approve: func(_ *reconcile.Observation, p *reconcile.Plan) error {
			if holds != nil {
				if err := holds(p); err != nil {
					return err
				}
			}
			if err := a.showPlan(a.out, p, f.steps); err != nil {
				return err
			}
			return a.approve(ctx, p, f, allow)
		},
	}))
	name := e.Manifests.Cluster.Metadata.Name
	if res.Rounds > 0 && a.output == "json" {
		if unwritten := view.ResultJSON(a.out, name, res, time.Since(begun), err); err == nil {
			err = unwritten
		}
	}
	if err != nil {
		if a.output != "json" {
			_ = view.SeenText(a.err, res.Seen, style(a.err)) // the error matters more than that it cannot be told
		}
		return err
	}
	if res.Steps == 0 {
		if holds != nil {
			if err := holds(res.First); err != nil {
				return err
			}
		}
		if a.output == "json" {
			return a.showPlan(a.out, res.First, false)
		}
		_, _ = fmt.Fprintf(a.out, "%s: nothing to do.\n", name)
	} else {
		_, _ = fmt.Fprintf(a.err, "%s: done in %s (steps: %d).\n", name, time.Since(begun).Round(10*time.Millisecond), res.Steps)
	}
	if n := len(res.Unreachable); n > 0 {
		return fmt.Errorf("not finished: %d machines did not answer: %s", n, strings.Join(res.Unreachable, "; "))
	}
	return a.after(e.Manifests, res, f.guard)
}
