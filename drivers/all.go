package drivers

import (
	"github.com/hactl/hactl/drivers/cib"
	"github.com/hactl/hactl/drivers/corosync"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// All are the layers from the lowest to the highest. owner is the name under which objects are recorded as ours ("default" if empty).
func All(owner string) []reconcile.Layer {
	if owner == "" {
		owner = "default"
	}
	return []reconcile.Layer{
		reconcile.Of(system.New()),
		reconcile.Of(corosync.New(owner)),
		reconcile.Of(cib.New(owner)),
	}
}
