package cib

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// withoutSecure makes crm_simulate look at parameters that an agent calls private: it takes every CIB for one of Pacemaker's saved inputs, which leave
// their values out, and believes op-secure-digest, where the cluster's own scheduler compares op-digest (pe_flag_sanitized of 2.1.5).
func withoutSecure(doc *etree.Document) *etree.Document {
	for _, op := range doc.FindElements("/cib/status//lrm_rsc_op") {
		op.RemoveAttr("op-secure-digest")
		op.RemoveAttr("op-secure-params")
	}
	return doc
}

// private lists the changes of parameters that an agent calls private, where these are not looked at.
func (p *planner) private() []string {
	secure := map[string]bool{}
	for _, op := range p.live.FindElements("/cib/status//lrm_rsc_op") {
		for _, name := range strings.Fields(attr(op, "op-secure-params")) {
			secure[name] = true
		}
	}
	var out []string
	for _, c := range p.changes {
		_, name, ok := strings.Cut(c.Path, "params.")
		if ok && secure[name] {
			out = append(out, fmt.Sprintf("what the change of %s in %s does: the agent calls it private, and from a file the scheduler ignores such parameters", name, c.Object))
		}
	}
	return out
}

// unpredictable lists what no simulation can know of the changes and of what follows from them.
func (p *planner) unpredictable(rs []reconcile.Reaction) []string {
	var out []string
	add := func(text string) {
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	promoted := func(id string) {
		add("which instance of " + id + " is promoted: its agent sets the scores when it runs")
	}
	for _, c := range p.changes {
		if c.Path == "clone.meta.promotable" && c.Action == reconcile.Create {
			promoted(c.Object.Name)
		}
		if c.Path == "agent" && c.Action == reconcile.Create {
			add("what the first look at a new resource finds on each node, and whether the agents succeed")
		}
	}
	for _, r := range rs {
		if id := instanceOf(r.Resource); r.Action == "start" && !r.Anyway && id != r.Resource && promotable(p.work.findIn("resources", id)) {
			promoted(id)
		}
	}
	slices.Sort(out)
	return out
}

// promotable tells whether a resource is in a clone that has a promoted role.
func promotable(el *etree.Element) bool {
	for ; el != nil && el.Tag != "resources"; el = el.Parent() {
		if el.Tag == "master" {
			return true
		}
		if el.Tag == "clone" {
			for _, nv := range el.FindElements("./meta_attributes/nvpair") {
				if on, _ := boolean(attr(nv, "value")); attr(nv, "name") == "promotable" && on {
					return true
				}
			}
		}
	}
	return false
}
