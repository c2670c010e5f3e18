package iscsitarget

import (
	"context"

	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Recorder[State] = Driver{}

// Record leaves out the owner's view; passwords mask themselves.
func (Driver) Record(_ context.Context, _ reconcile.Hosts, _, have State) (State, error) {
	return State{Machines: have.Machines}, nil
}

// Recall finds the wanted machines in a record. A device that nobody looked at then is not in a machine's devices, and is planned as pending.
func (Driver) Recall(want, have State) State {
	out := State{Targets: want.Targets}
	for _, t := range want.Targets {
		if out.machine(t.Host) != nil {
			continue
		}
		m := Machine{Name: t.Host, Unobserved: reconcile.NotInSnapshot}
		if h := have.machine(t.Host); h != nil {
			m = *h
		}
		out.Machines = append(out.Machines, m)
	}
	for _, m := range have.Machines {
		if want.Prune && out.machine(m.Name) == nil {
			out.Machines = append(out.Machines, m)
		}
	}
	return out
}
