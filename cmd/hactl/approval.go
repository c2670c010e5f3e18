package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/view"
	"github.com/hactl/hactl/reconcile/watch/policy"
)

type approveFlags struct {
	cluster string
	digest  string
	yes     bool
	steps   bool
}

func (a *app) approveCmd() *cobra.Command {
	var f approveFlags
	c := &cobra.Command{
		Use:   "approve -f FILE|DIR|-",
		Short: "Let hactl watch do what it may not do by itself",
		Long: `approve looks at the nodes, tells what would be done, asks, and keeps in the
cluster that this plan was approved. Nothing else is changed: hactl watch finds
the approval when it looks next, and applies the plan with all its risks, without
waiting for a window. A WatchPolicy that is suspended, and a copy of data that is
being made whole, still hold it up.

An approval is of one plan. Where anything of it moves, another field, another
resource that would restart, it is of no use any more, and the next change of the
cluster takes it away. It needs no hactl watch that runs now, and outlives one that
dies.

A change that failed three times is tried again by hactl watch once it is approved,
even one that needs no approval otherwise.

--digest is the digest of the plan that was read, on the page of hactl watch or in
a notification: another plan is refused. With it, or with --yes, nothing is asked.

Plan as hactl watch does: with the same manifests, the same --owner, and the
WatchPolicy among them, which says whether objects are pruned.`,
		Example: `  hactl approve -f clusters/ --cluster web
  hactl approve -f cluster.yaml --digest sha256:8c1d0a…
  hactl approve -f cluster.yaml --yes -o json | jq .approval`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			sets, err := a.load()
			if err != nil {
				return err
			}
			m, err := named(sets, f.cluster)
			if err != nil {
				return err
			}
			if m.Policy != nil && !c.Flags().Changed("prune") {
				a.prune = m.Policy.Spec.Prune
			}
			if err := a.mayPrune(); err != nil {
				return err
			}
			a.unread = f.yes
			return a.keepApproval(c.Context(), m, f)
		},
	}
	a.manifestFlags(c)
	a.pruneFlag(c)
	a.outputFlag(c, "text", "json")
	c.Flags().StringVar(&f.cluster, "cluster", "", "`NAME` of the Cluster, where -f holds several")
	c.Flags().StringVar(&f.digest, "digest", "", "refuse any plan but that of this `DIGEST`")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&f.steps, "steps", false, "list the exact commands and files")
	_ = c.RegisterFlagCompletionFunc("cluster", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		sets, _ := a.load()
		return clusterNames(sets), cobra.ShellCompDirectiveNoFileComp
	})
	_ = c.RegisterFlagCompletionFunc("digest", cobra.NoFileCompletions)
	return c
}

// named gives the manifests of the Cluster of that name; of the only one, if none is given.
func named(sets []*v1.Manifests, name string) (*v1.Manifests, error) {
	names := clusterNames(sets)
	i := slices.Index(names, name)
	switch {
	case i >= 0:
		return sets[i], nil
	case name == "" && len(sets) == 1:
		return sets[0], nil
	case name == "":
		return nil, fmt.Errorf("the manifests have %d Clusters, and an approval is of one plan: name one of %s with --cluster", len(sets), strings.Join(names, ", "))
	}
	if near := v1.Closest(name, names); near != "" {
		return nil, fmt.Errorf("there is no Cluster %q; did you mean %q?", name, near)
	}
	return nil, fmt.Errorf("there is no Cluster %q; the manifests have %s", name, strings.Join(names, ", "))
}

func clusterNames(sets []*v1.Manifests) []string {
	names := make([]string, len(sets))
	for i, m := range sets {
		names[i] = m.Cluster.Metadata.Name
	}
	return names
}

// keepApproval approves what there is to do, and tells what becomes of it.
func (a *app) keepApproval(ctx context.Context, m *v1.Manifests, f approveFlags) error {
	allowed, err := policy.Of(m.Policy)
	if err != nil {
		return err
	}
	secrets, err := a.resolve(ctx, m, true, true)
	if err != nil {
		return err
	}
	e, closer := a.engine(ctx, m, secrets)
	defer func() { _ = closer.Close() }()
	e.Events = func(ev reconcile.Event) { view.EventText(a.err, ev, style(a.err)) }
	var then policy.Verdict
	p, given, err := e.Approve(ctx, reconcile.ApplyOptions{Drain: a.drain}, func(o *reconcile.Observation, p *reconcile.Plan) error {
		if a.output != "json" {
			if err := a.showPlan(a.out, p, f.steps); err != nil {
				return err
			}
		}
		in := policy.See(e, o, p, time.Now())
		journal, _, err := e.Journal(ctx)
		if err != nil {
			return err
		}
		failed := slices.ContainsFunc(reconcile.Failures(journal), func(x reconcile.Entry) bool { return x.Plan == in.Digest })
		if err := approvable(allowed, in, f.digest, failed); err != nil {
			return err
		}
		in.Approved, in.By = true, e.Holder.Who
		then = policy.Decide(allowed, in)
		return a.sure(ctx, f)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", m.Cluster.Metadata.Name, err)
	}
	if a.output == "json" {
		return view.ApprovalJSON(a.out, p, given, waits(then))
	}
	_, _ = fmt.Fprintf(a.out, "\n%s: approved %s\n", p.Cluster, given.Plan)
	what := "hactl watch applies it when it looks next"
	if then.Action == policy.Wait {
		what = "hactl watch does not apply it yet: " + then.Why
	}
	_, _ = fmt.Fprintf(a.err, "%s: %s. Another plan needs another approval.\n", p.Cluster, what)
	return nil
}

// approvable refuses a plan that is not the one that was read, and one that nobody needs to approve: one that failed before may have to be, to be tried again.
func approvable(p policy.Policy, in policy.Input, digest string, failed bool) error {
	if want := "sha256:" + strings.TrimPrefix(digest, "sha256:"); digest != "" && want != in.Digest {
		return fmt.Errorf("nothing was approved: the plan is now %s, not %s; look at it again, and approve that", in.Digest, want)
	}
	in.Approved = false
	if v := policy.Decide(p, in); v.Action == policy.Apply && v.Until.IsZero() && !failed {
		return fmt.Errorf("there is nothing to approve: %s", v.Why)
	}
	return nil
}

// sure asks on a terminal. Nobody approves what nobody has seen.
func (a *app) sure(ctx context.Context, f approveFlags) error {
	switch {
	case f.yes || f.digest != "":
		return nil
	case !term.IsTerminal(int(a.stdin.Fd())):
		return errors.New("nothing was approved: without a terminal, name the plan that was read with --digest, or give --yes")
	}
	return a.confirmed(ctx, "Approve this plan, with all its risks?")
}

// waits says what still holds up an approved plan.
func waits(v policy.Verdict) string {
	if v.Action == policy.Wait {
		return v.Why
	}
	return ""
}
