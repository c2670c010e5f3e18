package cib

import (
	"fmt"
	"slices"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// Pin says what an element must still be when the edits are carried out: what the plan was made against.
type Pin struct {
	Object reconcile.Ref `json:"object"`
	// ID is the element's. With Name it is the set that holds the option of that name.
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	// Digest is of the element; empty: it must not be there.
	Digest string `json:"digest,omitempty"`
}

// moved says what is different; "" nothing.
func (p Pin) moved(doc *etree.Document) string {
	el := findID(doc, p.ID)
	what := p.ID
	if p.Name != "" {
		el = pairNamed(el, p.Name)
		what = p.Name
	}
	switch now := digest(el, nil); {
	case now == p.Digest:
		return ""
	case p.Digest == "":
		return fmt.Sprintf("%s was made meanwhile", what)
	case el == nil:
		return fmt.Sprintf("%s is gone", what)
	}
	return fmt.Sprintf("%s was changed meanwhile", what)
}

func pairNamed(set *etree.Element, name string) *etree.Element {
	if set == nil {
		return nil
	}
	for _, nv := range set.ChildElements() {
		if nv.Tag == "nvpair" && attr(nv, "name") == name {
			return nv
		}
	}
	return nil
}

func (p *planner) addPin(pin Pin) {
	if !slices.ContainsFunc(p.pins, func(q Pin) bool { return q.ID == pin.ID && q.Name == pin.Name }) {
		p.pins = append(p.pins, pin)
	}
}

func (p *planner) pinElement(el *etree.Element, ref reconcile.Ref) {
	if id := attr(el, "id"); id != "" {
		p.addPin(Pin{Object: ref, ID: id, Digest: digest(el, nil)})
	}
}

// pinPair pins one option of a set that others write to.
func (p *planner) pinPair(set *etree.Element, name string, ref reconcile.Ref) {
	if set == nil {
		return
	}
	live := findID(p.live, attr(set, "id"))
	p.addPin(Pin{Object: ref, ID: attr(set, "id"), Name: name, Digest: digest(pairNamed(live, name), nil)})
}

// pin pins a live element as a whole.
func (c *comparison) pin(el *etree.Element) {
	if el != nil {
		c.pinElement(el, c.o.Ref)
	}
}

// pinField pins a field of a set that others write to.
func (c *comparison) pinField(part Part, f field) {
	switch {
	case isSet(part.Section) && f.el.Tag == "nvpair":
		c.pinPair(f.el.Parent(), attr(f.el, "name"), c.o.Ref)
	case part.Section == "nodes":
		c.pin(f.el)
	}
}

// topOf is the outermost element of the object that holds a field.
func (c *comparison) topOf(f field) *etree.Element {
	el := f.el
	for el.Parent() != nil && el.Parent().Tag != "resources" && el.Parent().Tag != "constraints" && el.Parent().Tag != "configuration" && el.Parent().Tag != "group" {
		el = el.Parent()
	}
	return el
}
