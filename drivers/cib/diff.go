package cib

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/drivers/corosync"
	"github.com/hactl/hactl/reconcile"
)

// object compares one object with the live CIB and turns the differences into edits.
func (p *planner) object(o *wanted) {
	p.authors.turn(o.Ref)
	c := &comparison{planner: p, o: o, inv: p.inv[o.Ref], live: map[string]field{}, want: map[string]bool{}}
	for _, f := range o.fields {
		c.want[f.path()] = true
	}
	for i, part := range o.Parts {
		c.part(i, part, o.els[i])
	}
	c.removed()
	if o.Fence != nil && c.touched() {
		p.probes = append(p.probes, *o.Object)
	}
	c.finish()
}

// comparison is of one object.
type comparison struct {
	*planner
	o   *wanted
	inv entry
	// whole tells that the object is not there at all.
	whole bool
	// found tells that a wanted field is there.
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
	c.authors.change(c.o.Ref, path)
	c.diffs = append(c.diffs, reconcile.Change{Object: c.o.Ref, Action: reconcile.Update, Path: path, Have: have, Want: want, Source: pos, Risk: r, Why: why})
}

func (c *comparison) errorf(path, format string, args ...any) {
	pos, ok := c.o.Pos[path]
	if !ok {
		pos = c.o.Pos[""]
	}
	c.errs = append(c.errs, fmt.Errorf("%s: %s: %s", pos, c.o.Ref, fmt.Sprintf(format, args...)))
}

// liveRoot finds a part's element in the live CIB: resources by the innermost id, sets by their place or id, nodes by name, fencing levels
// by target and index.
func (c *comparison) liveRoot(part Part, want *etree.Element) *etree.Element {
	switch part.Section {
	case "crm_config", "rsc_defaults", "op_defaults":
		return c.sharedSet(section(c.planner.live.Document, part.Section), part, want)
	case "nodes":
		return c.homes.nodes[attr(want, "uname")]
	case "fencing-topology":
		return c.homes.levels[levelKey(want)]
	}
	el := c.planner.live.findIn(part.Section, attr(inner(want), "id"))
	if el != nil && (el.Tag == "primitive" || el.Tag == "group") {
		if p := el.Parent(); p.Tag == "clone" || p.Tag == "master" {
			return p
		}
	}
	return el
}

// sharedSet finds a set of a section that holds everybody's options.
func (c *comparison) sharedSet(section *etree.Element, part Part, want *etree.Element) *etree.Element {
	switch {
	case section == nil:
		return nil
	case isLong(part):
		for _, s := range section.SelectElements(want.Tag) {
			if attr(s, "id") == attr(want, "id") && attr(s, "id-ref") == attr(want, "id-ref") {
				return s
			}
		}
		return nil
	case section.Tag == "crm_config":
		return c.o.plainProperties(section)
	}
	return c.o.plainSet(section, want.Tag)
}

// isLong tells a set of the long form among the parts of a cluster.
func isLong(part Part) bool { return isSet(part.Section) && strings.HasSuffix(part.Prefix, "]") }

// inner is the primitive or group in a clone, or the element itself.
func inner(el *etree.Element) *etree.Element {
	if el != nil && (el.Tag == "clone" || el.Tag == "master") {
		for _, t := range el.Child {
			if c, ok := t.(*etree.Element); ok && (c.Tag == "primitive" || c.Tag == "group") {
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
	wanted := c.o.parts[i]
	for _, f := range fieldsOf(part.Prefix, root, c.o.view) {
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
		c.errorf("", "the id %q belongs to a <%s> in the cluster, and here to a <%s>; choose another name or delete that one",
			attr(inner(want), "id"), inner(root).Tag, inner(want).Tag)
		return
	}
	if was, is := attr(inner(root), "class"), attr(inner(want), "class"); was != "" && is != "" && (was == "stonith") != (is == "stonith") {
		// One is known to the scheduler, the other to the fencer as well: it would not be the same object, nor protected as such.
		c.errorf("", "the id %q belongs to a %s in the cluster, whose agent is %s; choose another name or delete that one", attr(inner(want), "id"), kindOf(inner(root)), agentOf(inner(root)))
		return
	}
	if isSet(part.Section) || part.Section == "nodes" {
		c.found = c.found || slices.ContainsFunc(wanted, func(f field) bool { _, ok := c.live[f.path()]; return ok })
	} else {
		c.found = true
	}
	before := len(c.diffs)
	c.wrap(root, want)
	at := c.rootIn(root)
	if at == nil {
		return // told by rootIn
	}
	c.place(part, at)
	created := map[*etree.Element]bool{}
	for _, f := range wanted {
		c.field(part, f, want, at, created)
	}
	if len(c.diffs) > before && !isSet(part.Section) && part.Section != "nodes" {
		c.pin(root)
	}
}

func (c *comparison) declares(path string) bool { return c.want[path] }

// rootIn finds the element in the working copy; a clone that was just made around it counts. Where its id is there several times, the first
// is looked at; an edit tells.
func (c *comparison) rootIn(root *etree.Element) *etree.Element {
	in := inner(root)
	el, err := c.work.resolve(address(in))
	if err != nil {
		for _, x := range c.work.ids[attr(in, "id")] {
			if x.Tag == in.Tag {
				el = x
				break
			}
		}
	}
	if el == nil {
		c.errorf("", "%v", err)
		return nil
	}
	if p := el.Parent(); p != nil && (p.Tag == "clone" || p.Tag == "master") {
		return p
	}
	return el
}

// shown is a field's value for people.
func shown(f field) string {
	switch {
	case f.el != nil && secretPair(f.el), f.attr == "value" && (f.value == lrm || clearSecret.MatchString(f.value)):
		return reconcile.Mask
	case f.none:
		return "(no value)"
	}
	return f.value
}

// field compares one wanted field; root is the part's element in the working copy.
func (c *comparison) field(part Part, f field, want, root *etree.Element, created map[*etree.Element]bool) {
	for el := f.el; el != nil; el = el.Parent() {
		if created[el] { // it came with an element that is new
			if !f.whole() {
				c.diff(f.path(), "", shown(f), c.risk(f.path()), "")
			}
			return
		}
	}
	live, ok := c.live[f.path()]
	switch {
	case ok && (f.whole() || c.equal(f, live)):
	case !ok && c.saysNothing(f):
	case ok && live.attr == masterAttr:
		c.errorf(f.path(), "is a <master> in the cluster, which is always promotable; make it a clone there first (cibadmin --replace), or say promotable: true")
	case ok && f.kind == block:
		c.replaceBlock(part, f, live.el)
		c.diff(f.path(), shown(live), shown(f), c.risk(f.path()), "")
	case ok:
		c.inline(f)
		value := reconcile.Plain(f.value)
		if secretPair(f.el) {
			value = reconcile.Secret(f.value)
		}
		c.pinField(part, live)
		if f.none {
			c.do(Edit{Do: unset, At: address(live.el), Attr: live.attr})
		} else {
			c.do(Edit{Do: set, At: address(live.el), Attr: live.attr, Value: value})
		}
		c.diff(f.path(), shown(live), shown(f), c.risk(f.path()), "")
	default:
		c.add(part, f, want, root, created)
	}
}

func (c *comparison) equal(f, live field) bool {
	if live.value == reconcile.Mask { // a recorded CIB: its passwords were left out
		c.uncompared(f, "is not compared: the recorded CIB leaves passwords out")
		c.clear[secretKey{c.o.Ref, f.path()}] = true
		return true
	}
	if f.value == lrm && f.attr == "value" && live.value != lrm && !live.none {
		if equal, told := c.clearText(f, live); told {
			return equal
		}
	}
	name := f.attr
	if f.attr == "value" {
		name = f.name
	}
	return f.none == live.none && same(f.kind, name, f.value, live.value)
}

func (c *comparison) uncompared(f field, text string) {
	c.note(reconcile.Note{Kind: reconcile.NoteWarning, Object: c.o.Ref, Path: f.path(), Source: c.o.Pos[f.path()], Text: text})
}
