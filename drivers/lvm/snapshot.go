package lvm

import (
	"context"

	"github.com/hactl/hactl/drivers/look"
	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Recorder[State] = Driver{}

// Record has nothing to leave out: no part of the state is secret.
func (Driver) Record(_ context.Context, _ reconcile.Hosts, _, have State) (State, error) {
	return have, nil
}

// Recall finds the wanted machines in a record. A disk that nobody looked at then is not in a machine's devices, and is planned as pending.
func (Driver) Recall(want, have State) State {
	var nodes []string
	for _, g := range want.Groups {
		nodes = append(nodes, g.Nodes...)
	}
	return State{Cluster: want.Cluster, Owner: want.Owner, Groups: want.Groups, Machines: look.Recalled(have.Machines, named, nodes, want.Prune, unknown)}
}

func named(m Machine) string { return m.Name }

func unknown(host, why string) Machine { return Machine{Name: host, Unobserved: why} }
