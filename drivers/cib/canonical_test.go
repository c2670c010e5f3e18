package cib

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// canonicalCIB writes the configuration of a CIB as lines, one an element, so that two that mean the same give the same lines. Equal are:
//
//   - XML: the order of attributes; comments and white space; empty sections, attribute sets, lists of operations and folders
//   - ids of nvpairs, ops and lists of them, attribute sets, rules and their parts, resource_sets, permissions, port and storage mappings and
//     selected attributes, unless something refers to them by id-ref, tag or ACL; ids of objects, levels and recipients always count
//   - the order of nvpairs with different names in a set; that of the sets, operations and members of a resource among each other, not of those
//     of one tag; that of fencing levels for different nodes; that of members before other nodes; of the words in an alert's select
//   - roles in older and newer words; time spans in any unit; INFINITY in any case, with or without a plus, and numbers beyond it
//   - master-max and promoted-max, masters and promoted-max, <master> and a clone with promotable=true
//   - a rule's boolean-op where it has one expression, or "and", which is the default; the score and role of a rule inside a rule; the score of a
//     rule that is not a location's; value-source="literal"; what a test for being defined compares with
//   - type="member" of a node, or none; score=0 of a colocation, or none; an empty description
//   - cib-bootstrap-options wherever it stands and whatever its score, or another set that is alone: Pacemaker reads it first
//   - what separates the entries of pcmk_host_list and pcmk_host_map, and the order of the latter
//   - a password in clear text and a reference to it
//
// Left out are hactl's inventory, Pacemaker's own properties, and what resource agents write while they run (atRunTime).
func canonicalCIB(doc *etree.Document) []string {
	c := &canonicalWriter{im: &importer{referred: map[string]bool{}, kept: map[string]bool{}, made: map[string]bool{}, avoiding: map[string]*etree.Element{},
		users: map[string][]string{}}}
	conf := doc.Root().SelectElement("configuration").Copy()
	c.im.survey(conf)
	c.element(conf, "")
	return c.lines
}

type canonicalWriter struct {
	im    *importer
	lines []string
}

func (c *canonicalWriter) element(el *etree.Element, indent string) {
	if c.idle(el) {
		return
	}
	c.lines = append(c.lines, indent+c.tag(el))
	var last []string
	if el.Tag == "master" {
		last = append(last, indent+"  <meta_attributes>", indent+"    <nvpair name=\"promotable\" value=\"true\">")
	}
	for _, k := range c.children(el) {
		c.element(k, indent+"  ")
	}
	c.lines = append(c.lines, last...)
	for _, t := range el.Child {
		if text, ok := t.(*etree.CharData); ok && !text.IsWhitespace() {
			c.lines = append(c.lines, indent+"  "+strings.TrimSpace(text.Data))
		}
	}
}

// idle tells elements that say nothing, and those that are nobody's configuration.
func (c *canonicalWriter) idle(el *etree.Element) bool {
	switch el.Tag {
	case "crm_config", "rsc_defaults", "op_defaults", "resources", "constraints", "nodes", "acls", "tags", "alerts", "fencing-topology", "operations",
		"storage", "instance_attributes", "meta_attributes", "utilization", "cluster_property_set":
		if id := attr(el, "id"); el.Tag == "cluster_property_set" && (id == "hactl" || atRunTime.MatchString(id)) {
			return true
		}
		return !has(el, "id-ref") && !c.im.referred[attr(el, "id")] &&
			!slices.ContainsFunc(el.ChildElements(), func(k *etree.Element) bool { return !c.idle(k) })
	case "nvpair":
		name, in := attr(el, "name"), el.Parent().Tag
		return in == "cluster_property_set" && slices.Contains(pacemakersOwn, name) ||
			(in == "cluster_property_set" || el.Parent().Parent().Tag == "node") && atRunTime.MatchString(name)
	}
	return false
}

// children orders what has no order.
func (c *canonicalWriter) children(el *etree.Element) []*etree.Element {
	kids := el.ChildElements()
	var key func(k *etree.Element) string
	switch el.Tag {
	case "configuration", "select", "primitive", "template", "group", "clone", "master", "bundle", "op", "node", "alert", "recipient", "rsc_location",
		"rsc_order", "rsc_colocation":
		key = func(k *etree.Element) string { return k.Tag }
	case "instance_attributes", "meta_attributes", "utilization", "cluster_property_set":
		key = func(k *etree.Element) string {
			return k.Tag + canonicalName(attr(k, "name")) + "@" + attr(k, "id-ref")
		}
	case "crm_config":
		key = func(k *etree.Element) string { return fmt.Sprint(attr(k, "id") != bootstrapID) }
	case "nodes":
		key = func(k *etree.Element) string { return fmt.Sprint(!c.im.isMember(k)) }
	case "fencing-topology":
		key = func(k *etree.Element) string {
			return attr(k, "target") + "|" + attr(k, "target-pattern") + "|" + attr(k, "target-attribute") + "=" + attr(k, "target-value")
		}
	default:
		return kids
	}
	slices.SortStableFunc(kids, func(a, b *etree.Element) int { return cmp.Compare(key(a), key(b)) })
	return kids
}

func (c *canonicalWriter) tag(el *etree.Element) string {
	var as []string
	for _, a := range el.Attr {
		if k, v, ok := c.attribute(el, a.FullKey(), a.Value); ok {
			as = append(as, fmt.Sprintf(" %s=%q", k, v))
		}
	}
	if el.Tag == "rsc_colocation" && !has(el, "score") {
		as = append(as, ` score="0"`)
	}
	slices.Sort(as)
	tag := el.Tag
	if tag == "master" {
		tag = "clone"
	}
	return "<" + tag + strings.Join(as, "") + ">"
}

func (c *canonicalWriter) attribute(el *etree.Element, k, v string) (string, string, bool) {
	parent := ""
	if el.Parent() != nil {
		parent = el.Parent().Tag
	}
	switch k {
	case "id":
		return k, v, c.im.referred[v] || el.Tag == "recipient" || el.Tag == "fencing-level" || el.Tag == "resource_ref" || el.Tag == "obj_ref" || el.Tag == "role" ||
			!slices.Contains(namedByHactl, el.Tag) && el.Tag != "cluster_property_set"
	case "score":
		return k, tidyScore(v), !(el.Tag == "rule" && parent != "rsc_location") && attr(el, "id") != bootstrapID
	case "role", "rsc-role", "with-rsc-role":
		return k, canonicalRole(v), !(el.Tag == "rule" && parent == "rule")
	case "score-attribute":
		return k, v, parent != "rule"
	case "boolean-op":
		return k, v, v != "and" && len(el.ChildElements()) > 1
	case "interval", "timeout", "start-delay":
		return k, spanText(v), true
	case "masters":
		return "promoted-max", v, true
	case "type", "value", "value-source":
		if op := attr(el, "operation"); el.Tag == "expression" && (op == "defined" || op == "not_defined") {
			return k, v, false
		}
		if el.Tag == "node" {
			return k, v, v != "member"
		}
		if el.Tag == "nvpair" {
			return c.pair(el, k, v)
		}
		return k, v, v != "literal"
	case "name":
		if el.Tag == "nvpair" && parent == "meta_attributes" || parent == "cluster_property_set" {
			v = canonicalName(v)
		}
		return k, v, true
	case "description":
		return k, v, v != ""
	}
	return k, v, true
}

func (c *canonicalWriter) pair(el *etree.Element, k, v string) (string, string, bool) {
	switch name := attr(el, "name"); {
	case v == lrm || secretPair(el) && v != "":
		v = reconcile.Mask
	case name == "pcmk_host_list":
		v = strings.Join(splitHosts(v), ",")
	case name == "pcmk_host_map":
		entries := splitMap(v)
		slices.Sort(entries)
		v = strings.Join(entries, ";")
	case name == "promotable":
		if yes, ok := boolean(v); ok {
			v = fmt.Sprint(yes)
		}
	}
	return k, v, true
}
