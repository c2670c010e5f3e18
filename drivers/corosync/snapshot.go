package corosync

import (
	"context"

	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Recorder[State] = Driver{}

// Record needs to do nothing: the keys and totem.key are secret spans already.
func (Driver) Record(_ context.Context, _ reconcile.Hosts, _, have State) (State, error) {
	return have, nil
}

// Recall finds the wanted members in a record.
func (Driver) Recall(want, have State) State {
	out := State{Cluster: want.Cluster}
	for _, w := range want.Nodes {
		n := NodeState{Name: w.Name, Unobserved: reconcile.NotInSnapshot}
		if h := have.node(w.Name); h != nil {
			n = *h
		}
		n.ID, n.Addresses = w.ID, w.Addresses
		out.Nodes = append(out.Nodes, n)
	}
	return out
}
