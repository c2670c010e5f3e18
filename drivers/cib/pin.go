package cib

import (
	"fmt"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// Pin says what an element must still be when the edits are carried out: what the plan was made against.
type Pin struct {
	Object reconcile.Ref `json:"object"`
	// ID is the element's. With Name it is the set that holds the option of that name.
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	// Tag is the element's where its id is a name of its own (see apart).
	Tag string `json:"tag,omitempty"`
	// Digest is of the element; empty: it must not be there.
	Digest string `json:"digest,omitempty"`
}

// moved says what is different; "" nothing.
func (p Pin) moved(t *tree) string {
	el := t.find(p.ID)
	if p.Tag != "" {
		el, _ = t.resolve(p.Tag + "#" + escapeID.Replace(p.ID))
	}
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

// addPin takes a pin, unless there is one of the same already: the first was made of the CIB as observed.
func (p *planner) addPin(pin Pin) {
	if k := pin.key(); !p.pinned[k] {
		p.pinned[k] = true
		p.pins = append(p.pins, pin)
	}
}

// key is what a pin is of.
func (p Pin) key() [3]string { return [3]string{p.Tag, p.ID, p.Name} }

func (p *planner) pinElement(el *etree.Element, ref reconcile.Ref) {
	pin := Pin{Object: ref, ID: attr(el, "id"), Tag: apartTag(el)}
	if pin.ID == "" || p.pinned[pin.key()] {
		return
	}
	pin.Digest = digest(el, nil)
	p.addPin(pin)
}

// pinAbsent pins that there is nothing with the id of an element.
func (p *planner) pinAbsent(el *etree.Element, ref reconcile.Ref) {
	p.addPin(Pin{Object: ref, ID: attr(el, "id"), Tag: apartTag(el)})
}

func apartTag(el *etree.Element) string {
	if el != nil && apart(el.Tag) {
		return el.Tag
	}
	return ""
}

// pinPair pins one option of a set that others write to.
func (p *planner) pinPair(set *etree.Element, name string, ref reconcile.Ref) {
	if set == nil {
		return
	}
	live := p.live.find(attr(set, "id"))
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
	case isSet(part.Section):
		c.pin(f.el)
	default:
		c.pin(c.topOf(f))
	}
}

// topOf is the outermost element of the object that holds a field.
func (c *comparison) topOf(f field) *etree.Element {
	el := f.el
	for p := el.Parent(); p != nil && p.Tag != "group" && (p.Parent() == nil || p.Parent().Tag != "configuration") && p.Tag != "configuration"; p = el.Parent() {
		el = p
	}
	return el
}
