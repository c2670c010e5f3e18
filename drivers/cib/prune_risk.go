package cib

import (
	"fmt"

	"github.com/hactl/hactl/reconcile"
)

// change tells of an object that goes, and what that costs; what the loss of a fence device costs, fencingRisks finds out.
func (d *doomed) change(want State) reconcile.Change {
	c := reconcile.Change{Object: d.ref, Action: reconcile.Delete, Source: want.Source, Why: "no manifest tells it any more"}
	if d.begun {
		c.Why = "its deletion was begun by an earlier run"
	}
	if d.why != "" {
		c.Why = d.why
	}
	if d.heir != nil {
		c.Source = d.heir.Pos[""]
		c.Why = fmt.Sprintf("it is now %s", d.heir.Ref)
	}
	switch {
	case !d.resource():
	case d.unmanaged && d.runs != "":
		c.Risk, c.ByName = reconcile.Outage, true
		c.Why = fmt.Sprintf("it runs on %s, and is unmanaged or in maintenance: Pacemaker would not stop it first; deleted, it is stopped as an orphan, or runs on without care", d.runs)
	case d.unmanaged:
		c.Risk, c.ByName = reconcile.Outage, true
		c.Why = "it is unmanaged or in maintenance, and what it does is not certain"
	case d.ref.Kind == "FenceDevice": // it serves nobody
	case d.runs == "":
	case d.heir != nil:
		c.Risk, c.Why = reconcile.RestartRisk, fmt.Sprintf("it runs on %s: it stops, and starts under its new name as %s", d.runs, d.heir.Ref)
	default:
		c.Risk, c.Why = reconcile.Outage, fmt.Sprintf("it runs on %s, and will be gone", d.runs)
	}
	return c
}

// renamed lowers the risk of what stops only to start under its new name.
func (p *planner) renamed(rs []reconcile.Reaction) {
	for i, r := range rs {
		d := p.ids[instanceOf(r.Resource)]
		if d != nil && d.heir != nil && r.Action == "stop" {
			rs[i].Risk = min(r.Risk, reconcile.RestartRisk)
			rs[i].Reason = "it starts as " + d.heir.Ref.Name
		}
	}
}
