package lint

import (
	"slices"

	v1 "github.com/hactl/hactl/api/v1"
)

// Agents whose work is of use on the node where they run, and nowhere else.
var (
	addressAgents = []string{"ocf:heartbeat:IPaddr2", "ocf:heartbeat:IPaddr", "ocf:heartbeat:IPv6addr", "ocf:heartbeat:IPsrcaddr"}
	volumeAgents  = []string{"ocf:heartbeat:LVM-activate", "ocf:heartbeat:LVM", "ocf:heartbeat:ZFS", "ocf:heartbeat:mdraid", "ocf:heartbeat:Raid1",
		"ocf:heartbeat:crypt"}
)

func (p *primitive) address() bool { return slices.Contains(addressAgents, p.agent) }
func (p *primitive) volume() bool  { return slices.Contains(volumeAgents, p.agent) }

// mount tells about file systems of a disk; those of a network may be mounted anywhere.
func (p *primitive) mount() bool {
	fstype := p.param("fstype")
	return p.agent == "ocf:heartbeat:Filesystem" && !fstype.unsure &&
		!slices.Contains([]string{"nfs", "nfs4", "cifs", "glusterfs", "ceph", "tmpfs"}, fstype.text)
}

func (u *unit) has(is func(*primitive) bool) bool { return slices.ContainsFunc(u.members, is) }

// orderWithoutColocation looks for a mandatory order of which one side is an address, a volume or a mount, where nothing says that the other
// runs on the same node. Resources of other sorts may well wait for one another across nodes. Who placed either by location constraints or
// keeps them apart has thought of it.
func orderWithoutColocation(c *cluster) {
	if len(c.Cluster.Spec.Nodes) < 2 {
		return
	}
	tied := joined{}
	for _, x := range c.colocations {
		tied.join(c.units[x.resource], c.units[x.with])
	}
	local := func(p *primitive) bool { return p.address() || p.volume() || p.mount() }
	for _, o := range c.orders {
		a, b := c.only(o.first), c.only(o.then)
		if a == nil || b == nil || a == b || !o.mandatory || o.firstAct != "start" || o.thenAct != "start" ||
			a.several() || b.several() || tied.one(a, b) || !a.has(local) && !b.has(local) || c.placed(a) || c.placed(b) {
			continue
		}
		c.warnf(v1.LintOrderWithoutColocation, &o.constraint.Object, o.path, "nothing keeps %s and %s on one node: an order alone lets each run where it "+
			"likes; put both into a group, or add a colocation of %s with %s", o.first, o.then, o.then, o.first)
	}
}

// colocationWithoutOrder looks for services that must run where a volume or a file system is, and may start before it is there. An address
// needs no order: many services do not care whether it is there when they start.
func colocationWithoutOrder(c *cluster) {
	tied := joined{}
	for _, o := range c.orders {
		tied.join(c.units[o.first], c.units[o.then])
	}
	for _, x := range c.colocations {
		a, b := c.only(x.resource), c.only(x.with)
		if a == nil || b == nil || a == b || x.score != v1.MaxScore || !x.sure || a.several() || b.several() || tied.one(a, b) {
			continue
		}
		needs := a.has(func(p *primitive) bool { return !p.address() && !p.volume() && p.agent != "ocf:heartbeat:Filesystem" })
		if needs && b.has(func(p *primitive) bool { return p.mount() || p.volume() }) || a.has((*primitive).mount) && b.has((*primitive).volume) {
			c.warnf(v1.LintColocationWithoutOrder, &x.constraint.Object, "spec.colocation", "%s may start before %s: a colocation says where, not when, and "+
				"both start at once; put both into a group, or add an order with first: %s, then: %s", x.resource, x.with, x.with, x.resource)
		}
	}
}

// only is the unit that a name stands for; nil if there are none or several.
func (c *cluster) only(name string) *unit {
	if us := c.units[name]; len(us) == 1 {
		return us[0]
	}
	return nil
}

// placed tells whether a location constraint is about the unit or one of its members.
func (c *cluster) placed(u *unit) bool {
	return c.located(u.name) || c.located(u.object.Metadata.Name) || slices.ContainsFunc(u.members, func(p *primitive) bool { return c.located(p.name) })
}

func (c *cluster) located(name string) bool {
	if c.locations == nil {
		c.locations = map[string]bool{}
		for _, x := range c.Constraints {
			if l := x.Spec.Location; l != nil && l.Pattern != "" {
				c.patterns = append(c.patterns, l)
			} else if l != nil {
				for _, n := range c.about(l) {
					c.locations[n] = true
				}
			}
		}
	}
	return c.locations[name] || slices.ContainsFunc(c.patterns, func(l *v1.Location) bool { return c.locates(l, name) })
}
