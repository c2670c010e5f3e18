package cib

import (
	"strconv"

	"github.com/beevik/etree"
)

// opPath is the path of an operation below its resource's.
func opPath(group string, op *etree.Element) string {
	return joinPath(group, "operations["+numbered(op, opKey)+"]")
}

// opKey tells operations of a resource apart: by name, interval and role.
func opKey(op *etree.Element) string {
	k := attr(op, "name") + "/" + spanText(attr(op, "interval"))
	if r := canonicalRole(attr(op, "role")); r != "" && r != "Started" {
		k += "/" + r
	}
	return k
}

// recipientKey tells recipients of an alert apart.
func recipientKey(r *etree.Element) string { return attr(r, "value") }

// levelKey tells the levels of the fencing topology apart: by target and index.
func levelKey(l *etree.Element) string {
	target := attr(l, "target")
	switch {
	case has(l, "target-pattern"):
		target = "~" + attr(l, "target-pattern")
	case has(l, "target-attribute"):
		target = attr(l, "target-attribute") + "=" + attr(l, "target-value")
	}
	return target + "/" + attr(l, "index")
}

// numbered gives an element's key; a second sibling with the same key gets #2, and so on.
func numbered(el *etree.Element, key func(*etree.Element) string) string {
	k, n := key(el), 1
	if p := el.Parent(); p != nil {
		for _, t := range p.Child {
			c, ok := t.(*etree.Element)
			if c == el {
				break
			}
			if ok && c.Tag == el.Tag && key(c) == k {
				n++
			}
		}
	}
	if n > 1 {
		k += "#" + strconv.Itoa(n)
	}
	return k
}

// key tells an element apart from its siblings of the same tag.
func key(el *etree.Element) string {
	if id := attr(el, "id"); id != "" {
		return id
	}
	if id := attr(el, "id-ref"); id != "" {
		return "@" + id
	}
	return numbered(el, func(*etree.Element) string { return "" })
}
