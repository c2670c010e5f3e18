package lvm

import (
	"context"

	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Recorder[State] = Driver{}

// Record has nothing to leave out: no part of the state is secret.
func (Driver) Record(_ context.Context, _ reconcile.Hosts, _, have State) (State, error) {
	return have, nil
}

// Recall finds the wanted machines in a record. A disk that nobody looked at then is not in a machine's devices, and is planned as pending.
func (Driver) Recall(want, have State) State {
	out := State{Cluster: want.Cluster, Owner: want.Owner, Groups: want.Groups}
	known := map[string]bool{}
	for _, g := range want.Groups {
		for _, n := range g.Nodes {
			if known[n] {
				continue
			}
			known[n] = true
			m := Machine{Name: n, Unobserved: reconcile.NotInSnapshot}
			if h := have.machine(n); h != nil {
				m = *h
			}
			out.Machines = append(out.Machines, m)
		}
	}
	if want.Prune {
		for _, m := range have.Machines {
			if !known[m.Name] {
				out.Machines = append(out.Machines, m)
			}
		}
	}
	return out
}
