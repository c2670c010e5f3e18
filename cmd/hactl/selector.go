package main

import (
	"fmt"

	"github.com/spf13/cobra"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// selectorFlag adds -l to a command.
func (a *app) selectorFlag(c *cobra.Command) {
	c.Flags().StringVarP(&a.selector, "selector", "l", "", "only the Cluster and the objects with these labels, as kubectl selects: a=b,c!=d,e,!f,g in (x,y); the others stay as they are")
	check := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		if c.Flags().Changed("selector") {
			if _, err := v1.ParseSelector(a.selector); err != nil {
				return fmt.Errorf("--selector: %w", err)
			}
		}
		if check != nil {
			return check(c, args)
		}
		return nil
	}
}

// selected restricts sets of manifests to what -l selects. That it selects nothing at all is taken for a mistake in it.
func (a *app) selected(sets []*v1.Manifests) ([]*v1.Manifests, error) {
	if a.selector == "" {
		return sets, nil
	}
	s, err := v1.ParseSelector(a.selector)
	if err != nil {
		return nil, fmt.Errorf("--selector: %w", err)
	}
	parts := make([]*v1.Manifests, len(sets))
	found := false
	for i, m := range sets {
		parts[i] = m.Select(s)
		found = found || len(parts[i].Objects()) > 1
	}
	if !found {
		return nil, fmt.Errorf("--selector %q selects no object; labels stand in metadata.labels", a.selector)
	}
	return parts, nil
}

// selectedHealth leaves out the resources that -l leaves out; what is told of nodes, quorum and fencing stays.
func selectedHealth(m *v1.Manifests, hs []reconcile.Health) []reconcile.Health {
	if m.Whole == nil {
		return hs
	}
	ids := map[string]bool{}
	for _, id := range m.IDs() {
		ids[id.Name] = true
	}
	var out []reconcile.Health
	for _, h := range hs {
		if h.Object.Kind != "Resource" && h.Object.Kind != "FenceDevice" || ids[h.Object.Name] {
			out = append(out, h)
		}
	}
	return out
}
