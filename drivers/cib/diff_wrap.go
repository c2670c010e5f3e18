package cib

import (
	"strings"

	"fmt"
	"slices"
	"sort"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// wrap puts a clone around a resource that is to have one.
func (c *comparison) wrap(root, want *etree.Element) {
	if want.Tag != "clone" {
		return
	}
	if root.Tag == "clone" || root.Tag == "master" {
		if attr(root, "id") != attr(want, "id") {
			c.errs = append(c.errs, fmt.Errorf("%s: spec.clone.name: the clone of %s is named %q in the cluster, and constraints refer to that name; say clone: {name: %s}",
				c.o.Pos["clone"], c.o.Ref.Name, attr(root, "id"), attr(root, "id")))
		}
		return
	}
	el := findID(c.work, attr(root, "id"))
	wrap := etree.NewElement("clone")
	wrap.CreateAttr("id", attr(want, "id"))
	for _, k := range want.ChildElements() {
		if k != inner(want) {
			k = k.Copy()
			c.freshIDs(k)
			wrap.AddChild(k)
		}
	}
	if other := findID(c.work, attr(want, "id")); other != nil {
		c.errs = append(c.errs, fmt.Errorf("%s: spec.clone: the id %q is taken by a <%s> in the cluster; say clone: {name: …}", c.o.Pos["clone"], attr(want, "id"), other.Tag))
		return
	}
	c.do(Edit{Do: create, At: address(el.Parent()), After: attr(el, "id"), XML: Fragment(source(wrap))})
	c.do(Edit{Do: move, At: address(el), To: "clone#" + attr(want, "id")})
	for _, f := range fieldsOf("", wrap) { // they came with it
		c.live[f.path()] = f
		if f.attr != "" {
			c.diff(f.path(), "", shown(f), reconcile.RestartRisk, "")
		}
	}
	delete(c.live, "clone") // so that add tells of it
}

// unwrap takes the clone away from around a resource.
func (c *comparison) unwrap(f field) {
	wrap := findID(c.work, attr(f.el, "id"))
	in := inner(wrap)
	if in == wrap {
		return
	}
	c.do(Edit{Do: move, At: address(in), To: address(wrap.Parent()), After: attr(wrap, "id")})
	c.do(Edit{Do: remove, At: address(wrap)})
}

// place moves a resource into its group, or out of one.
func (c *comparison) place(part Part, root *etree.Element) {
	if part.Section != "resources" || root == nil || root.Parent() == nil {
		return
	}
	in := ""
	if root.Parent().Tag == "group" {
		in = attr(root.Parent(), "id")
	}
	if in == c.o.Group {
		return
	}
	c.diff("group", in, c.o.Group, reconcile.RestartRisk, "it moves between groups")
	if c.o.Group == "" {
		top := root.Parent()
		for top.Parent() != nil && top.Parent().Tag != "resources" {
			top = top.Parent()
		}
		c.do(Edit{Do: move, At: address(root), To: "resources", After: attr(top, "id")})
		return
	}
	if root.Tag != "primitive" {
		c.errs = append(c.errs, fmt.Errorf("%s: %s: is a clone in the cluster and cannot be a member of a group; remove its clone first", c.o.Pos[""], c.o.Ref))
		return
	}
	c.do(Edit{Do: move, At: address(root), To: "group#" + c.o.Group, After: c.memberPlace()})
}

// groupOrders brings the declared members of groups into the declared order.
func (p *planner) groupOrders() {
	for i := 1; i < len(p.want.Objects); i++ {
		o, before := &p.want.Objects[i], &p.want.Objects[i-1]
		if o.Group == "" || o.Group != before.Group {
			continue
		}
		a, b := findID(p.work, before.Ref.Name), findID(p.work, o.Ref.Name)
		if a == nil || b == nil || a.Parent() != b.Parent() || a.Index() < b.Index() {
			continue
		}
		if g := findID(p.live, o.Group); g != nil {
			p.pinElement(g, o.Ref)
		}
		p.do(Edit{Do: move, At: address(b), To: address(a.Parent()), After: before.Ref.Name})
		p.change(o, reconcile.Update, "group", "before "+before.Ref.Name, "after "+before.Ref.Name, reconcile.RestartRisk, "order is meaning in a group")
		if !slices.Contains(p.awaited, o.Ref.Name) {
			p.awaited = append(p.awaited, o.Ref.Name)
		}
	}
}

// finish turns the differences of an object into changes of one action.
func (c *comparison) finish() {
	if len(c.diffs) == 0 && !c.whole {
		return
	}
	action, why, least := reconcile.Update, "", reconcile.Safe
	switch {
	case c.whole || !c.found && c.inv.el == nil && (c.o.Ref.Kind == "Cluster" || c.o.Ref.Kind == "Node"):
		action = reconcile.Create
		c.changes = append(c.changes, reconcile.Change{Object: c.o.Ref, Action: action, Source: c.o.Pos[""]})
		if members := c.members(); members != "" {
			c.changes = append(c.changes, reconcile.Change{Object: c.o.Ref, Action: action, Path: "resources", Want: members, Source: c.o.Pos[""]})
		}
	case c.inv.el == nil:
		action, least, why = reconcile.Adopt, reconcile.AdoptRisk, "it was made by someone else and differs"
	}
	for _, d := range c.diffs {
		d.Action = action
		if least > d.Risk {
			d.Risk = least
			if d.Why == "" {
				d.Why = why
			}
		}
		if action == reconcile.Create {
			d.Risk = reconcile.Safe // nothing that runs notices what is new; reactions are predicted
		} else {
			raise(&d)
		}
		c.changes = append(c.changes, d)
	}
	if k := c.o.Ref.Kind; k == "Resource" || k == "ResourceGroup" || k == "FenceDevice" {
		c.awaited = append(c.awaited, c.o.Ref.Name)
		if g := c.o.Group; g != "" && !slices.Contains(c.awaited, g) {
			c.awaited = append(c.awaited, g) // the members behind it restart with it
		}
	}
}

// members lists what a new group is made of.
func (c *comparison) members() string {
	var names []string
	for _, o := range c.planner.want.Objects {
		if o.Group != "" && o.Group == c.o.Ref.Name {
			names = append(names, o.Ref.Name)
		}
	}
	return strings.Join(names, ", ")
}

func sortedKeys(m map[string]bool) []string {
	ks := make([]string, 0, len(m))
	for k := range m {
		ks = append(ks, k)
	}
	sort.Strings(ks)
	return ks
}

func sortedRefs(m map[reconcile.Ref]entry) []reconcile.Ref {
	rs := make([]reconcile.Ref, 0, len(m))
	for r := range m {
		rs = append(rs, r)
	}
	sort.Slice(rs, func(i, j int) bool { return rs[i].String() < rs[j].String() })
	return rs
}
