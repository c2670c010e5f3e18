package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/cib"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/view"
)

// guardFlags say how an apply watches over what it does.
type guardFlags struct {
	wait     bool
	rollback bool
	settle   time.Duration
	confirm  time.Duration
}

func (g *guardFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&g.wait, "wait", false, "tell at the end how each changed object is; exit code 1 unless all is well")
	c.Flags().BoolVar(&g.rollback, "rollback", false, "take the change back where it does harm: a resource fails, is blocked, or stops or moves unpredicted")
	c.Flags().DurationVar(&g.settle, "settle", 0, "with --rollback, watch for so long (default: until each monitor has looked once)")
	c.Flags().DurationVar(&g.confirm, "confirm-within", 0, "the nodes take the change back after this time unless hactl confirm keeps it")
}

func (g guardFlags) check() error {
	switch {
	case g.settle < 0 || g.confirm < 0:
		return errors.New("--settle and --confirm-within take a time like 90s or 5m")
	case g.settle > 0 && !g.rollback:
		return errors.New("--settle is for --rollback: add that, too")
	case g.confirm > 0 && g.confirm < 10*time.Second:
		return fmt.Errorf("--confirm-within %s leaves no time to confirm: give 10s or more", g.confirm)
	}
	return nil
}

// options puts the flags into an apply's options.
func (g guardFlags) options(opt reconcile.ApplyOptions) reconcile.ApplyOptions {
	opt.Rollback, opt.Settle, opt.Confirm = g.rollback, g.settle, g.confirm
	return opt
}

// after tells how an apply left the cluster.
func (a *app) after(m *v1.Manifests, res reconcile.Result, g guardFlags) error {
	if a.output != "json" {
		if err := view.SeenText(a.err, res.Seen, style(a.err)); err != nil {
			return err
		}
	}
	for _, d := range res.Differs {
		_, _ = fmt.Fprintf(a.err, "%s\n", style(a.err).Warn("otherwise than predicted: "+d))
	}
	if res.Confirm != "" {
		_, _ = fmt.Fprintf(a.err, "%s: the nodes take this back at %s, unless: hactl confirm -f …\n", m.Cluster.Metadata.Name, res.Until.Local().Format("15:04:05"))
	}
	if !g.wait || len(res.Verdicts) == 0 {
		return nil
	}
	if err := view.Verdicts(a.err, res.Verdicts, style(a.err)); err != nil {
		return err
	}
	var bad []string
	for _, v := range res.Verdicts {
		if v.State != reconcile.Running && v.State != reconcile.InPlace {
			bad = append(bad, fmt.Sprintf("%s: %s: %s", v.Object, v.State, v.Text))
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("applied, but not all is well:\n  %s", strings.Join(bad, "\n  "))
	}
	return nil
}

func (a *app) confirmCmd() *cobra.Command {
	var hosts []string
	c := &cobra.Command{
		Use:   "confirm -f FILE|DIR|- | --host NODE",
		Short: "Keep a change that was applied with --confirm-within",
		Long: `confirm keeps the change that waits for it. Without it, the nodes take the change
back when its time is over, each by a timer of its own (systemctl list-timers
'hactl-confirm-*'), also when nobody can reach them any more. One of them does
it; none does once the change is confirmed, not even a node that is away now.`,
		Example: `  hactl apply -f cluster.yaml --confirm-within 5m
  hactl confirm -f cluster.yaml
  hactl confirm --host node1`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.onCluster(c.Context(), hosts, func(ctx context.Context, e *reconcile.Engine, members reconcile.Hosts) error {
				return a.confirm(ctx, e, members)
			})
		},
	}
	a.manifestFlags(c)
	hostFlag(c, &hosts)
	return c
}

func (a *app) confirm(ctx context.Context, e *reconcile.Engine, members reconcile.Hosts) error {
	var errs []error
	for _, h := range members {
		id, err := cib.Confirm(ctx, h)
		var late *cib.LateError
		var stale *reconcile.StaleError
		switch {
		case errors.As(err, &late):
			return err
		case errors.As(err, &stale):
			return errors.New("too late: the change is being taken back")
		case err != nil:
			errs = append(errs, err) // another member may have quorum
			continue
		case id == "":
			return errors.New("no change waits to be confirmed")
		}
		d := cib.New(a.owner)
		if err := d.Disarm(ctx, members, id); err != nil {
			_, _ = fmt.Fprintf(a.err, "hactl: a timer that is left does nothing, its change is confirmed: %v\n", err)
		}
		entry := reconcile.Entry{ID: id, At: time.Now().UTC(), Cluster: e.Manifests.Cluster.Metadata.Name, Who: e.Holder.Who, Command: e.Holder.Command, Result: reconcile.Confirmed}
		if err := reconcile.WriteJournal(ctx, members, entry); err != nil {
			_, _ = fmt.Fprintf(a.err, "hactl: %v\n", err)
		}
		_, _ = fmt.Fprintf(a.out, "%s: the change %s is confirmed and stays.\n", e.Manifests.Cluster.Metadata.Name, id)
		return nil
	}
	return fmt.Errorf("nothing was confirmed: %w", errors.Join(errs...))
}

// hostFlag names nodes where there are no manifests at hand.
func hostFlag(c *cobra.Command, hosts *[]string) {
	c.Flags().StringSliceVar(hosts, "host", nil, "instead of -f, the cluster of these `NODES` ([user@]host[:port]); one is enough")
}

// onCluster connects to the cluster of manifests or of nodes, and does something with its members.
func (a *app) onCluster(ctx context.Context, hosts []string, do func(context.Context, *reconcile.Engine, reconcile.Hosts) error) error {
	if (len(hosts) > 0) == (len(a.files) > 0) {
		return errors.New("which cluster? name its manifests with -f, or a node with --host")
	}
	m, err := a.clusterToImport(ctx, importFlags{hosts: hosts})
	if err != nil {
		return err
	}
	e, closer := a.engine(ctx, m, secretValues{})
	defer func() { _ = closer.Close() }()
	var members reconcile.Hosts
	for _, n := range m.Cluster.Spec.Nodes {
		if h := e.Hosts.Named(n.Name); h != nil {
			members = append(members, h)
		}
	}
	return do(ctx, e, members)
}
