package cib

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// tree is a CIB whose elements are found by their ids at once. What changes it keeps the index: add and drop.
type tree struct {
	*etree.Document
	ids map[string][]*etree.Element // of the configuration
}

func newTree(doc *etree.Document) *tree {
	t := &tree{Document: doc, ids: map[string][]*etree.Element{}}
	if c := doc.Root().SelectElement("configuration"); c != nil {
		t.add(c)
	}
	return t
}

// refers tells the elements whose id is that of another element.
func refers(tag string) bool { return tag == "resource_ref" || tag == "obj_ref" || tag == "role" }

// apart tells the elements whose ids are names of their own: a node may have the id of a resource (nodes-3.9.rng, acls-3.8.rng: text).
func apart(tag string) bool { return tag == "node" || tag == "acl_target" }

// add takes an element and what is in it into the index.
func (t *tree) add(el *etree.Element) {
	if id := attr(el, "id"); id != "" && !refers(el.Tag) {
		t.ids[id] = append(t.ids[id], el)
	}
	for _, c := range el.Child {
		if c, ok := c.(*etree.Element); ok {
			t.add(c)
		}
	}
}

// drop takes an element and what is in it out of the index.
func (t *tree) drop(el *etree.Element) {
	if id := attr(el, "id"); id != "" && !refers(el.Tag) {
		t.ids[id] = slices.DeleteFunc(t.ids[id], func(x *etree.Element) bool { return x == el })
	}
	for _, c := range el.Child {
		if c, ok := c.(*etree.Element); ok {
			t.drop(c)
		}
	}
}

// find gives the element with an id, or nil; the first where there are several.
func (t *tree) find(id string) *etree.Element {
	for _, el := range t.ids[id] {
		if !apart(el.Tag) {
			return el
		}
	}
	return nil
}

// findIn gives the element with an id that stands in a section, outside of any attribute set, list of operations and the like.
func (t *tree) findIn(section, id string) *etree.Element {
	for _, el := range t.ids[id] {
		if p := el.Parent(); p != nil && (p.Tag == section || section == "resources" && holdsResources(p.Tag)) {
			return el
		}
	}
	return nil
}

func holdsResources(tag string) bool {
	return tag == "group" || tag == "clone" || tag == "master" || tag == "bundle"
}

// address writes an element's address: TAG#ID, or the parent's address and /TAG, where @ID behind tells a reference and :N the Nth of several.
func address(el *etree.Element) string {
	if id := attr(el, "id"); id != "" && !refers(el.Tag) {
		return el.Tag + "#" + escapeID.Replace(id)
	}
	p := el.Parent()
	if p == nil || p.Tag == "configuration" || p.Tag == "cib" || p.Tag == "" {
		return el.Tag
	}
	at := address(p) + "/" + el.Tag
	n, same := 0, 0
	for _, c := range p.SelectElements(el.Tag) {
		if c == el {
			n = same
		}
		same++
	}
	switch {
	case has(el, "id-ref"):
		at += "@" + escapeID.Replace(attr(el, "id-ref"))
	case n > 0:
		at += fmt.Sprintf(":%d", n+1)
	}
	return at
}

var (
	escapeID   = strings.NewReplacer("%", "%25", "/", "%2F")
	unescapeID = strings.NewReplacer("%25", "%", "%2F", "/")
)

// resolve finds an addressed element. There is an error where the address fits several: real CIBs repeat ids, and none of them may be taken
// for another.
func (t *tree) resolve(at string) (*etree.Element, error) {
	steps := strings.Split(at, "/")
	var el *etree.Element
	switch tag, id, named := strings.Cut(steps[0], "#"); {
	case named:
		var found []*etree.Element
		for _, x := range t.ids[unescapeID.Replace(id)] {
			if x.Tag == tag {
				found = append(found, x)
			}
		}
		if len(found) > 1 {
			return nil, fmt.Errorf("the id %q is in the cluster %d times: %s; give each its own id there (cibadmin --replace) and plan again",
				unescapeID.Replace(id), len(found), places(found))
		}
		if len(found) == 1 {
			el = found[0]
		}
	case steps[0] == "configuration":
		el = t.Root().SelectElement("configuration")
	default:
		el = section(t.Document, steps[0])
	}
	for _, s := range steps[1:] {
		if el == nil {
			break
		}
		el = step(el, s)
	}
	if el == nil {
		return nil, fmt.Errorf("there is no %s", at)
	}
	return el, nil
}

// step finds a child: TAG, TAG@ID of a reference, or TAG:N.
func step(el *etree.Element, s string) *etree.Element {
	tag, ref, byRef := strings.Cut(s, "@")
	n := 1
	if !byRef {
		if t, number, ok := strings.Cut(s, ":"); ok {
			tag = t
			if _, err := fmt.Sscanf(number, "%d", &n); err != nil {
				return nil
			}
		}
	}
	for _, c := range el.SelectElements(tag) {
		if byRef && attr(c, "id-ref") != unescapeID.Replace(ref) {
			continue
		}
		if n--; n == 0 {
			return c
		}
	}
	return nil
}

// places writes where elements stand.
func places(els []*etree.Element) string {
	var out []string
	for _, el := range els {
		at := el.Tag
		for p := el.Parent(); p != nil && p.Tag != "configuration"; p = p.Parent() {
			if id := attr(p, "id"); id != "" {
				at = p.Tag + "#" + id + "/" + at
			} else {
				at = p.Tag + "/" + at
			}
		}
		out = append(out, at)
	}
	return strings.Join(out, " and ")
}

// childOrder is the order of children that the schema asks for, or that pcs keeps where it asks for none; a missing tag has no place of its own.
var childOrder = map[string][]string{
	"configuration": {"crm_config", "rsc_defaults", "op_defaults", "nodes", "resources", "constraints", "fencing-topology", "acls", "tags", "alerts"},
	"bundle":        {"docker", "podman", "rkt", "network", "storage", "instance_attributes meta_attributes", "primitive"},
	"alert":         {"select", "instance_attributes meta_attributes", "recipient"},
	"rsc_location":  {"resource_set", "rule", "lifetime"},
	"rsc_order":     {"lifetime", "resource_set"}, "rsc_colocation": {"lifetime", "resource_set"},
}

// resourceChildren is that of all else: sets first, then what stands in resources.
var resourceChildren = []string{"instance_attributes meta_attributes utilization", "operations primitive group"}

// nvsetOrder is that of attribute sets.
var nvsetOrder = []string{"rule", "nvpair"}

// rankPlace is where a new child of a tag goes: behind the last one that stands before it in the schema's order.
func rankPlace(parent *etree.Element, tag string) int {
	order := childOrder[parent.Tag]
	switch {
	case order != nil:
	case slices.Contains(setTags, parent.Tag) || parent.Tag == "cluster_property_set":
		order = nvsetOrder
	default:
		order = resourceChildren
	}
	rank := func(tag string) int {
		return slices.IndexFunc(order, func(tags string) bool { return slices.Contains(strings.Fields(tags), tag) })
	}
	mine := rank(tag)
	if mine < 0 {
		return len(parent.Child)
	}
	for i := len(parent.Child) - 1; i >= 0; i-- {
		if c, ok := parent.Child[i].(*etree.Element); ok && rank(c.Tag) <= mine {
			return i + 1
		}
	}
	return 0
}
