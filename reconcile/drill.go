package reconcile

import (
	"context"
	"fmt"
)

// Drills is what single failures would cost after a plan that they do not cost now.
type Drills struct {
	// Ran is the number of failures that were simulated, each before and after the plan.
	Ran int `json:"ran"`
	// Skipped are those that were not, for lack of time.
	Skipped []string `json:"skipped,omitempty"`
	// Unavailable says why there was no drill at all.
	Unavailable string `json:"unavailable,omitempty"`
	// New is what is new, the loss of nodes first.
	New []Finding `json:"new"`
}

// Finding is what a failure would cost.
type Finding struct {
	// Event is the failure: "losing node2", "losing quorum", "revoking ticket T", "a failure of db", "a failure of ping on node1".
	Event string `json:"event"`
	// Effect is stopped (no instance of Resource runs), unpromoted (none is promoted), blocked (nothing can be done with it) or fenced (Node is).
	Effect   string `json:"effect"`
	Resource string `json:"resource,omitempty"`
	Node     string `json:"node,omitempty"`
}

func (f Finding) String() string {
	switch f.Effect {
	case "stopped":
		return fmt.Sprintf("%s leaves %s stopped", f.Event, f.Resource)
	case "unpromoted":
		return fmt.Sprintf("%s leaves no instance of %s promoted", f.Event, f.Resource)
	case "fenced":
		return fmt.Sprintf("%s has %s fenced", f.Event, f.Node)
	}
	return fmt.Sprintf("%s leaves %s %s", f.Event, f.Resource, f.Effect)
}

// Driller simulates failures before and after what it plans. The engine finds it where a driver has it.
type Driller[S any] interface {
	Drill(ctx context.Context, hosts Hosts, want, have S) (Drills, error)
}

func (l layer[S]) drill(ctx context.Context, hosts Hosts, want, have State) (Drills, bool, error) {
	d, ok := l.d.(Driller[S])
	if !ok {
		return Drills{}, false, nil
	}
	r, err := d.Drill(ctx, hosts, want.(S), have.(S))
	return r, true, err
}

// drill adds the layers' drills to a plan.
func (e *Engine) drill(ctx context.Context, hosts Hosts, o *Observation, p *Plan) error {
	for _, l := range e.Layers {
		d, ok := l.(interface {
			drill(context.Context, Hosts, State, State) (Drills, bool, error)
		})
		if !ok {
			continue
		}
		r, ok, err := d.drill(ctx, hosts, o.Want[l.Name()], o.Have[l.Name()])
		if err != nil {
			return fmt.Errorf("drill %s: %w", l.Name(), err)
		}
		if ok {
			p.Drills = &r // one layer at most knows of failures
		}
	}
	return nil
}
