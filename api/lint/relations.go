package lint

import (
	"cmp"
	"strconv"

	v1 "github.com/hactl/hactl/api/v1"
)

// unit is what Pacemaker places as a whole: a primitive that stands alone, a group, a clone or a bundle.
type unit struct {
	name    string // that constraints should use
	object  *v1.Object
	members []*primitive
	clone   *v1.Clone
	group   bool
	bundle  bool
}

// several tells that it may run in more than one place.
func (u *unit) several() bool { return u.clone != nil || u.bundle }

// order is a pair of an order constraint, sets taken apart.
type order struct {
	constraint        *v1.Constraint
	path              string // within the constraint: of the name that waits
	first, then       string
	firstAct, thenAct string
	mandatory         bool
}

// colocation is a pair of a colocation constraint, sets taken apart: sure is false there, as it is for one that does not always hold.
type colocation struct {
	constraint     *v1.Constraint
	resource, with string
	role, withRole string
	score          int
	sure           bool
}

// relate finds out what stands together and what constraints say of it.
func (c *cluster) relate() {
	c.units = make(map[string][]*unit, 2*len(c.primitives))
	byObject := map[*v1.Object]*unit{}
	templates := map[string][]*unit{}
	for _, p := range c.primitives {
		u := byObject[p.object]
		if u == nil {
			u = &unit{name: p.object.Metadata.Name, object: p.object, clone: p.clone, group: p.group != nil, bundle: p.bundle != nil}
			byObject[p.object] = u
			c.units[u.name] = []*unit{u}
			if u.clone != nil {
				u.name = u.clone.Name
				c.units[u.name] = []*unit{u}
			}
		}
		p.unit = u
		u.members = append(u.members, p)
		c.units[p.name] = []*unit{u}
		if p.Template != "" {
			templates[p.Template] = append(templates[p.Template], u)
		}
	}
	for name, units := range templates {
		c.units[name] = units
	}
	c.tags = map[string][]string{}
	for _, t := range c.Tags {
		c.tags[t.Metadata.Name] = t.Spec.Objects
		var units []*unit
		for _, id := range t.Spec.Objects {
			units = append(units, c.units[id]...)
		}
		c.units[t.Metadata.Name] = units
	}
	for _, x := range c.Constraints {
		switch {
		case x.Spec.Order != nil:
			c.order(x, x.Spec.Order)
		case x.Spec.Colocation != nil:
			c.colocation(x, x.Spec.Colocation)
		}
	}
}

// most is the number of pairs that a constraint with sets is taken apart into; what is beyond is passed over.
const most = 1000

func (c *cluster) order(x *v1.Constraint, o *v1.Order) {
	one := order{constraint: x, path: "spec.order", mandatory: o.Kind == "Mandatory" || o.Kind == "" && number(o.Score, 1) != 0}
	if len(o.Sets) == 0 {
		one.first, one.then, one.path = o.First, o.Then, "spec.order.then"
		one.firstAct = cmp.Or(o.FirstAction, "start")
		one.thenAct = cmp.Or(o.ThenAction, one.firstAct)
		c.orders = append(c.orders, one)
		return
	}
	pairs(o.Sets, func(a, b *v1.ResourceSet, first, then string) {
		one.first, one.then, one.firstAct, one.thenAct = first, then, cmp.Or(a.Action, "start"), cmp.Or(b.Action, "start")
		c.orders = append(c.orders, one)
	})
}

func (c *cluster) colocation(x *v1.Constraint, o *v1.Colocation) {
	one := colocation{constraint: x, score: number(o.Score, v1.MaxScore), sure: len(o.Lifetime) == 0 && o.NodeAttribute == ""}
	if len(o.Sets) == 0 {
		one.resource, one.with, one.role, one.withRole = o.Resource, o.With, o.Role, o.WithRole
		c.colocations = append(c.colocations, one)
		return
	}
	one.sure = false
	pairs(o.Sets, func(a, b *v1.ResourceSet, r, with string) {
		one.resource, one.with, one.role, one.withRole = r, with, a.Role, b.Role
		c.colocations = append(c.colocations, one)
	})
}

// pairs calls f for each two neighbours within a set whose members follow one another, and for each two of neighbouring sets.
func pairs(sets []v1.ResourceSet, f func(a, b *v1.ResourceSet, first, then string)) {
	n := 0
	for i := range sets {
		s := &sets[i]
		for j := 1; j < len(s.Resources) && !isFalse(s.Sequential) && n < most; j++ {
			f(s, s, s.Resources[j-1], s.Resources[j])
			n++
		}
		if i == 0 {
			continue
		}
		for _, a := range sets[i-1].Resources {
			for _, b := range s.Resources {
				if n++; n > most {
					return
				}
				f(&sets[i-1], s, a, b)
			}
		}
	}
}

// number reads a score; other is what it is where none is given or it cannot be read.
func number(score string, other int) int {
	switch score {
	case "":
		return other
	case "INFINITY", "+INFINITY":
		return v1.MaxScore
	case "-INFINITY":
		return -v1.MaxScore
	}
	n, err := strconv.Atoi(score)
	if err != nil {
		return other
	}
	return max(min(n, v1.MaxScore), -v1.MaxScore)
}

// joined finds which units hang together: join ties them, one asks.
type joined map[*unit]*unit

func (j joined) root(u *unit) *unit {
	for j[u] != nil {
		if next := j[j[u]]; next != nil {
			j[u] = next // shorten the way for those who ask later
		}
		u = j[u]
	}
	return u
}

func (j joined) join(units ...[]*unit) {
	var first *unit
	for _, us := range units {
		for _, u := range us {
			u = j.root(u)
			switch {
			case first == nil:
				first = u
			case u != first:
				j[u] = first
			}
		}
	}
}

func (j joined) one(a, b *unit) bool { return j.root(a) == j.root(b) }
