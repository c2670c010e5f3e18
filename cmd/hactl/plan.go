package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/view"
)

type planFlags struct {
	steps, commands bool
	cib, snapshot   string
	out             string
	failOn          []string
	causes          bool
}

func (a *app) planCmd() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:   "plan -f FILE|DIR|-",
		Short: "Tell what apply would do, and what the cluster will do then",
		Long: `plan looks at the nodes, changes nothing, and tells what apply would do.

With --snapshot it asks no node and compares with what hactl snapshot saved:
the plan is that of the cluster at that time, but that nothing secret is
compared. With --cib it compares with the configuration in a file, as
cibadmin --query saves it; a pe-input-*.bz2 of Pacemaker will do, too. Machines,
corosync and secrets are then left out. If Pacemaker's crm_simulate is installed
here, the plan also tells what the cluster would do; without the status of the
nodes in the file, one at rest.

Objects of this owner in the CIB that no manifest tells any more stay, and are
told; with --prune they are deleted. What runs is stopped first, and nothing
else stops with it. So -f must name all manifests of the owner, not standard
input. An object with metadata.protect is never deleted.

-l plans only for the objects with these labels; the Cluster always takes part.
All manifests are checked, and what is left out stays as it is.

--out saves the plan with the manifests that it was made from; hactl apply FILE
carries out just this plan, or refuses when it would come out otherwise by then.

--discard DRBDResource/NAME=NODE plans the end of a split brain: see hactl apply
--help.

--drill simulates the loss of every node, of quorum and of every ticket, and the
failure of every resource where it runs, before and after the changes, and tells
what is new ("losing node2 leaves VIP stopped").

Each thing that the cluster will do is told with the change that causes it, found
by simulating parts of the changes. --causes=false leaves that out, which is the
faster on a large cluster.

--fail-on makes it an error (exit code 1) if the plan holds one of these risks,
or makes the cluster do one of these things. What cannot be predicted counts as
the worst.

Exit code 0: nothing to do (taking over objects that are as wanted counts as
nothing). 1: error, or a machine did not answer. 2: there are changes.`,
		Example: `  hactl plan -f cluster.yaml
  hactl plan -f cluster.yaml --steps        with the exact commands
  hactl plan -f cluster.yaml -l app=web     only for what has this label
  hactl plan -f cluster.yaml --out plan.json && hactl apply plan.json
  hactl plan -f cluster.yaml --fail-on restart,stop,fence
  hactl plan -f cluster.yaml --drill        with failure drills
  hactl plan -f cluster.yaml --snapshot snapshot.json.gz -o markdown
  hactl plan -f cluster.yaml --cib cib.xml  against a file, offline
  hactl plan -f cluster.yaml -o json | jq '.steps[].id'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.runPlan(c.Context(), c.Flags().Changed, f) },
	}
	a.manifestFlags(c)
	a.selectorFlag(c)
	a.pruneFlag(c)
	a.discardFlag(c)
	a.outputFlag(c, "text", "json", "markdown")
	c.Flags().BoolVar(&f.steps, "steps", false, "list the exact commands and files")
	xmlFlag(c, &f.cib, "cib", "plan against the CIB in this `FILE` (- for standard input) instead of the nodes")
	c.Flags().StringVar(&f.snapshot, "snapshot", "", "plan against this `FILE` of hactl snapshot (- for standard input) instead of the nodes")
	c.Flags().StringVar(&f.out, "out", "", "save the plan in this `FILE`, mode 0600, for hactl apply FILE")
	c.Flags().StringSliceVar(&f.failOn, "fail-on", nil, "exit code 1 if the plan holds one of these `WORDS`: "+strings.Join(reconcile.FailOnWords(), ", "))
	c.Flags().BoolVar(&f.causes, "causes", true, "find out which change causes what the cluster will do; takes up to 2 s more")
	c.Flags().BoolVar(&a.drill, "drill", false, "also tell which failures would cost more after the changes than now")
	c.Flags().BoolVar(&f.commands, "allow-commands", false, "run the commands that secrets come from")
	c.MarkFlagsMutuallyExclusive("cib", "snapshot")
	c.MarkFlagsMutuallyExclusive("cib", "out")
	_ = c.MarkFlagFilename("snapshot", "json", "gz")
	_ = c.MarkFlagFilename("out", "json")
	_ = c.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(reconcile.FailOnWords(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (a *app) runPlan(ctx context.Context, given func(flag string) bool, f planFlags) error {
	failOn, err := reconcile.ParseFailOn(f.failOn)
	if err != nil {
		return fmt.Errorf("--fail-on: %w", err)
	}
	if err := errors.Join(a.oneStdin(f.cib, f.snapshot), a.mayPrune()); err != nil {
		return err
	}
	files, err := a.read()
	if err != nil {
		return err
	}
	sets, err := v1.Load(files)
	if err != nil {
		return err
	}
	if sets, err = a.selected(sets); err != nil {
		return err
	}
	if err := someCluster(sets); err != nil {
		return err
	}
	for _, flag := range []string{"cib", "snapshot", "out"} {
		if given(flag) {
			if _, err := one(sets, "--"+flag); err != nil {
				return err
			}
		}
	}
	if err := a.mayDiscard(sets); err != nil {
		return err
	}
	a.unread = !f.causes
	plan, err := a.planner(ctx, given, f)
	if err != nil {
		return err
	}
	code := exitOK
	for _, m := range sets {
		p, err := plan(ctx, m)
		if err != nil {
			return err
		}
		if err := a.split(p); err != nil {
			return err
		}
		if err := a.showPlan(a.out, p, f.steps); err != nil {
			return err
		}
		if f.out != "" {
			if err := a.savePlan(f.out, p, files); err != nil {
				return err
			}
		}
		for _, why := range p.Failing(failOn) {
			_, _ = fmt.Fprintf(a.err, "hactl: --fail-on %s\n", why)
			code = exitError
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
}

// planner is how a plan is made: against the nodes, or against what stands for them.
func (a *app) planner(ctx context.Context, given func(flag string) bool, f planFlags) (func(context.Context, *v1.Manifests) (*reconcile.Plan, error), error) {
	switch {
	case given("cib"):
		r, err := a.cibRecord(ctx, f.cib)
		return func(ctx context.Context, m *v1.Manifests) (*reconcile.Plan, error) {
			return a.planRecord(ctx, r, m, f.commands)
		}, err
	case given("snapshot"):
		s, name, err := a.readSnapshot(ctx, f.snapshot)
		return func(ctx context.Context, m *v1.Manifests) (*reconcile.Plan, error) {
			return a.planSnapshot(ctx, s, name, m, f.commands)
		}, err
	}
	return func(ctx context.Context, m *v1.Manifests) (*reconcile.Plan, error) { return a.plan(ctx, m, f.commands) }, nil
}

// savePlan writes a plan file.
func (a *app) savePlan(to string, p *reconcile.Plan, files []v1.File) error {
	f, err := newPlanFile(p, files, a)
	if err != nil {
		return err
	}
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return a.writeOwn(to, append(b, '\n'))
}

func (a *app) plan(ctx context.Context, m *v1.Manifests, commands bool) (*reconcile.Plan, error) {
	secrets, err := a.resolve(ctx, m, commands, false)
	if err != nil {
		return nil, err
	}
	e, closer := a.engine(ctx, m, secrets)
	defer func() { _ = closer.Close() }()
	o, err := e.Observe(ctx)
	if err != nil {
		return nil, err
	}
	e.Drill = a.drill
	return e.Plan(ctx, o)
}

// planRecord plans against a file with a CIB.
func (a *app) planRecord(ctx context.Context, r record, m *v1.Manifests, commands bool) (*reconcile.Plan, error) {
	secrets, err := a.resolve(ctx, m, commands, false)
	if err != nil {
		return nil, err
	}
	e := a.recordEngine(r, m, secrets)
	o, err := e.Observe(ctx)
	if err != nil {
		return nil, r.explain(err)
	}
	e.Drill = a.drill
	return e.Plan(ctx, o)
}

func (a *app) showPlan(w io.Writer, p *reconcile.Plan, steps bool) error {
	switch a.output {
	case "json":
		return view.PlanJSON(w, p)
	case "markdown":
		return view.PlanMarkdown(w, p, time.Now())
	}
	return view.PlanText(w, p, style(w), steps)
}
