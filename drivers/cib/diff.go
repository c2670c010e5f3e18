package cib

import (
	"fmt"
	"slices"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/drivers/corosync"
	"github.com/hactl/hactl/reconcile"
)

// object compares one object with the live CIB and turns the differences into edits.
func (p *planner) object(o Object) {
	c := &comparison{planner: p, o: &o, inv: p.inv[o.Ref]}
	for i, part := range o.Parts {
		want, err := fragment(part.XML)
		if err != nil {
			p.errs = append(p.errs, fmt.Errorf("%s: %w", o.Ref, err))
			return
		}
		inWords(want, p.schema)
		c.part(i, part, want)
	}
	c.removed()
	if o.Fence != nil && c.touched() {
		p.probes = append(p.probes, o)
	}
	c.finish()
}

// comparison is of one object.
type comparison struct {
	*planner
	o   *Object
	inv entry
	// whole tells that the object is not there at all.
	whole bool
	// found tells that a wanted field is there; lists counts the fields that are wanted.
	found bool
	diffs []reconcile.Change
	live  map[string]field
	order []string // the paths of live
	want  map[string]bool
}

func (c *comparison) touched() bool { return len(c.diffs) > 0 }

func (c *comparison) diff(path, have, want string, r reconcile.Risk, why string) {
	pos, ok := c.o.Pos[path]
	if !ok {
		pos = c.o.Pos[""]
	}
	c.diffs = append(c.diffs, reconcile.Change{Object: c.o.Ref, Action: reconcile.Update, Path: path, Have: have, Want: want, Source: pos, Risk: r, Why: why})
}

// liveRoot finds a part's element: resources by the innermost id, sets by their place, nodes by name.
func (c *comparison) liveRoot(part Part, want *etree.Element) *etree.Element {
	switch part.Section {
	case "crm_config":
		return plainProperties(section(c.planner.live, "crm_config"))
	case "rsc_defaults", "op_defaults":
		s := section(c.planner.live, part.Section)
		if s == nil {
			return nil
		}
		return plainSet(s, "meta_attributes")
	case "nodes":
		s := section(c.planner.live, "nodes")
		if s == nil {
			return nil
		}
		for _, n := range s.ChildElements() {
			if attr(n, "uname") == attr(want, "uname") {
				return n
			}
		}
		return nil
	}
	el := findID(c.planner.live, attr(inner(want), "id"))
	if el != nil && (el.Tag == "primitive" || el.Tag == "group") {
		if p := el.Parent(); p.Tag == "clone" || p.Tag == "master" {
			return p
		}
	}
	return el
}

// inner is the primitive or group in a clone, or the element itself.
func inner(el *etree.Element) *etree.Element {
	if el != nil && (el.Tag == "clone" || el.Tag == "master") {
		for _, c := range el.ChildElements() {
			if c.Tag == "primitive" || c.Tag == "group" {
				return c
			}
		}
	}
	return el
}

func isSet(section string) bool {
	return section == "crm_config" || section == "rsc_defaults" || section == "op_defaults"
}

func (c *comparison) part(i int, part Part, want *etree.Element) {
	root := c.liveRoot(part, want)
	wanted := fieldsOf(part.Prefix, want)
	if c.want == nil {
		c.want, c.live = map[string]bool{}, map[string]field{}
	}
	for _, f := range wanted {
		c.want[f.path()] = true
	}
	for _, f := range fieldsOf(part.Prefix, root) {
		if f.el != nil && attr(f.el, "id") == corosync.SeedID && !c.declares("properties.dc-deadtime") {
			continue // handled by seed
		}
		c.live[f.path()] = f
		c.order = append(c.order, f.path())
	}
	if root == nil {
		c.create(i, part, want, wanted)
		return
	}
	if !isSet(part.Section) && inner(root).Tag != inner(want).Tag {
		c.errs = append(c.errs, fmt.Errorf("%s: %s: the id %q belongs to a <%s> in the cluster, and here to a <%s>; choose another name or delete that one",
			c.o.Pos[""], c.o.Ref, attr(inner(want), "id"), inner(root).Tag, inner(want).Tag))
		return
	}
	if isSet(part.Section) || part.Section == "nodes" {
		c.found = c.found || slices.ContainsFunc(wanted, func(f field) bool { _, ok := c.live[f.path()]; return ok })
	} else {
		c.found = true
	}
	before := len(c.diffs)
	c.wrap(root, want)
	root = c.rootIn(c.work, root)
	c.place(part, root)
	created := map[*etree.Element]bool{}
	for _, f := range wanted {
		c.field(part, f, want, root, created)
	}
	if len(c.diffs) > before && !isSet(part.Section) && part.Section != "nodes" {
		c.pin(c.liveRoot(part, want))
	}
}

func (c *comparison) declares(path string) bool { return c.want[path] }

// rootIn finds the element in another document; a clone that was just made around it counts.
func (c *comparison) rootIn(doc *etree.Document, root *etree.Element) *etree.Element {
	el := findID(doc, attr(inner(root), "id"))
	if el != nil && el.Parent() != nil && (el.Parent().Tag == "clone" || el.Parent().Tag == "master") {
		return el.Parent()
	}
	if el == nil {
		el = findID(doc, attr(root, "id"))
	}
	return el
}

// create makes a part that is not there.
func (c *comparison) create(i int, part Part, want *etree.Element, wanted []field) {
	if isSet(part.Section) && len(wanted) == 0 {
		return
	}
	el := want.Copy()
	for _, k := range el.ChildElements() {
		if k != inner(el) {
			c.freshIDs(k)
		}
	}
	if in := inner(el); in != el {
		for _, k := range in.ChildElements() {
			c.freshIDs(k)
		}
	}
	c.sectionHome(part.Section)
	at, after := part.Section, ""
	if c.o.Group != "" {
		at, after = "group#"+c.o.Group, c.memberPlace()
	}
	switch {
	case part.Section == "crm_config":
		after = "^"
		c.pins = append(c.pins, Pin{Object: c.o.Ref, ID: attr(el, "id")})
	case isSet(part.Section):
		el.CreateAttr("id", c.uniqueID(attr(el, "id")))
	default:
		for _, id := range []string{attr(el, "id"), attr(inner(el), "id")} {
			if other := findID(c.work, id); other != nil {
				c.errs = append(c.errs, fmt.Errorf("%s: %s: the id %q is taken by a <%s> in the cluster; choose another name",
					c.o.Pos[""], c.o.Ref, id, other.Tag))
				return
			}
		}
		c.pins = append(c.pins, Pin{Object: c.o.Ref, ID: attr(inner(el), "id")})
	}
	c.do(Edit{Do: create, At: at, After: after, XML: Fragment(source(el))})
	c.whole = c.whole || i == 0 && !isSet(part.Section)
	for _, f := range wanted {
		c.diff(f.path(), "", shown(f), reconcile.Safe, "")
	}
}

// memberPlace is the id after which a new member of a group goes: the nearest declared one before it that is there.
func (c *comparison) memberPlace() string {
	g := findID(c.work, c.o.Group)
	if g == nil {
		return ""
	}
	var declared []string
	for _, o := range c.planner.want.Objects {
		if o.Ref == c.o.Ref {
			break
		}
		if o.Group == c.o.Group {
			declared = append(declared, o.Ref.Name)
		}
	}
	for i := len(declared) - 1; i >= 0; i-- {
		if m := findID(c.work, declared[i]); m != nil && m.Parent() == g {
			return declared[i]
		}
	}
	last := ""
	for _, k := range g.ChildElements() { // in front of the members
		if k.Tag == "primitive" {
			break
		}
		last = attr(k, "id")
	}
	if last == "" {
		return "^"
	}
	return last
}

// shown is a field's value for people.
func shown(f field) string {
	if f.el != nil && secretPair(f.el) {
		return reconcile.Mask
	}
	if f.attr == "value" && f.value == lrm {
		return reconcile.Mask
	}
	return f.value
}

// field compares one wanted field; root is the part's element in the working copy.
func (c *comparison) field(part Part, f field, want, root *etree.Element, created map[*etree.Element]bool) {
	for el := f.el; el != nil; el = el.Parent() {
		if created[el] { // it came with an element that is new
			if f.attr != "" {
				c.diff(f.path(), "", shown(f), c.risk(f.path()), "")
			}
			return
		}
	}
	live, ok := c.live[f.path()]
	switch {
	case ok && (f.attr == "" || c.equal(f, live)):
	case ok:
		value := reconcile.Plain(f.value)
		if secretPair(f.el) {
			value = reconcile.Secret(f.value)
		}
		c.pinField(part, live)
		c.do(Edit{Do: set, At: address(live.el), Attr: live.attr, Value: value})
		c.diff(f.path(), shown(live), shown(f), c.risk(f.path()), "")
	default:
		c.add(part, f, want, root, created)
	}
}

func (c *comparison) equal(f, live field) bool {
	if live.value == reconcile.Mask { // a recorded CIB: its passwords were left out
		c.note(reconcile.Note{Kind: reconcile.NoteWarning, Object: c.o.Ref, Path: f.path(), Source: c.o.Pos[f.path()],
			Text: "is not compared: the recorded CIB leaves passwords out"})
		return true
	}
	name := f.attr
	if f.attr == "value" {
		name = f.name
	}
	return same(f.kind, name, f.value, live.value)
}
