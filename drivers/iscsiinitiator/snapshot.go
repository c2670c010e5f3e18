package iscsiinitiator

import (
	"context"

	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Recorder[State] = Driver{}

// Record leaves out the owner's view; passwords mask themselves.
func (Driver) Record(_ context.Context, _ reconcile.Hosts, _, have State) (State, error) {
	return State{Machines: have.Machines}, nil
}

// Recall finds the wanted machines in a record.
func (Driver) Recall(want, have State) State {
	out := State{Initiators: want.Initiators}
	for _, i := range want.Initiators {
		for _, n := range i.Nodes {
			if out.machine(n.Name) != nil {
				continue
			}
			m := Machine{Name: n.Name, Unobserved: reconcile.NotInSnapshot}
			if h := have.machine(n.Name); h != nil {
				m = *h
			}
			out.Machines = append(out.Machines, m)
		}
	}
	for _, m := range have.Machines {
		if want.Prune && out.machine(m.Name) == nil {
			out.Machines = append(out.Machines, m)
		}
	}
	return out
}
