package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/drbd"
	"github.com/hactl/hactl/reconcile"
)

// discardFlag adds --discard to a command.
func (a *app) discardFlag(c *cobra.Command) {
	var named []string
	c.Flags().StringArrayVar(&named, "discard", nil, "end the split brain of a DRBD resource: `DRBDResource/NAME=NODE` throws away what NODE has written since (repeatable)")
	check := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		for _, s := range named {
			v, err := drbd.ParseVictim(s)
			if err != nil {
				return fmt.Errorf("--discard: %w", err)
			}
			a.discard = append(a.discard, v)
		}
		if check != nil {
			return check(c, args)
		}
		return nil
	}
	_ = c.RegisterFlagCompletionFunc("discard", a.completeVictims)
}

// completeVictims offers the resources of the manifests with each of their nodes.
func (a *app) completeVictims(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	sets, err := a.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, m := range sets {
		for _, r := range m.DRBDResources {
			for _, n := range r.Spec.Nodes {
				out = append(out, drbd.Victim{Resource: r.Metadata.Name, Node: n.Name}.String())
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// mayDiscard refuses several clusters: which one is meant would be a guess.
func (a *app) mayDiscard(sets []*v1.Manifests) error {
	if len(a.discard) == 0 {
		return nil
	}
	_, err := one(sets, "--discard")
	return err
}

// discarded are the leaves that naming the victims gives.
func (a *app) discarded() (allow []reconcile.Allow) {
	for _, v := range a.discard {
		allow = append(allow, v.Allow())
	}
	return allow
}

// split refuses a plan in which a split brain that was to be ended is none: whoever names a victim has seen something that is not there.
func (a *app) split(p *reconcile.Plan) error {
	gates := p.Gates()
	var none []string
	for _, v := range a.discard {
		if !slices.ContainsFunc(gates, func(g reconcile.Gate) bool { return g.Object == v.String() }) {
			none = append(none, fmt.Sprintf("--discard %s: %s is not in split brain, its nodes are connected; leave the flag out", v, v.Resource))
		}
	}
	if len(none) > 0 {
		return fmt.Errorf("refused, nothing was changed: %s", strings.Join(none, "; "))
	}
	return nil
}
