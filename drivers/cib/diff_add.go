package cib

import (
	"slices"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// create makes a part that is not there.
func (c *comparison) create(i int, part Part, want *etree.Element, wanted []field) {
	if (isSet(part.Section) || part.Section == "nodes") && len(wanted) == 0 {
		return
	}
	for _, f := range wanted {
		c.inline(f)
	}
	el := want.Copy()
	at, after := part.Section, ""
	if c.o.Group != "" {
		at, after = "group#"+c.o.Group, c.memberPlace()
	}
	switch {
	case isLong(part):
		if !c.freshIDs(el) {
			return
		}
		c.pinAbsent(el, c.o.Ref)
	case isSet(part.Section):
		if part.Section == "crm_config" {
			after = "^"
			c.pinAbsent(el, c.o.Ref)
		} else {
			el.CreateAttr("id", c.uniqueID(attr(el, "id")))
		}
		c.freshInside(el)
	default:
		for _, root := range []*etree.Element{el, inner(el)} {
			if apart(root.Tag) {
				if other, err := c.work.resolve(address(root)); err == nil && other != nil {
					c.errorf("", "the id %q belongs to the node %s in the cluster; give the node its own (id, or cibID)", attr(root, "id"), attr(other, "uname"))
					return
				}
				continue
			}
			if other := c.work.find(attr(root, "id")); other != nil {
				c.errorf("", "the id %q is taken by a <%s> in the cluster; choose another name", attr(root, "id"), other.Tag)
				return
			}
		}
		if !c.freshInside(el) {
			return
		}
		c.pinAbsent(inner(el), c.o.Ref)
	}
	c.sectionHome(part.Section)
	c.do(Edit{Do: create, At: at, After: after, XML: Fragment(source(el))})
	c.authors.change(c.o.Ref, part.Prefix) // all of its fields at once
	c.whole = c.whole || i == 0 && !isSet(part.Section)
	for _, f := range wanted {
		c.diff(f.path(), "", shown(f), reconcile.Safe, "")
	}
}

// memberPlace is the id after which a new member of a group goes: the nearest declared one before it that is there.
func (c *comparison) memberPlace() string {
	g := c.work.findIn("resources", c.o.Group)
	if g == nil {
		return ""
	}
	declared := c.members[c.o.Group]
	i := slices.Index(declared, c.o.After)
	for ; i >= 0; i-- {
		if m := c.work.findIn("resources", declared[i]); m != nil && m.Parent() == g {
			return declared[i]
		}
	}
	for _, k := range g.ChildElements() { // in front of the members
		if k.Tag == "primitive" {
			return inPlaceOf(k)
		}
	}
	return ""
}

// inPlaceOf is the place in front of an element.
func inPlaceOf(el *etree.Element) string {
	for i := el.Index() - 1; i >= 0; i-- {
		if before, ok := el.Parent().Child[i].(*etree.Element); ok {
			return attr(before, "id")
		}
	}
	return "^"
}

// saysNothing tells that a wanted field that is not there says what Pacemaker does without it.
func (c *comparison) saysNothing(f field) bool {
	if f.attr == "" || !c.found && c.inv.el == nil { // what is made new says what the manifest says
		return false
	}
	if f.kind == agentParam {
		d, known := c.defaultOf(c.o.agent(), f.name)
		return known && f.value == d
	}
	d, known := absent(f)
	return known && same(f.kind, f.name, f.value, d)
}

// defaultOf is an agent's default of a parameter, where its metadata are at hand: nowhere yet.
func (*planner) defaultOf(_, _ string) (value string, known bool) { return "", false }

// agent is the object's agent, "" where it has none of its own.
func (o *wanted) agent() string {
	for _, f := range o.fields {
		if f.attr == agentAttr {
			return f.value
		}
	}
	return ""
}

// add makes a field that is not there.
func (c *comparison) add(part Part, f field, want, root *etree.Element, created map[*etree.Element]bool) {
	c.inline(f)
	switch {
	case f.whole() && f.el == want && f.group == "clone": // made by wrap
	case f.whole() || f.el.Tag == "nvpair" && f.attr == "value" || f.el.Tag == "nvpair" && has(f.el, "id-ref"):
		holder := c.holder(f.el.Parent(), want, root)
		if holder == nil {
			c.errorf(f.path(), "there is no place for %s in the cluster", f.path())
			return
		}
		el := f.el.Copy()
		if !c.freshIDs(el) {
			return
		}
		if f.el.Tag == "nvpair" && isSet(part.Section) {
			c.pinPair(holder, attr(f.el, "name"), c.o.Ref)
		} else if part.Section == "nodes" {
			c.pinAbsent(el, c.o.Ref)
		}
		c.do(Edit{Do: create, At: address(holder), After: afterOf(el), XML: Fragment(source(el))})
		created[f.el] = true
	case f.kind == block:
		if holder := c.holder(f.el, want, root); holder != nil {
			c.replaceBlock(part, f, holder)
		}
	default:
		if el := c.holder(f.el, want, root); el != nil {
			c.do(Edit{Do: set, At: address(el), Attr: f.attr, Value: reconcile.Plain(f.value)})
		}
	}
	c.diff(f.path(), "", shown(f), c.risk(f.path()), "")
}

// afterOf is the place of a new element in its parent: at the end where any place will do.
func afterOf(el *etree.Element) string {
	switch el.Tag {
	case "nvpair", "op", "recipient":
		return ""
	}
	return inPlace
}

// holder finds the element of the working copy that stands for a wanted one, and makes it where it is missing: with its attributes, without
// what is in it.
func (c *comparison) holder(el, want, root *etree.Element) *etree.Element {
	if there := c.counterpart(el, want, root); there != nil || el == want || el == inner(want) {
		return there
	}
	home := c.holder(el.Parent(), want, root)
	if home == nil {
		return nil
	}
	box := etree.NewElement(el.Tag)
	for _, a := range el.Attr {
		box.CreateAttr(a.FullKey(), a.Value)
	}
	if !c.freshIDs(box) {
		return nil
	}
	c.do(Edit{Do: create, At: address(home), After: afterOf(box), XML: Fragment(source(box))})
	return c.counterpart(el, want, root)
}

// counterpart finds the element of the working copy that stands for a wanted one. root stands for want.
func (c *comparison) counterpart(el, want, root *etree.Element) *etree.Element {
	switch {
	case el == nil || root == nil:
		return nil
	case el == want && el.Tag == "clone":
		if root.Tag == "clone" || root.Tag == "master" {
			return root
		}
		return nil
	case el == want || el == inner(want):
		return inner(root)
	}
	parent := c.counterpart(el.Parent(), want, root)
	if parent == nil {
		return nil
	}
	wanted := func(k *etree.Element) bool { return attr(k, "id") == attr(el, "id") }
	switch {
	case slices.Contains(setTags, el.Tag):
		if c.o.plain(el) {
			return c.o.plainSet(parent, el.Tag)
		}
		wanted = func(k *etree.Element) bool {
			return attr(k, "id") == attr(el, "id") && attr(k, "id-ref") == attr(el, "id-ref")
		}
	case el.Tag == "op":
		wanted = func(k *etree.Element) bool { return numbered(k, opKey) == numbered(el, opKey) }
	case el.Tag == "recipient":
		wanted = func(k *etree.Element) bool { return numbered(k, recipientKey) == numbered(el, recipientKey) }
	case el.Tag == "nvpair":
		wanted = func(k *etree.Element) bool { return attr(k, "name") == attr(el, "name") }
	case el.Tag == "operations" || el.Tag == "primitive" || attr(el, "id") == "":
		wanted = func(*etree.Element) bool { return true }
	}
	for _, k := range parent.SelectElements(el.Tag) {
		if wanted(k) {
			return k
		}
	}
	return nil
}
