package cib

import (
	"strings"

	"github.com/beevik/etree"
)

// field is one thing of an object that can be wanted, be there, be recorded in the inventory or belong to nobody.
type field struct {
	// group and name make the path "group.name"; group "" is the object's top, name "" the group's own existence.
	group, name string
	el          *etree.Element
	// attr is the attribute of el that holds the value; "" where el as a whole is the field.
	attr  string
	kind  kind
	value string
}

func (f field) path() string { return joinPath(f.group, f.name) }

func joinPath(group, name string) string {
	switch {
	case group == "":
		return name
	case name == "":
		return group
	}
	return group + "." + name
}

// agentAttr stands for the three attributes class, provider and type, which are one field.
const agentAttr = "class:provider:type"

// fieldsOf lists the fields of an element of an object, parents first. prefix is Part.Prefix. Members of a group are objects of their own.
func fieldsOf(prefix string, root *etree.Element) []field {
	w := &walker{}
	if root == nil {
		return nil
	}
	switch root.Tag {
	case "cluster_property_set":
		w.pairs(prefix, root, option)
	case "meta_attributes":
		w.pairs(prefix, root, option)
	case "node":
		w.sets(prefix, root, "attributes", word)
	case "clone", "master":
		w.existence("clone", root)
		w.attrs("clone", root, nil)
		w.sets("clone", root, "params", agentParam)
		for _, c := range root.ChildElements() {
			if c.Tag == "primitive" || c.Tag == "group" {
				w.resource(c)
				break
			}
		}
	case "group", "primitive":
		w.resource(root)
	case "rsc_location":
		w.constraint(prefix, "location", root, map[string]string{"rsc": "resource", "resource-discovery": "resourceDiscovery"})
	case "rsc_order":
		w.constraint(prefix, "order", root, map[string]string{"first-action": "firstAction", "then-action": "thenAction"})
	case "rsc_colocation":
		w.constraint(prefix, "colocation", root, map[string]string{"rsc": "resource", "with-rsc": "with", "rsc-role": "role",
			"with-rsc-role": "withRole", "node-attribute": "nodeAttribute"})
	default:
		w.attrs(prefix, root, nil)
		w.rest(prefix, root)
	}
	return w.fields
}

type walker struct{ fields []field }

func (w *walker) add(f field) { w.fields = append(w.fields, f) }

func (w *walker) existence(group string, el *etree.Element) { w.add(field{group: group, el: el}) }

// attrs adds an element's attributes but its id; names renames them.
func (w *walker) attrs(group string, el *etree.Element, names map[string]string, skip ...string) {
next:
	for _, a := range el.Attr {
		key := a.FullKey()
		if key == "id" {
			continue
		}
		for _, s := range skip {
			if key == s {
				continue next
			}
		}
		k := option
		switch key {
		case "role", "rsc-role", "with-rsc-role":
			k = role
		case "rsc", "with-rsc", "first", "then", "node", "description", "name", "template", "value", "attribute":
			k = word
		}
		name := key
		if n, ok := names[key]; ok {
			name = n
		}
		w.add(field{group: group, name: name, el: el, attr: key, kind: k, value: a.Value})
	}
}

func (w *walker) constraint(prefix, word string, el *etree.Element, names map[string]string) {
	if prefix != "" {
		word = prefix
	}
	w.existence(word, el)
	w.attrs(word, el, names)
	w.rest(word, el)
}

// resource adds the fields of a primitive or a group.
func (w *walker) resource(el *etree.Element) {
	if el.Tag == "primitive" {
		if has(el, "type") {
			w.add(field{name: "agent", el: el, attr: agentAttr, value: agentOf(el)})
		}
		w.attrs("", el, nil, "class", "provider", "type")
	} else {
		w.attrs("", el, nil)
	}
	w.sets("", el, "params", agentParam)
	for _, c := range el.ChildElements() {
		if c.Tag == "operations" {
			for _, op := range c.ChildElements() {
				if op.Tag != "op" {
					continue
				}
				g := "operations[" + opKey(op) + "]"
				w.existence(g, op)
				w.attrs(g, op, nil, "name", "interval", "role")
				w.sets(g, op, "params", agentParam)
			}
		}
	}
}

// agentOf writes class[:provider]:type.
func agentOf(el *etree.Element) string {
	s := attr(el, "class")
	if p := attr(el, "provider"); p != "" {
		s += ":" + p
	}
	return s + ":" + attr(el, "type")
}

// opKey tells operations of a resource apart: by name, interval and role.
func opKey(op *etree.Element) string {
	k := attr(op, "name") + "/" + spanText(attr(op, "interval"))
	if r := canonicalRole(attr(op, "role")); r != "" && r != "Started" {
		k += "/" + r
	}
	return k
}

// plainSet gives the attribute set whose pairs are fields of their own: the first of its tag that has no rule and is no reference. The
// others are one field each.
func plainSet(el *etree.Element, tag string) *etree.Element {
	for _, c := range el.ChildElements() {
		if c.Tag == tag && !has(c, "id-ref") && c.SelectElement("rule") == nil {
			return c
		}
	}
	return nil
}

var setTags = []string{"instance_attributes", "meta_attributes", "utilization"}

// setGroup gives the path of an attribute set's fields below an element's.
func setGroup(group, tag, params string) string {
	switch tag {
	case "instance_attributes":
		return joinPath(group, params)
	case "meta_attributes":
		return joinPath(group, "meta")
	}
	return joinPath(group, tag)
}

func (w *walker) sets(group string, el *etree.Element, params string, paramKind kind) {
	for _, tag := range setTags {
		k := option
		if tag == "instance_attributes" {
			k = paramKind
		}
		g := setGroup(group, tag, params)
		plain := plainSet(el, tag)
		for _, c := range el.ChildElements() {
			switch {
			case c.Tag != tag:
			case c == plain:
				w.pairs(g, c, k)
			default:
				w.existence(g+"["+key(c)+"]", c)
				w.attrs(g+"["+key(c)+"]", c, nil)
				w.rest(g+"["+key(c)+"]", c)
			}
		}
	}
}

func (w *walker) pairs(group string, set *etree.Element, k kind) {
	for _, nv := range set.ChildElements() {
		if nv.Tag != "nvpair" {
			w.existence(group+"["+key(nv)+"]", nv)
			continue
		}
		if attr(nv, "name") == "" { // an id-ref
			w.existence(group+"["+key(nv)+"]", nv)
			continue
		}
		name := attr(nv, "name")
		if k == option {
			name = canonicalName(name)
		}
		w.add(field{group: group, name: name, el: nv, attr: "value", kind: k, value: attr(nv, "value")})
	}
}

// rest adds the children of an element that no other rule knows: each is a field with fields of its own.
func (w *walker) rest(group string, el *etree.Element) {
	for _, c := range el.ChildElements() {
		g := joinPath(group, c.Tag+"["+key(c)+"]")
		w.existence(g, c)
		w.attrs(g, c, nil)
		w.rest(g, c)
	}
}

// key tells an element apart from its siblings of the same tag.
func key(el *etree.Element) string {
	if id := attr(el, "id"); id != "" {
		return id
	}
	if id := attr(el, "id-ref"); id != "" {
		return "@" + id
	}
	n := 0
	for p := el.PrevSibling(); p != nil; p = p.PrevSibling() {
		n++
	}
	return strings.Repeat("+", n)
}
