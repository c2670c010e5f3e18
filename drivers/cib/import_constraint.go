package cib

import (
	"fmt"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

// constraint imports a constraint as a whole or not at all: with a part of it left out it would mean something else.
func (im *importer) constraint(el *etree.Element) error {
	if err := im.claim(el); err != nil {
		return err
	}
	c := &v1.Constraint{}
	s := im.named(&c.Object, "Constraint", attr(el, "id"))
	var err error
	switch el.Tag {
	case "rsc_location":
		c.Spec.Location, err = s.location(el)
	case "rsc_order":
		c.Spec.Order, err = s.order(el)
	case "rsc_colocation":
		c.Spec.Colocation, err = s.colocation(el)
	case "rsc_ticket":
		c.Spec.Ticket, err = s.ticket(el)
	}
	if err != nil {
		delete(im.taken, attr(el, "id"))
		return err
	}
	if who := madeAtRunTime(attr(el, "id")); who != "" {
		s.remark("", "Made at run time by %s. While it stands here, hactl holds it so.", who)
	}
	im.into.Add(c)
	return nil
}

func (s subject) location(el *etree.Element) (*v1.Location, error) {
	l := &v1.Location{}
	s.attributes(el, "spec.location", l, "id")
	s.strange(el, "spec.location", []string{"resource_set", "rule", "lifetime"})
	l.Score = tidyScore(l.Score)
	var err error
	if l.Sets, err = s.resourceSets(el, "spec.location.sets"); err != nil {
		return nil, err
	}
	if l.Rules, err = s.rules(el, "spec.location.rules"); err != nil {
		return nil, err
	}
	if l.Lifetime, err = s.lifetime(el, "spec.location.lifetime"); err != nil {
		return nil, err
	}
	if len(l.Rules) == 1 && l.Score == "" && l.Node == "" {
		if r := l.Rules[0]; r == (v1.Rule{Score: r.Score, Expression: r.Expression}) && r.Score != "" {
			l.Score, l.Expression, l.Rules = r.Score, r.Expression, nil
		}
	}
	return l, nil
}

func (s subject) order(el *etree.Element) (*v1.Order, error) {
	o := &v1.Order{}
	s.attributes(el, "spec.order", o, "id")
	s.strange(el, "spec.order", []string{"resource_set", "lifetime"})
	o.Score = tidyScore(o.Score)
	var err error
	if o.Sets, err = s.resourceSets(el, "spec.order.sets"); err != nil {
		return nil, err
	}
	o.Lifetime, err = s.lifetime(el, "spec.order.lifetime")
	return o, err
}

func (s subject) colocation(el *etree.Element) (*v1.Colocation, error) {
	c := &v1.Colocation{}
	s.attributes(el, "spec.colocation", c, "id")
	s.strange(el, "spec.colocation", []string{"resource_set", "lifetime"})
	switch c.Score = tidyScore(c.Score); c.Score {
	case "":
		c.Score = "0" // Pacemaker's default; ours is INFINITY
	case "INFINITY":
		c.Score = ""
	}
	var err error
	if c.Sets, err = s.resourceSets(el, "spec.colocation.sets"); err != nil {
		return nil, err
	}
	c.Lifetime, err = s.lifetime(el, "spec.colocation.lifetime")
	return c, err
}

func (s subject) ticket(el *etree.Element) (t *v1.Ticket, err error) {
	t = &v1.Ticket{}
	s.attributes(el, "spec.ticket", t, "id")
	s.strange(el, "spec.ticket", []string{"resource_set"})
	t.Sets, err = s.resourceSets(el, "spec.ticket.sets")
	return t, err
}

func (s subject) rules(el *etree.Element, path string) (rules []v1.Rule, err error) {
	for _, c := range el.SelectElements("rule") {
		r, err := s.rule(c, fmt.Sprintf("%s[%d]", path, len(rules)))
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func (s subject) lifetime(el *etree.Element, path string) ([]v1.Rule, error) {
	lives := el.SelectElements("lifetime")
	switch len(lives) {
	case 0:
		return nil, nil
	case 1:
		s.attributes(lives[0], path, &struct{}{})
		s.strange(lives[0], path, []string{"rule"})
		return s.rules(lives[0], path)
	}
	return nil, fmt.Errorf("it has %d lifetimes; Pacemaker knows one", len(lives))
}

func (s subject) resourceSets(el *etree.Element, path string) (sets []v1.ResourceSet, err error) {
	for _, c := range el.SelectElements("resource_set") {
		var set v1.ResourceSet
		if unknown := decode(c, &set); len(unknown) > 0 {
			return nil, fmt.Errorf("hactl does not know the attribute %s of %s", unknown[0], called(c))
		}
		// Where one member is enough, Pacemaker names the set as what others wait for (one-or-more:ID).
		if all, known := boolean(set.RequireAll); s.needed(c) == "" && (!known || all || set.ID == attr(el, "id")+"_set") {
			set.ID = ""
		}
		set.Score = tidyScore(set.Score)
		for _, ref := range c.ChildElements() {
			if ref.Tag != "resource_ref" || len(ref.Attr) != 1 || attr(ref, "id") == "" {
				return nil, fmt.Errorf("hactl does not know %s in %s", called(ref), called(c))
			}
			set.Resources = append(set.Resources, attr(ref, "id"))
		}
		if set.IDRef != "" && (len(c.Attr) > 1 || len(set.Resources) > 0) {
			return nil, fmt.Errorf("a resource_set refers to %s and has contents of its own", set.IDRef)
		}
		s.strange(c, path, nil)
		sets = append(sets, set)
	}
	return sets, nil
}
