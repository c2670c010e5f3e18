package cib

import (
	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

func (b *builder) constraint(c *v1.Constraint) {
	o := b.object(Constraint(c.Metadata.Name), &c.Object, "spec", "")
	var el *etree.Element
	set := func(name, value, field string) {
		if value != "" {
			el.CreateAttr(name, value)
			o.says(field, field)
		}
	}
	begin := func(tag, word string) {
		el = etree.NewElement(tag)
		el.CreateAttr("id", c.Metadata.Name)
		o.says(word, word)
	}
	switch s := c.Spec; {
	case s.Location != nil:
		begin("rsc_location", "location")
		set("rsc", s.Location.Resource, "location.resource")
		set("role", s.Location.Role, "location.role")
		set("node", s.Location.Node, "location.node")
		set("score", s.Location.Score, "location.score")
		set("resource-discovery", s.Location.ResourceDiscovery, "location.resourceDiscovery")
	case s.Order != nil:
		begin("rsc_order", "order")
		set("first", s.Order.First, "order.first")
		set("first-action", s.Order.FirstAction, "order.firstAction")
		set("then", s.Order.Then, "order.then")
		set("then-action", s.Order.ThenAction, "order.thenAction")
		set("kind", s.Order.Kind, "order.kind")
		set("symmetrical", s.Order.Symmetrical, "order.symmetrical")
	case s.Colocation != nil:
		begin("rsc_colocation", "colocation")
		score := s.Colocation.Score
		if score == "" {
			score = "INFINITY" // Pacemaker's own default is 0 where the score is left out (unpack_simple_colocation)
		}
		set("rsc", s.Colocation.Resource, "colocation.resource")
		set("rsc-role", s.Colocation.Role, "colocation.role")
		set("with-rsc", s.Colocation.With, "colocation.with")
		set("with-rsc-role", s.Colocation.WithRole, "colocation.withRole")
		set("score", score, "colocation.score")
		set("node-attribute", s.Colocation.NodeAttribute, "colocation.nodeAttribute")
		set("influence", s.Colocation.Influence, "colocation.influence")
	default:
		return
	}
	o.part("", "constraints", el)
	o.done()
}
