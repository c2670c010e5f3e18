package lint

import (
	"slices"

	v1 "github.com/hactl/hactl/api/v1"
)

// groupConstraints looks for orders and colocations between members of one group, which has both already. The old options of a group that
// take them away (ordered, collocated) silence it.
func groupConstraints(c *cluster) {
	members := map[string]*primitive{}
	for _, p := range c.primitives {
		if p.group == nil {
			continue
		}
		_, ordered := p.group.Spec.Meta["ordered"]
		_, collocated := p.group.Spec.Meta["collocated"]
		if !ordered && !collocated {
			members[p.name] = p
		}
	}
	both := func(a, b string) (x, y *primitive, backwards bool) {
		x, y = members[a], members[b]
		if x == nil || y == nil || x.group != y.group || x == y {
			return nil, nil, false
		}
		at := func(p *primitive) int {
			return slices.IndexFunc(p.group.Spec.Resources, func(r v1.GroupMember) bool { return r.Name == p.name })
		}
		return x, y, at(x) > at(y)
	}
	for _, o := range c.orders {
		x, y, backwards := both(o.first, o.then)
		if x == nil || o.firstAct != "start" || o.thenAct != "start" {
			continue
		}
		group := x.group.Metadata.Name
		if backwards {
			c.warnf(v1.LintGroupConstraints, &o.constraint.Object, o.path, "contradicts the order of group %s: there %s starts before %s, so that neither "+
				"may ever start; remove the constraint, or change places in the group", group, y.name, x.name)
		} else {
			c.warnf(v1.LintGroupConstraints, &o.constraint.Object, o.path, "group %s says the same already: its members start one after the other; remove "+
				"the constraint", group)
		}
	}
	for _, o := range c.colocations {
		x, y, _ := both(o.resource, o.with)
		if x == nil || o.score == 0 {
			continue
		}
		group := x.group.Metadata.Name
		if o.score < 0 {
			c.warnf(v1.LintGroupConstraints, &o.constraint.Object, "spec.colocation.score", "contradicts group %s: its members run on one node, and this keeps "+
				"%s and %s apart; remove the constraint, or take one out of the group", group, x.name, y.name)
		} else {
			c.warnf(v1.LintGroupConstraints, &o.constraint.Object, "spec.colocation", "group %s says the same already: its members run on one node; remove "+
				"the constraint", group)
		}
	}
}
