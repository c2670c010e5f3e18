package cib

import (
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// stillNamed looks for what names something that goes, and stays itself: what tools made for a while goes along, or follows to the new name;
// anything else speaks against the deletion.
func (p *planner) stillNamed(deferred bool) {
	if len(p.pruning.order) == 0 || len(p.errs) > 0 {
		return
	}
	gone := map[string]*doomed{}
	for id, d := range p.ids {
		gone[id] = d
	}
	for _, d := range p.pruning.order {
		for _, el := range d.els {
			walk(outer(el), func(el *etree.Element) {
				if id := attr(el, "id"); id != "" && !refers(el.Tag) && gone[id] == nil {
					gone[id] = d
				}
			})
		}
	}
	for _, s := range p.work.Root().SelectElement("configuration").ChildElements() {
		for _, el := range s.ChildElements() {
			if s.Tag == "constraints" && runtimeConstraint(attr(el, "id")) && p.follows(el, deferred) {
				continue
			}
			p.namedBy(el, el, gone)
		}
	}
}

// namedBy tells of what an element of top names and goes.
func (p *planner) namedBy(top, el *etree.Element, gone map[string]*doomed) {
	if p.waits[el] || p.waits[inner(el)] && inner(el) != el {
		return
	}
	for _, id := range ownNames(el) {
		d := gone[id]
		if d == nil {
			continue
		}
		what := "cannot be deleted"
		if d.heir != nil {
			what = "cannot become " + d.heir.Ref.String()
		}
		p.errs = append(p.errs, fmt.Errorf("%s: %s: %s: %s still names %s", p.want.Source, d.ref, what, p.whose(top), id))
	}
	for _, c := range el.ChildElements() {
		p.namedBy(top, c, gone)
	}
}

// ownNames are the ids that an element itself names, without what is in it.
func ownNames(el *etree.Element) []string {
	bare := etree.NewElement(el.Tag)
	bare.Attr = el.Attr
	return namesIn(bare)
}

// whose says what an element is and whose.
func (p *planner) whose(el *etree.Element) string {
	ref := reconcile.Ref{Kind: kindOf(inner(el)), Name: attr(inner(el), "id")}
	what := strings.TrimSpace(el.Tag + " " + attr(el, "id"))
	if el.Tag == "fencing-level" {
		what = "the fencing level " + levelKey(el)
		for _, o := range p.objects {
			for i, part := range o.Parts {
				if part.Section == "fencing-topology" && levelKey(o.els[i]) == levelKey(el) {
					return fmt.Sprintf("%s of %s (%s)", what, o.Ref, o.Pos[""])
				}
			}
		}
	}
	if o := p.byRef[ref]; o != nil {
		return fmt.Sprintf("%s (%s)", ref, o.Pos[""])
	}
	if e := p.inv[ref]; e.el != nil {
		if e.owner != p.want.Owner {
			return fmt.Sprintf("%s of the owner %q", ref, e.owner)
		}
		if p.want.Part {
			return fmt.Sprintf("%s, which -l does not select or no manifest tells, and which stays as it is,", ref)
		}
		return fmt.Sprintf("%s, which is in no manifest and stays without --prune,", ref)
	}
	return what + ", which is in no manifest: change or delete that first (pcs, crmsh or cibadmin); it"
}

// follows deals with a constraint that a tool made for a while: it goes with the resource that it is about, or follows it to its new name.
func (p *planner) follows(el *etree.Element, deferred bool) bool {
	if !p.amongDoomed(el) || p.waits[el] {
		return p.waits[el]
	}
	d := p.ids[namesIn(el)[0]]
	p.authors.turn(d.ref)
	if d.heir != nil {
		from, to := namesIn(el)[0], d.heir.Ref.Name
		if w := outer(p.work.findIn("resources", to)); from != d.ref.Name && w != nil {
			to = attr(w, "id")
		}
		c := el.Copy()
		walk(c, func(x *etree.Element) {
			for _, a := range []string{"id", "rsc"} {
				if v := attr(x, a); v == from || a == "id" && strings.Contains(v, from) {
					x.CreateAttr(a, strings.Replace(v, from, to, 1))
				}
			}
		})
		if p.work.find(attr(c, "id")) == nil {
			p.do(Edit{Do: create, At: "constraints", XML: Fragment(source(c))})
		}
	}
	ref := reconcile.Ref{Kind: el.Tag, Name: attr(el, "id")}
	p.condemn(&doomed{entry: entry{ref: ref}, els: []*etree.Element{el}, why: "it is about " + d.ref.String() + " only"})
	if deferred {
		p.later(el)
	} else {
		p.takeAway(el)
	}
	return true
}
