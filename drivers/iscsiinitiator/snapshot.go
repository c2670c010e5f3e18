package iscsiinitiator

import (
	"context"

	"github.com/hactl/hactl/drivers/look"
	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Recorder[State] = Driver{}

// Record leaves out the owner's view; passwords mask themselves.
func (Driver) Record(_ context.Context, _ reconcile.Hosts, _, have State) (State, error) {
	return State{Machines: have.Machines}, nil
}

// Recall finds the wanted machines in a record.
func (Driver) Recall(want, have State) State {
	var nodes []string
	for _, i := range want.Initiators {
		for _, n := range i.Nodes {
			nodes = append(nodes, n.Name)
		}
	}
	return State{Initiators: want.Initiators, Machines: look.Recalled(have.Machines, named, nodes, want.Prune, unknown)}
}

func named(m Machine) string { return m.Name }

func unknown(host, why string) Machine { return Machine{Name: host, Unobserved: why} }
