package cib

import (
	"fmt"
	"slices"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// add makes a field that is not there.
func (c *comparison) add(part Part, f field, want, root *etree.Element, created map[*etree.Element]bool) {
	defer func() { c.diff(f.path(), "", shown(f), c.risk(f.path()), "") }()
	switch {
	case f.attr == "" && f.el == want && f.name == "" && f.group == "clone":
		return // made by wrap
	case f.attr == "" || f.el.Tag == "nvpair":
		holder := c.counterpart(f.el.Parent(), want, root)
		if holder == nil { // the set or the list of operations is missing, too
			parent := f.el.Parent()
			home := c.counterpart(parent.Parent(), want, root)
			if home == nil {
				c.errs = append(c.errs, fmt.Errorf("%s: %s: no place for %s", c.o.Pos[f.path()], c.o.Ref, f.path()))
				return
			}
			box := etree.NewElement(parent.Tag)
			for _, a := range parent.Attr {
				box.CreateAttr(a.FullKey(), a.Value)
			}
			c.freshIDs(box)
			after := ""
			if slices.Contains(setTags, parent.Tag) {
				after = "sets"
			}
			c.do(Edit{Do: create, At: address(home), After: after, XML: Fragment(source(box))})
			holder = c.counterpart(parent, want, root)
		}
		if holder == nil {
			return
		}
		el := f.el.Copy()
		c.freshIDs(el)
		if f.el.Tag == "nvpair" && isSet(part.Section) {
			c.pinPair(holder, attr(f.el, "name"), c.o.Ref)
		} else if part.Section == "nodes" {
			c.pins = append(c.pins, Pin{Object: c.o.Ref, ID: attr(el, "id")})
		}
		c.do(Edit{Do: create, At: address(holder), XML: Fragment(source(el))})
		created[f.el] = true
	default:
		el := c.counterpart(f.el, want, root)
		if el == nil {
			return
		}
		c.do(Edit{Do: set, At: address(el), Attr: f.attr, Value: reconcile.Plain(f.value)})
	}
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
	switch {
	case slices.Contains(setTags, el.Tag):
		return plainSet(parent, el.Tag)
	case el.Tag == "op":
		for _, k := range parent.ChildElements() {
			if k.Tag == "op" && opKey(k) == opKey(el) {
				return k
			}
		}
		return nil
	case attr(el, "id") == "":
		return parent.SelectElement(el.Tag)
	}
	for _, k := range parent.ChildElements() {
		if k.Tag == el.Tag && attr(k, "id") == attr(el, "id") {
			return k
		}
	}
	return nil
}
