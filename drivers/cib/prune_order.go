package cib

import (
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// stopOrders keeps the order among what is to stop where the constraint or the group that said it is no longer about it: without DRBD, then
// its file system, then a group that stays, the first two would stop at the same time. What a renamed resource carries stops before it, too.
func (p *planner) stopOrders(deferred bool) {
	if s := section(p.work.Document, "constraints"); s != nil {
		for _, el := range s.SelectElements("rsc_order") {
			switch {
			case !strings.HasPrefix(attr(el, "id"), stopOrder):
			case deferred && slices.ContainsFunc(namesIn(el), func(id string) bool { return p.ids[id] != nil }):
				p.later(el)
			default: // of a run that came to no end
				p.authors.turn(reconcile.Ref{})
				p.pinElement(p.live.findIn("constraints", attr(el, "id")), Options(p.want.Cluster))
				p.do(Edit{Do: remove, At: address(el)})
			}
		}
	}
	if !deferred {
		return
	}
	p.authors.turn(reconcile.Ref{})
	moved := p.groupStops()
	s := section(p.live.Document, "constraints")
	if s == nil {
		return
	}
	for _, el := range s.SelectElements("rsc_order") {
		if !p.waits[p.work.findIn("constraints", attr(el, "id"))] { // else it stays as it is until then
			p.restrict(el, moved)
		}
	}
}

// groupStops orders the members that were moved out of groups, and gives them by the ids of their groups and of the clones around those.
func (p *planner) groupStops() map[string][]string {
	moved := map[string][]string{}
	for _, d := range p.pruning.order {
		live := p.live.findIn("resources", d.ref.Name)
		if !d.resource() || live == nil || live.Parent().Tag != "group" || moved[attr(live.Parent(), "id")] != nil {
			continue
		}
		g := live.Parent()
		if work := p.work.findIn("resources", d.ref.Name); work == nil || work.Parent().Tag == "group" {
			continue // it stops with its group
		}
		before := ""
		heired := false
		for _, m := range g.SelectElements("primitive") {
			id := attr(m, "id")
			goes := p.ids[id] != nil
			if before != "" && (goes || heired) {
				p.orderOf(before, id, nil)
			}
			if goes {
				before, heired = id, p.ids[id].heir != nil
				for w := g; w != nil && w.Tag != "resources"; w = w.Parent() {
					moved[attr(w, "id")] = append(moved[attr(w, "id")], id)
				}
			} else if heired {
				heired = false
			}
		}
	}
	return moved
}

// restrict makes of a live order one among what is to stop.
func (p *planner) restrict(el *etree.Element, moved map[string][]string) {
	names := namesIn(el)
	renamed := slices.ContainsFunc(names, func(id string) bool { return p.ids[id] != nil && p.ids[id].heir != nil }) ||
		slices.ContainsFunc(names, func(id string) bool {
			return slices.ContainsFunc(moved[id], func(m string) bool { return p.ids[m].heir != nil })
		})
	expand := func(id string) []string {
		switch {
		case p.ids[id] != nil:
			return []string{id}
		case moved[id] != nil && !renamed:
			return moved[id]
		case moved[id] != nil:
			return append(slices.Clone(moved[id]), id)
		case renamed && p.work.findIn("resources", id) != nil:
			return []string{id}
		}
		return nil
	}
	if sets := el.SelectElements("resource_set"); sets != nil {
		p.restrictSets(el, expand)
		return
	}
	for _, first := range expand(attr(el, "first")) {
		for _, then := range expand(attr(el, "then")) {
			if p.ids[first] != nil && (p.ids[then] != nil || p.ids[first].heir != nil) || p.ids[then] != nil && p.ids[then].heir != nil {
				p.orderOf(first, then, el)
			}
		}
	}
}

func (p *planner) restrictSets(el *etree.Element, expand func(string) []string) {
	c := el.Copy()
	n := 0
	for _, set := range c.SelectElements("resource_set") {
		if has(set, "id-ref") {
			return // its set is another's
		}
		var ids []string
		for _, r := range set.SelectElements("resource_ref") {
			set.RemoveChild(r)
			ids = append(ids, expand(attr(r, "id"))...)
		}
		for _, id := range ids {
			set.AddChild(element("resource_ref", id))
		}
		if n += len(ids); len(ids) == 0 {
			c.RemoveChild(set)
		}
	}
	if n > 1 {
		p.orderLike(c)
	}
}

// orderOf has one resource start after another, and so stop before it; the words are those of like.
func (p *planner) orderOf(first, then string, like *etree.Element) {
	c := etree.NewElement("rsc_order")
	if like != nil {
		c = like.Copy()
	}
	c.CreateAttr("first", first)
	c.CreateAttr("then", then)
	p.orderLike(c)
}

func (p *planner) orderLike(c *etree.Element) {
	id := ""
	for n := 1; id == "" || p.work.find(id) != nil; n++ {
		id = stopOrder + strconv.Itoa(n)
	}
	c.CreateAttr("id", id)
	for i, set := range c.SelectElements("resource_set") {
		set.CreateAttr("id", id+"-set-"+strconv.Itoa(i+1))
	}
	p.sectionHome("constraints")
	p.do(Edit{Do: create, At: "constraints", XML: Fragment(source(c))})
	if el := p.work.find(id); el != nil {
		p.later(el)
	}
}
