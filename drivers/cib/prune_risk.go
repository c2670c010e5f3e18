package cib

import (
	"fmt"
	"slices"

	"github.com/hactl/hactl/reconcile"
)

// change tells of an object that goes, and what that costs. uncovered are the nodes that no device can fence any more.
func (d *doomed) change(want State, uncovered map[string][]string) reconcile.Change {
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
	case d.ref.Kind == "FenceDevice":
		if nodes := uncovered[d.ref.Name]; nodes != nil {
			c.Risk, c.Why = reconcile.Fence, fmt.Sprintf("without it no device can fence %s", joinWords(nodes))
		}
	case d.runs == "":
	case d.heir != nil:
		c.Risk, c.Why = reconcile.RestartRisk, fmt.Sprintf("it runs on %s: it stops, and starts under its new name as %s", d.runs, d.heir.Ref)
	default:
		c.Risk, c.Why = reconcile.Outage, fmt.Sprintf("it runs on %s, and will be gone", d.runs)
	}
	return c
}

// uncovered gives, for each fence device that goes, the nodes that it alone could fence: no other device stays for them.
func (p *planner) uncovered() map[string][]string {
	out := map[string][]string{}
	if !slices.ContainsFunc(p.pruning.order, func(d *doomed) bool { return d.ref.Kind == "FenceDevice" }) || !fencingOn(p.work) {
		return out
	}
	var nodes []string
	if s := section(p.live.Document, "nodes"); s != nil {
		for _, n := range s.SelectElements("node") {
			nodes = append(nodes, attr(n, "uname"))
		}
	}
	var stay, go_ []fenceTarget
	for _, f := range fenceDevices(p.work.Document) {
		if p.ids[f.id] == nil {
			stay = append(stay, f)
		}
	}
	for _, f := range fenceDevices(p.live.Document) {
		if p.ids[f.id] != nil {
			go_ = append(go_, f)
		}
	}
	for _, n := range nodes {
		if slices.ContainsFunc(stay, func(f fenceTarget) bool { return f.covers(n) }) {
			continue
		}
		for _, f := range go_ {
			if f.covers(n) {
				out[f.id] = append(out[f.id], n)
			}
		}
	}
	return out
}

// fencingOn tells whether nodes are fenced at all.
func fencingOn(t *tree) bool {
	set := (view{}).plainProperties(section(t.Document, "crm_config"))
	for _, name := range []string{"stonith-enabled", "fencing-enabled"} {
		if on, ok := boolean(attr(pairNamed(set, name), "value")); ok && !on {
			return false
		}
	}
	return true
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
