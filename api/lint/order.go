package lint

import v1 "github.com/hactl/hactl/api/v1"

// orderOfNoPromotion looks for orders whose second action is a promotion of something that is never promoted. Pacemaker's default for it is the
// first action (rsc_order in Pacemaker Explained), so that is what becomes of "promote DRBD, then the group"; it takes the constraint and orders
// nothing by it.
func orderOfNoPromotion(c *cluster) {
	for _, o := range c.orders {
		said := o.constraint.Spec.Order
		if len(said.Sets) > 0 || o.thenAct != "promote" && o.thenAct != "demote" || len(c.units[o.then]) == 0 || c.promotes(o.then) {
			continue
		}
		path, why, instead := o.path, "the action of what waits is that of what comes first if none is said", "start"
		if said.ThenAction != "" {
			path, why = "spec.order.thenAction", "only a promotable clone has this action"
		}
		if o.thenAct == "demote" {
			instead = "stop"
		}
		c.warnf(v1.LintOrderOfNoPromotion, &o.constraint.Object, path, "%s does not wait for %s: this order is about when %s is %sd, which it never is, since %s; "+
			"write thenAction: %s", o.then, o.first, o.then, o.thenAct, why, instead)
	}
}

// promotes tells that something of that name may be promoted.
func (c *cluster) promotes(name string) bool {
	for _, u := range c.units[name] {
		if u.clone != nil && lookup("promotable", "", u.clone.Meta, "", u.clone.MetaSets).given {
			return true
		}
		if u.has(func(p *primitive) bool { return p.promotable() || p.bundlePromotes() }) {
			return true
		}
	}
	return false
}
