package cib

import (
	"slices"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// outer is what goes with an element: the clone around a resource.
func outer(el *etree.Element) *etree.Element {
	for w := el.Parent(); w != nil && (w.Tag == "clone" || w.Tag == "master"); w = el.Parent() {
		el = w
	}
	return el
}

// takeAway removes elements in the first change.
func (p *planner) takeAway(els ...*etree.Element) {
	for _, el := range els {
		el = outer(el)
		if el.Parent() == nil {
			continue // with what it stood in
		}
		if live, err := p.live.resolve(address(el)); err == nil {
			p.pinElement(live, p.authors.now)
		}
		p.do(Edit{Do: remove, At: address(el)})
	}
}

// replaceable are the kinds whose objects nothing notices to be replaced by others: the old one goes before the new one comes, in one change.
func (p *planner) replaceable(d *doomed) bool {
	if d.ref.Kind == "ResourceTemplate" && slices.ContainsFunc(p.pruning.order, func(x *doomed) bool { return x.resource() && attr(x.els[0], "template") == d.ref.Name }) {
		return false // what is to stop still needs it
	}
	return d.heir != nil && !d.resource() && d.ref.Kind != "ResourceGroup"
}

// replace removes what lives on under another name, before that is made.
func (p *planner) replace() {
	for _, d := range p.pruning.order {
		if p.replaceable(d) {
			p.authors.turn(d.ref)
			p.takeAway(d.els...)
		}
	}
}

// second makes the second change of a deletion.
func (p *planner) second() {
	if len(p.pruning.later) == 0 && len(p.heirs) == 0 {
		return
	}
	p.secondEdit, p.secondChange = len(p.edits), len(p.changes)
	pin := func(el *etree.Element, ref reconcile.Ref) {
		p.pinsThen = append(p.pinsThen, Pin{Object: ref, ID: attr(el, "id"), Tag: apartTag(el), Digest: digest(el, nil)})
	}
	refs := map[*etree.Element]reconcile.Ref{}
	for _, d := range p.pruning.order {
		for _, el := range d.els {
			refs[el] = d.ref
		}
	}
	var els []*etree.Element
	for _, el := range p.pruning.later {
		ref := refs[el]
		el = outer(el)
		refs[el] = ref
		if ref.Kind == "" {
			ref = Options(p.want.Cluster)
		}
		pin(el, ref)
		els = append(els, el)
	}
	for _, id := range p.heirs {
		pin(p.work.findIn("resources", id), Resource(id))
	}
	for _, el := range els {
		p.authors.turn(refs[el])
		p.do(Edit{Do: remove, At: address(el)})
		p.authors.change(refs[el], "")
	}
	for _, id := range p.heirs {
		p.authors.turn(reconcile.Ref{}) // it only undoes what the first change did
		p.do(Edit{Do: remove, At: address(ownStop(p.work.findIn("resources", id)))})
	}
	p.gone(true)
}

// gone tells of the objects that go in the first or in the second change, and strikes their records.
func (p *planner) gone(second bool) {
	for _, d := range p.pruning.order {
		later := false
		for _, el := range d.els {
			later = later || p.waits[el]
		}
		if later != second {
			continue
		}
		p.authors.turn(reconcile.Ref{})
		if d.el != nil {
			p.strike(d.entry, second)
		}
		p.tell(d.change(p.want))
	}
}

// strike removes a record of the inventory.
func (p *planner) strike(e entry, second bool) {
	name := attr(e.el, "name")
	if second {
		p.pinsThen = append(p.pinsThen, Pin{Object: e.ref, ID: inventoryID, Name: name, Digest: digest(pairNamed(inventorySet(p.work.Document), name), nil)})
	} else {
		p.pinPair(inventorySet(p.live.Document), name, e.ref)
	}
	p.do(Edit{Do: remove, At: address(e.el)})
}
