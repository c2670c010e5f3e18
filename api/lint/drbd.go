package lint

import (
	"regexp"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

func (p *primitive) drbd() bool { return p.agent == "ocf:linbit:drbd" }

func (p *primitive) promotable() bool {
	return p.clone != nil && p.clone.Promotable != nil && *p.clone.Promotable
}

// drbdWithoutNotify follows the agent's own check: it refuses to run without notifications unless a parameter says otherwise.
func drbdWithoutNotify(c *cluster) {
	for _, p := range c.primitives {
		if !p.drbd() || p.clone == nil || isTrue(p.param("ignore_missing_notifications").text) {
			continue
		}
		s := &c.Cluster.Spec
		notify := lookup("notify", "spec.clone.meta", p.clone.Meta, "spec.clone.metaSets", p.clone.MetaSets)
		if !notify.given && !notify.unsure {
			notify = lookup("notify", "spec.clone.meta", s.ResourceDefaults, "spec.clone.meta", s.ResourceDefaultSets)
		}
		if !notify.unsure && !isTrue(notify.text) {
			path := "spec.clone"
			if notify.path != "" {
				path = notify.path
			}
			c.warnf(v1.LintDRBDWithoutNotify, p.object, path, "DRBD without notifications: its agent needs them to learn of the peer's state, and refuses to "+
				"start; write notify: true under clone.meta")
		}
	}
}

var drbdDevice = regexp.MustCompile(`^/dev/drbd(?:[0-9_]|/by-res/([^/]+)|/by-disk/)`)

// filesystemOnDRBD looks for file systems on DRBD's devices that are not tied to where DRBD is promoted. Elsewhere the device cannot be opened.
func filesystemOnDRBD(c *cluster) {
	var disks []*primitive
	for _, p := range c.primitives {
		if p.drbd() && p.promotable() {
			disks = append(disks, p)
		}
	}
	if len(disks) == 0 {
		return // whoever promotes it is not Pacemaker
	}
	with, after := map[*unit][]*unit{}, map[*unit][]*unit{}
	for _, x := range c.colocations {
		if x.score == v1.MaxScore {
			for _, u := range c.units[x.resource] {
				with[u] = append(with[u], c.units[x.with]...)
			}
			if !x.sure { // in a set either may be the one that is placed
				for _, u := range c.units[x.with] {
					with[u] = append(with[u], c.units[x.resource]...)
				}
			}
		}
	}
	for _, o := range c.orders {
		for _, u := range c.units[o.then] {
			after[u] = append(after[u], c.units[o.first]...)
		}
	}
	for _, p := range c.primitives {
		device := p.param("device")
		m := drbdDevice.FindStringSubmatch(device.text)
		if p.agent != "ocf:heartbeat:Filesystem" || m == nil {
			continue
		}
		may := slices.DeleteFunc(slices.Clone(disks), func(d *primitive) bool {
			res := d.param("drbd_resource")
			return m[1] != "" && res.given && res.text != m[1]
		})
		if len(may) == 0 {
			continue
		}
		name := may[0].unit.name
		on := func(u *unit) bool { return slices.ContainsFunc(may, func(d *primitive) bool { return d.unit == u }) }
		switch {
		case !reaches(with, p.unit, on, c.promotedWith(on)):
			c.warnf(v1.LintFilesystemOnDRBD, p.object, device.path, "%s is not tied to where DRBD is promoted: elsewhere the device cannot be mounted; add a "+
				"colocation of %s with %s, withRole: Promoted", p.name, p.unit.name, name)
		case !reaches(after, p.unit, on, c.promotedFirst(on)):
			c.warnf(v1.LintFilesystemOnDRBD, p.object, device.path, "%s may be mounted before DRBD is promoted: then the mount fails; add an order with first: "+
				"%s, firstAction: promote, then: %s, thenAction: start", p.name, name, p.unit.name)
		}
	}
}

// promotedWith are the units that are placed where DRBD is promoted; promotedFirst those that wait for its promotion.
func (c *cluster) promotedWith(drbd func(*unit) bool) map[*unit]bool {
	last := map[*unit]bool{}
	for _, x := range c.colocations {
		if x.score != v1.MaxScore {
			continue
		}
		if promoted(x.withRole) && slices.ContainsFunc(c.units[x.with], drbd) {
			mark(last, c.units[x.resource])
		}
		if !x.sure && promoted(x.role) && slices.ContainsFunc(c.units[x.resource], drbd) {
			mark(last, c.units[x.with])
		}
	}
	return last
}

func (c *cluster) promotedFirst(drbd func(*unit) bool) map[*unit]bool {
	last := map[*unit]bool{}
	for _, o := range c.orders {
		if o.firstAct == "promote" && slices.ContainsFunc(c.units[o.first], drbd) {
			mark(last, c.units[o.then])
		}
	}
	return last
}

func mark(set map[*unit]bool, units []*unit) {
	for _, u := range units {
		set[u] = true
	}
}

// reaches goes along the constraints, not through DRBD itself, until it finds one of the last.
func reaches(next map[*unit][]*unit, from *unit, drbd func(*unit) bool, last map[*unit]bool) bool {
	seen := map[*unit]bool{from: true}
	for todo := []*unit{from}; len(todo) > 0; {
		u := todo[0]
		todo = todo[1:]
		if last[u] {
			return true
		}
		for _, n := range next[u] {
			if !seen[n] && !drbd(n) {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return false
}

func promoted(role string) bool {
	return strings.EqualFold(role, "Promoted") || strings.EqualFold(role, "Master")
}
