package cib

import (
	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

func (b *builder) constraint(c *v1.Constraint) {
	id := c.Metadata.Name
	o := b.object(Constraint(id), &c.Object, "spec", "")
	var el *etree.Element
	begin := func(tag, word string, spec any) {
		el = element(tag, id)
		o.says(word, word)
		o.attrs(el, spec, word, word)
	}
	switch s := c.Spec; {
	case s.Location != nil:
		l := *s.Location
		rules, at := l.Rules, "location.rules"
		if l.Expression != "" {
			rules, at = []v1.Rule{{Score: l.Score, Expression: l.Expression}}, ""
			l.Score = ""
		}
		begin("rsc_location", "location", &l)
		o.resourceSets(el, "location", l.Sets)
		switch {
		case at == "":
			o.says("location.rules", "location.expression")
			el.AddChild(o.rule(&rules[0], id+"-rule", "location"))
		case len(rules) > 0:
			o.says(at, at)
			o.rules(el, rules, id+"-rule", at)
		}
		o.lifetime(el, "location", l.Lifetime)
	case s.Order != nil:
		begin("rsc_order", "order", s.Order)
		o.lifetime(el, "order", s.Order.Lifetime)
		o.resourceSets(el, "order", s.Order.Sets)
	case s.Colocation != nil:
		x := *s.Colocation
		if x.Score == "" {
			x.Score = "INFINITY" // Pacemaker's own default is 0 where the score is left out (unpack_simple_colocation)
		}
		begin("rsc_colocation", "colocation", &x)
		o.lifetime(el, "colocation", x.Lifetime)
		o.resourceSets(el, "colocation", x.Sets)
	case s.Ticket != nil:
		begin("rsc_ticket", "ticket", s.Ticket)
		o.resourceSets(el, "ticket", s.Ticket.Sets)
	default:
		return
	}
	o.part("", "constraints", el)
	o.done()
}

func (b *objectBuilder) resourceSets(el *etree.Element, word string, sets []v1.ResourceSet) {
	if len(sets) > 0 {
		b.says(word+".sets", word+".sets")
	}
	for i := range sets {
		s := sets[i]
		set := el.CreateElement("resource_set")
		if s.IDRef == "" {
			b.id(set, s.ID, attr(el, "id")+"_set")
			s.ID = ""
		}
		encode(set, &s, nil)
		for _, r := range s.Resources {
			set.CreateElement("resource_ref").CreateAttr("id", r)
		}
	}
}

func (b *objectBuilder) lifetime(el *etree.Element, word string, rules []v1.Rule) {
	if len(rules) == 0 {
		return
	}
	b.says(word+".lifetime", word+".lifetime")
	b.rules(el.CreateElement("lifetime"), rules, attr(el, "id")+"-lifetime-rule", word+".lifetime")
}
