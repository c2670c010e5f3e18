package cib

import (
	"time"

	"github.com/hactl/hactl/reconcile"
)

// Driver is the CIB's layer.
type Driver struct {
	owner string
	prune bool
	// patience is how long a prediction may look for the causes of its reactions; 0: nobody asks for them.
	patience time.Duration
}

// New makes the driver. owner is the name under which objects are recorded as ours.
func New(owner string) *Driver { return &Driver{owner: owner, patience: patience} }

// Pruning makes a driver that also deletes the objects of its owner that no manifest tells any more.
func (d Driver) Pruning() *Driver {
	d.prune = true
	return &d
}

// WithoutCauses makes a driver that does not look for the causes of what it predicts: each is a run of the scheduler or more.
func (d Driver) WithoutCauses() *Driver {
	d.patience = 0
	return &d
}

var (
	_ reconcile.Driver[State]    = (*Driver)(nil)
	_ reconcile.Provider[State]  = (*Driver)(nil)
	_ reconcile.Noter[State]     = (*Driver)(nil)
	_ reconcile.Predictor[State] = (*Driver)(nil)
	_ reconcile.Renderer[State]  = (*Driver)(nil)
	_ reconcile.Reporter[State]  = (*Driver)(nil)
	_ reconcile.Quorate[State]   = (*Driver)(nil)
)

// Name is "cib".
func (*Driver) Name() string { return "cib" }

// named refers to an object of a kind of the manifests.
func named(kind, id string) reconcile.Ref { return reconcile.Ref{Kind: kind, Name: id} }

// Resource names a primitive of a manifest, also one in a group.
func Resource(id string) reconcile.Ref { return reconcile.Ref{Kind: "Resource", Name: id} }

// Group names a ResourceGroup.
func Group(id string) reconcile.Ref { return reconcile.Ref{Kind: "ResourceGroup", Name: id} }

// Constraint names a Constraint.
func Constraint(id string) reconcile.Ref { return reconcile.Ref{Kind: "Constraint", Name: id} }

// FenceDevice names a FenceDevice.
func FenceDevice(id string) reconcile.Ref { return reconcile.Ref{Kind: "FenceDevice", Name: id} }

// Options names the cluster options and defaults of a Cluster.
func Options(cluster string) reconcile.Ref { return reconcile.Ref{Kind: "Cluster", Name: cluster} }

// NodeOptions names the permanent attributes and the capacity of a node.
func NodeOptions(node string) reconcile.Ref { return reconcile.Ref{Kind: "Node", Name: node} }

// secretRef names a secret's file on a member.
func secretRef(node, rsc, param string) reconcile.Ref {
	return reconcile.Ref{Kind: "ResourceSecret", Name: node + "/" + rsc + "/" + param}
}
