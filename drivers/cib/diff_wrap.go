package cib

import (
	"cmp"
	"slices"
	"sort"
	"strings"

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
			c.errorf("clone", "its clone is named %q in the cluster, and constraints refer to that name; say clone: {name: %s}", attr(root, "id"), attr(root, "id"))
		}
		return
	}
	el := c.rootIn(root)
	if el == nil {
		return
	}
	if other := c.work.find(attr(want, "id")); other != nil {
		c.errorf("clone", "the id %q is taken by a <%s> in the cluster; say clone: {name: …}", attr(want, "id"), other.Tag)
		return
	}
	wrap := element("clone", attr(want, "id"))
	if d := attr(want, "description"); d != "" {
		wrap.CreateAttr("description", d)
	}
	for _, k := range want.ChildElements() {
		if k != inner(want) {
			k = k.Copy()
			if !c.freshIDs(k) {
				return
			}
			wrap.AddChild(k)
		}
	}
	c.do(Edit{Do: create, At: address(el.Parent()), After: attr(el, "id"), XML: Fragment(source(wrap))})
	c.do(Edit{Do: move, At: address(el), To: "clone#" + attr(want, "id")})
	c.authors.change(c.o.Ref, "clone")
	for _, f := range fieldsOf("", wrap, c.o.view) { // they came with it
		c.live[f.path()] = f
		if !f.whole() {
			c.diff(f.path(), "", shown(f), reconcile.RestartRisk, "")
		}
	}
	delete(c.live, "clone") // so that add tells of it
}

// unwrap takes the clone away from around a resource.
func (c *comparison) unwrap(f field) {
	wrap, err := c.work.resolve(address(f.el))
	in := inner(wrap)
	if err != nil || in == wrap {
		c.errorf("", "its clone cannot be taken away: %v", err)
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
	if p := root.Parent().Tag; p == "group" || p == "bundle" {
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
		c.authors.change(c.o.Ref, "group")
		return
	}
	if root.Tag != "primitive" {
		c.errorf("", "is a clone in the cluster and cannot be a member of a group; remove its clone first")
		return
	}
	c.do(Edit{Do: move, At: address(root), To: "group#" + c.o.Group, After: c.memberPlace()})
	c.authors.change(c.o.Ref, "group")
}

// groupOrders brings the declared members of groups into the declared order.
func (p *planner) groupOrders() {
	for i := 1; i < len(p.objects); i++ {
		o, before := p.objects[i], p.objects[i-1]
		if o.Group == "" || o.Group != before.Group {
			continue
		}
		a, b := p.work.findIn("resources", before.Ref.Name), p.work.findIn("resources", o.Ref.Name)
		if a == nil || b == nil || a.Parent() != b.Parent() || a.Index() < b.Index() {
			continue
		}
		if g := p.live.findIn("resources", o.Group); g != nil {
			p.pinElement(g, o.Ref)
		}
		p.authors.turn(o.Ref)
		p.do(Edit{Do: move, At: address(b), To: address(a.Parent()), After: before.Ref.Name})
		p.change(o.Object, reconcile.Update, "group", "before "+before.Ref.Name, "after "+before.Ref.Name, reconcile.RestartRisk, "order is meaning in a group")
		p.await(o.Ref.Name)
	}
}

// finish turns the differences of an object into changes of one action.
func (c *comparison) finish() {
	if len(c.diffs) == 0 && !c.whole {
		return
	}
	c.writable()
	action, why, least := reconcile.Update, "", reconcile.Safe
	switch {
	case c.whole || !c.found && c.inv.el == nil && (c.o.Ref.Kind == "Cluster" || c.o.Ref.Kind == "Node"):
		action = reconcile.Create
		c.tell(reconcile.Change{Object: c.o.Ref, Action: action, Source: c.o.Pos[""]})
		if members := c.membersOf(); members != "" {
			c.tell(reconcile.Change{Object: c.o.Ref, Action: action, Path: "resources", Want: members, Source: c.o.Pos[""]})
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
		c.tell(d)
	}
	switch c.o.Ref.Kind {
	case "Resource", "ResourceGroup", "FenceDevice", "Bundle":
		c.await(c.o.Ref.Name)
		if c.o.Group != "" {
			c.await(c.o.Group) // the members behind it restart with it
		}
	}
}

// membersOf lists what a new group is made of.
func (c *comparison) membersOf() string {
	if c.o.Ref.Kind != Group("").Kind {
		return ""
	}
	return strings.Join(c.members[c.o.Ref.Name], ", ")
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
	slices.SortFunc(rs, func(a, b reconcile.Ref) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
	return rs
}
