package cib

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
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
	// none tells that an nvpair has no value, which is not an empty one.
	none bool
	// ref tells an id that is a field only because something refers to it; it is not recorded.
	ref bool
	// tag is that of the children of el that make the field as a whole (kind block).
	tag string
}

func (f field) path() string { return joinPath(f.group, f.name) }

// whole tells that the field is an element's existence.
func (f field) whole() bool { return f.attr == "" && f.kind != block }

func joinPath(group, name string) string {
	switch {
	case group == "":
		return name
	case name == "":
		return group
	}
	return group + "." + name
}

// Words in place of an attribute's name.
const (
	agentAttr  = "class:provider:type" // three attributes that are one field
	masterAttr = "master"              // the element <master>, which says what promotable=true says of a clone
)

// view is what one must know to read an element's fields beside the element.
type view struct {
	// long are the ids of attribute sets of the long form.
	long map[string]bool
	// refs are the ids that something in the CIB refers to: they have meaning.
	refs map[string]bool
}

// specs are the types whose fields are the attributes of elements.
var specs = map[string]reflect.Type{
	"primitive": reflect.TypeFor[v1.Primitive](), "template": reflect.TypeFor[v1.Primitive](), "group": reflect.TypeFor[v1.ResourceGroupSpec](),
	"clone": reflect.TypeFor[v1.Clone](), "master": reflect.TypeFor[v1.Clone](), "bundle": reflect.TypeFor[v1.BundleSpec](),
	"docker": reflect.TypeFor[v1.Container](), "podman": reflect.TypeFor[v1.Container](), "rkt": reflect.TypeFor[v1.Container](),
	"network": reflect.TypeFor[v1.BundleNetwork](), "op": reflect.TypeFor[v1.Operation](), "node": reflect.TypeFor[v1.RemoteNode](),
	"rsc_location": reflect.TypeFor[v1.Location](), "rsc_order": reflect.TypeFor[v1.Order](), "rsc_colocation": reflect.TypeFor[v1.Colocation](),
	"rsc_ticket": reflect.TypeFor[v1.Ticket](), "acl_role": reflect.TypeFor[v1.ACLRoleSpec](), "acl_target": reflect.TypeFor[v1.ACLSubject](),
	"acl_group": reflect.TypeFor[v1.ACLSubject](), "alert": reflect.TypeFor[v1.AlertSpec](), "recipient": reflect.TypeFor[v1.AlertRecipient](),
}

// constraintWords are the manifests' names of constraints.
var constraintWords = map[string]string{"rsc_location": "location", "rsc_order": "order", "rsc_colocation": "colocation", "rsc_ticket": "ticket"}

// fieldsOf lists the fields of an element of an object, parents first. prefix is Part.Prefix. Members of a group are objects of their own.
func fieldsOf(prefix string, root *etree.Element, v view) []field {
	if root == nil {
		return nil
	}
	w := &walker{view: v}
	switch root.Tag {
	case "cluster_property_set", "meta_attributes":
		if strings.HasSuffix(prefix, "]") {
			w.set(prefix, root, option)
		} else {
			w.pairs(prefix, root, option)
		}
	case "node":
		w.attrs("", root, "uname")
		w.sets("", root, "attributes", word)
	case "clone", "master":
		w.clone(root)
	case "group", "primitive", "template":
		w.resource("", root)
	case "bundle":
		w.bundle(root)
	case "rsc_location", "rsc_order", "rsc_colocation", "rsc_ticket":
		word := constraintWords[root.Tag]
		if prefix != "" {
			word = prefix
		}
		w.existence(word, root)
		w.attrs(word, root)
		w.block(word, "sets", root, "resource_set")
		w.block(word, "rules", root, "rule")
		w.block(word, "lifetime", root, "lifetime")
	case "tag":
		w.block("", "objects", root, "obj_ref")
	case "fencing-level":
		w.existence(prefix, root)
		w.add(field{group: prefix, name: "devices", el: root, attr: "devices", kind: word, value: attr(root, "devices")})
	case "acl_role":
		w.attrs("", root)
		w.block("", "permissions", root, "acl_permission")
	case "acl_target", "acl_group":
		w.attrs("", root)
		w.block("", "roles", root, "role")
	case "alert":
		w.alert(root)
	default:
		w.attrs(prefix, root)
		w.rest(prefix, root)
	}
	return w.fields
}

type walker struct {
	view
	fields []field
	seen   map[string]int
}

// add takes a field; one whose path is there already is numbered. The first counts for Pacemaker, too.
func (w *walker) add(f field) {
	if w.seen == nil {
		w.seen = map[string]int{}
	}
	p := f.path()
	if w.seen[p]++; w.seen[p] > 1 {
		f.name += "#" + strconv.Itoa(w.seen[p])
	}
	w.fields = append(w.fields, f)
}

func (w *walker) existence(group string, el *etree.Element) {
	w.add(field{group: group, el: el, kind: exists})
}

// block adds the children of a tag as one field, unless there are none.
func (w *walker) block(group, name string, el *etree.Element, tag string) {
	if text := blockText(el, tag, w.refs); text != "" {
		w.add(field{group: group, name: name, el: el, tag: tag, kind: block, value: text})
	}
}

// optionAttrs are the attributes that Pacemaker itself reads as numbers, scores, spans of time or truth values; others are text.
var optionAttrs = []string{"score", "symmetrical", "require-all", "influence", "timeout", "enabled", "record-pending", "start-delay", "replicas",
	"replicas-per-host", "promoted-max", "masters", "control-port", "host-netmask", "add-host"}

// attrs adds an element's attributes but its id.
func (w *walker) attrs(group string, el *etree.Element, skip ...string) {
	for _, a := range el.Attr {
		key := a.FullKey()
		if key == "id" || slices.Contains(skip, key) || key == "type" && el.Tag == "node" && a.Value == "member" {
			continue
		}
		k := word
		switch {
		case key == "role" || key == "rsc-role" || key == "with-rsc-role":
			k = role
		case slices.Contains(optionAttrs, key):
			k = option
		}
		w.add(field{group: group, name: jsonName(el.Tag, key), el: el, attr: key, kind: k, value: a.Value})
	}
}

// jsonName is the manifests' name of an attribute; one that they do not know keeps its own.
func jsonName(tag, key string) string {
	if key == "masters" && slices.Contains(containers, tag) {
		return "promotedMax"
	}
	if t := specs[tag]; t != nil {
		for _, a := range attributesOf(t) {
			if a.xml == key {
				return a.json
			}
		}
	}
	return key
}

func (w *walker) clone(el *etree.Element) {
	w.existence("clone", el)
	w.attrs("clone", el)
	if el.Tag == "master" {
		w.add(field{group: "clone.meta", name: "promotable", el: el, attr: masterAttr, kind: option, value: "true"})
	}
	w.sets("clone", el, "params", agentParam)
	if in := inner(el); in != el {
		w.resource("", in)
	}
}

// resource adds the fields of a primitive, a template or a group.
func (w *walker) resource(group string, el *etree.Element) {
	if has(el, "type") {
		w.add(field{group: group, name: "agent", el: el, attr: agentAttr, kind: word, value: agentOf(el)})
	}
	w.attrs(group, el, "class", "provider", "type")
	w.sets(group, el, "params", agentParam)
	if list := el.SelectElement("operations"); list != nil {
		w.operations(group, list)
	}
}

func (w *walker) operations(group string, list *etree.Element) {
	if id := attr(list, "id"); id != "" && w.refs[id] {
		w.add(field{group: group, name: "operationsID", el: list, attr: "id", kind: word, value: id, ref: true})
	}
	if from := attr(list, "id-ref"); from != "" {
		w.add(field{group: group, name: "operationsFrom", el: list, attr: "id-ref", kind: word, value: from})
	}
	for _, op := range list.SelectElements("op") {
		g := opPath(group, op)
		w.existence(g, op)
		w.named(g, op)
		w.attrs(g, op, "name", "interval", "role")
		w.sets(g, op, "params", agentParam)
	}
}

// named adds the id of an element that something refers to.
func (w *walker) named(group string, el *etree.Element) {
	if id := attr(el, "id"); w.refs[id] {
		w.add(field{group: group, name: "id", el: el, attr: "id", kind: word, value: id, ref: true})
	}
}

func (w *walker) bundle(el *etree.Element) {
	w.attrs("", el)
	for _, c := range el.ChildElements() {
		switch {
		case slices.Contains(containers, c.Tag):
			w.existence(c.Tag, c)
			w.attrs(c.Tag, c)
		case c.Tag == "network":
			w.existence("network", c)
			w.attrs("network", c)
			w.block("network", "ports", c, "port-mapping")
		}
	}
	w.block("", "storage", el, "storage")
	w.sets("", el, "params", agentParam)
	if p := el.SelectElement("primitive"); p != nil {
		w.existence("resource", p)
		w.add(field{group: "resource", name: "name", el: p, attr: "id", kind: word, value: attr(p, "id")})
		w.resource("resource", p)
	}
}

func (w *walker) alert(el *etree.Element) {
	w.attrs("", el)
	w.block("", "select", el, "select")
	w.sets("", el, "params", word)
	for _, r := range el.SelectElements("recipient") {
		g := "recipients[" + numbered(r, recipientKey) + "]"
		w.existence(g, r)
		w.attrs(g, r, "value")
		w.sets(g, r, "params", word)
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

// rest adds the children of an element that no other rule knows: each is a field with fields of its own.
func (w *walker) rest(group string, el *etree.Element) {
	for _, c := range el.ChildElements() {
		g := joinPath(group, c.Tag+"["+key(c)+"]")
		w.existence(g, c)
		w.attrs(g, c)
		w.rest(g, c)
	}
}
