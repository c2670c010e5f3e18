package iscsitarget

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

// Recall finds the wanted machines in a record. A device that nobody looked at then is not in a machine's devices, and is planned as pending.
func (Driver) Recall(want, have State) State {
	var hosts []string
	for _, t := range want.Targets {
		hosts = append(hosts, t.Host)
	}
	return State{Targets: want.Targets, Machines: look.Recalled(have.Machines, named, hosts, want.Prune, unknown)}
}

func named(m Machine) string { return m.Name }

func unknown(host, why string) Machine { return Machine{Name: host, Unobserved: why} }
