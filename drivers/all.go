package drivers

import (
	"github.com/hactl/hactl/drivers/cib"
	"github.com/hactl/hactl/drivers/corosync"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// All are the layers from the lowest to the highest. owner is the name under which objects are recorded as ours ("default" if empty).
func All(owner string) []reconcile.Layer { return all(owner, cib.New) }

// Pruning are the same, but that objects of the owner that no manifest tells any more are deleted.
func Pruning(owner string) []reconcile.Layer {
	return all(owner, func(owner string) *cib.Driver { return cib.New(owner).Pruning() })
}

func all(owner string, configuration func(owner string) *cib.Driver) []reconcile.Layer {
	if owner == "" {
		owner = "default"
	}
	return []reconcile.Layer{
		reconcile.Of(system.New()),
		reconcile.Of(corosync.New(owner)),
		reconcile.Of(configuration(owner)),
	}
}
