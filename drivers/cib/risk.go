package cib

import (
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// risk is what changing a field of an existing object may cost by itself; what the scheduler predicts comes on top.
func (c *comparison) risk(path string) reconcile.Risk {
	switch c.o.Ref.Kind {
	case "Cluster":
		return reconcile.Safe
	case "FenceDevice":
		switch {
		case strings.HasPrefix(path, "meta.") || strings.HasPrefix(path, "operations[") || path == "description":
			return reconcile.Safe
		case path == "agent" || strings.HasPrefix(path, "params.") || strings.HasPrefix(path, "paramSets["):
			return reconcile.ReloadRisk // the device starts anew; nothing that serves notices
		}
		return reconcile.Safe
	case "Resource", "ResourceGroup", "ResourceTemplate", "Bundle":
		head, _, _ := strings.Cut(strings.TrimPrefix(path, "resource."), ".")
		head, _, _ = strings.Cut(head, "[")
		if path == "clone" || slices.Contains(restarting, head) {
			return reconcile.RestartRisk
		}
	}
	return reconcile.Safe
}

// raise looks at values whose meaning is a risk whatever the scheduler says.
func raise(d *reconcile.Change) {
	if d.Object.Kind != "Cluster" {
		return
	}
	on, isBool := boolean(d.Want)
	switch d.Path {
	case "properties.stonith-enabled", "properties.fencing-enabled":
		if isBool && !on {
			d.Risk, d.Why = max(d.Risk, reconcile.Fence), "fencing stops working"
		}
	case "properties.no-quorum-policy":
		if d.Want == "ignore" && d.Have != "" {
			d.Risk, d.Why = max(d.Risk, reconcile.Quorum), ignoresQuorum
		}
	}
}

// restarting are the fields of resources whose change stops what runs and starts it anew.
var restarting = []string{"agent", "template", "params", "paramSets", "docker", "podman", "rkt", "network", "storage", "resource", "name"}
