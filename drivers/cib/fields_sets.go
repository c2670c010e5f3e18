package cib

import (
	"strings"

	"github.com/beevik/etree"
)

var setTags = []string{"instance_attributes", "meta_attributes", "utilization"}

// plain tells whether an attribute set may be the plain one: it has no rule, no score, is no reference, and no manifest calls it by its id.
func (v view) plain(set *etree.Element) bool {
	return !has(set, "id-ref") && !has(set, "score") && set.SelectElement("rule") == nil && !v.long[attr(set, "id")]
}

// plainSet gives the attribute set whose pairs are fields of their own: the first of its tag that is plain and holds something, else the
// first that is plain. The others are those of the long form.
func (v view) plainSet(el *etree.Element, tag string) *etree.Element {
	var empty *etree.Element
	for _, c := range el.ChildElements() {
		switch {
		case c.Tag != tag || !v.plain(c):
		case c.SelectElement("nvpair") != nil:
			return c
		case empty == nil:
			empty = c
		}
	}
	return empty
}

// plainProperties is the set that cluster options are written to: cib-bootstrap-options, or the first plain one that is not the inventory.
func (v view) plainProperties(crm *etree.Element) *etree.Element {
	if crm == nil {
		return nil
	}
	var first *etree.Element
	for _, c := range crm.SelectElements("cluster_property_set") {
		switch {
		case attr(c, "id") == bootstrapID && !v.long[bootstrapID] && c.SelectElement("rule") == nil: // its score means nothing
			return c
		case !v.plain(c):
		case first == nil && attr(c, "id") != inventoryID:
			first = c
		}
	}
	return first
}

// byID gives the child with an id, or nil.
func byID(el *etree.Element, id string) *etree.Element {
	for _, c := range el.ChildElements() {
		if attr(c, "id") == id {
			return c
		}
	}
	return nil
}

// sets adds the attribute sets of an element; params is the manifests' name of its instance attributes.
func (w *walker) sets(group string, el *etree.Element, params string, paramKind kind) {
	for _, tag := range setTags {
		k, name := option, tag
		switch tag {
		case "instance_attributes":
			k, name = paramKind, params
		case "meta_attributes":
			name = "meta"
		case "utilization":
			k = quantity
		}
		g := joinPath(group, name)
		plain := w.plainSet(el, tag)
		for _, c := range el.ChildElements() {
			switch {
			case c.Tag != tag || tag == "meta_attributes" && c == ownStop(el):
			case c == plain:
				w.pairs(g, c, k)
			case c.SelectElement("nvpair") == nil && w.plain(c): // an empty set says nothing
			default:
				w.set(longPath(g, key(c)), c, k)
			}
		}
	}
}

// set adds a set of the long form.
func (w *walker) set(group string, set *etree.Element, k kind) {
	w.existence(group, set)
	w.attrs(group, set, "id-ref")
	w.block(group, "rule", set, "rule")
	w.pairs(group, set, k)
}

func (w *walker) pairs(group string, set *etree.Element, k kind) {
	for _, nv := range set.SelectElements("nvpair") {
		name := attr(nv, "name")
		if ref := attr(nv, "id-ref"); ref != "" {
			f := field{group: group, name: "@" + ref, el: nv, kind: exists}
			if name != "" {
				f.attr, f.kind, f.value = "name", word, name
			}
			w.add(f)
			continue
		}
		if k == option {
			name = canonicalName(name)
		}
		if set.Parent() != nil && set.Parent().Tag == "master" && name == "promotable" {
			continue // a <master> is promotable whatever it says
		}
		w.add(field{group: group, name: name, el: nv, attr: "value", kind: k, value: attr(nv, "value"), none: !has(nv, "value")})
		if id := attr(nv, "id"); w.refs[id] && strings.HasSuffix(group, "]") {
			w.add(field{group: group, name: name + "@id", el: nv, attr: "id", kind: word, value: id, ref: true})
		}
	}
}
