package drivers

import (
	"cmp"

	"github.com/hactl/hactl/drivers/cib"
	"github.com/hactl/hactl/drivers/corosync"
	"github.com/hactl/hactl/drivers/drbd"
	"github.com/hactl/hactl/drivers/iscsiinitiator"
	"github.com/hactl/hactl/drivers/iscsitarget"
	"github.com/hactl/hactl/drivers/lvm"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// Options say what the layers are to do beside what the manifests tell.
type Options struct {
	// Owner is the name under which objects are recorded as ours; "default" if empty.
	Owner string
	// Prune deletes the objects of the owner that no manifest tells any more.
	Prune bool
	// NoCauses predicts what the cluster will do, and does not look for the field that causes it.
	NoCauses bool
	// Discard are the nodes whose changes since a split brain of a DRBD resource are thrown away.
	Discard []drbd.Victim
}

// All are the layers from the lowest to the highest.
func All(o Options) []reconcile.Layer {
	owner := cmp.Or(o.Owner, "default")
	configuration := cib.New(owner)
	replicas := drbd.New(owner).Discarding(o.Discard...)
	volumes := lvm.New(owner)
	targets, sessions := iscsitarget.New(owner), iscsiinitiator.New(owner)
	if o.Prune {
		replicas = replicas.Pruning()
		targets, sessions = targets.Pruning(), sessions.Pruning()
		configuration, volumes = configuration.Pruning(), volumes.Pruning()
	}
	if o.NoCauses {
		configuration = configuration.WithoutCauses()
	}
	return []reconcile.Layer{
		reconcile.Of(system.New()),
		reconcile.Of(targets),
		reconcile.Of(sessions),
		reconcile.Of(volumes),
		reconcile.Of(replicas),
		reconcile.Of(corosync.New(owner)),
		reconcile.Of(configuration),
	}
}
