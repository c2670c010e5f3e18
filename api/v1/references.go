package v1

import (
	"fmt"
	"slices"
	"strings"
)

// ids checks that every id of the CIB is valid and there only once.
func (c *checker) ids(m *Manifests) {
	first := map[string]ID{}
	for _, id := range m.IDs() {
		if id.Name == "" || strings.HasPrefix(id.Name, "-") { // told already: the object has no name
			continue
		}
		if msg := checkID(id.Name); msg != "" && id.Path != "spec.avoidTargets" {
			c.errorf(id.Object, id.Path, "%s", msg)
		}
		was, dup := first[id.Name]
		if !dup {
			first[id.Name] = id
			continue
		}
		whose := was.Object.Kind + " " + was.Object.Metadata.Name
		if was.Object.Metadata.Name != id.Name {
			whose = fmt.Sprintf("the %s of %s", was.What, whose)
		}
		what := ""
		if id.Path == "spec.avoidTargets" || id.Path == "spec.clone.name" {
			what = fmt.Sprintf("makes a %s named %q, and ", id.What, id.Name)
		}
		c.errorf(id.Object, id.Path, "%sthe name %q is taken by %s%s; names are ids of the CIB and must differ over all kinds",
			what, id.Name, whose, place(was.Object.Pos(was.Path)))
	}
}

// renames checks that what was renamed is not still there under its old name.
func (c *checker) renames(m *Manifests) {
	for _, o := range m.Objects() {
		was := o.Metadata.RenamedFrom
		if was == "" || was == o.Metadata.Name {
			continue
		}
		if id, ok := m.Lookup(was); ok {
			c.errorf(o, "metadata.renamedFrom", "%s %q is still there%s; remove one of the two",
				id.What, id.Name, place(id.Object.Pos(id.Path)))
		}
	}
}

// references checks that what objects name is there.
func (c *checker) references(m *Manifests) {
	var resources []string
	known := map[string]bool{}
	for _, id := range m.IDs() {
		if id.What != IDConstraint && id.Name != "" {
			resources = append(resources, id.Name)
			known[id.Name] = true
		}
	}
	clones := cloned(m)
	resource := func(o *Object, path, name string) {
		if clone := clones[name]; clone != "" {
			// Pacemaker finds the instances of a clone by the name of what they hold only once they have run somewhere
			// (pcmk__find_constraint_resource); on a fresh cluster it ignores the constraint with an error.
			c.errorf(o, path, "%q is cloned, and Pacemaker takes no constraint on what a clone holds; write %s", name, clone)
			return
		}
		if name == "" || known[name] || c.mayBeUnread(name) {
			return
		}
		c.errorf(o, path, "there is no resource, group, clone or fence device %q%s", name, suggestion(name, resources))
	}
	nodes := nodeNames(m)
	node := func(o *Object, path, name string) {
		if name == "" || m.Cluster == nil || c.mayBeUnread(name) || c.nodesUnsure(&m.Cluster.Object) ||
			slices.ContainsFunc(nodes, func(n string) bool { return strings.EqualFold(n, name) }) {
			return
		}
		c.errorf(o, path, "there is no node %q in Cluster %s%s", name, m.Cluster.Metadata.Name, hint(name, nodes))
	}
	for _, x := range m.Constraints {
		o := &x.Object
		if l := x.Spec.Location; l != nil {
			resource(o, "spec.location.resource", l.Resource)
			node(o, "spec.location.node", l.Node)
		}
		if r := x.Spec.Order; r != nil {
			resource(o, "spec.order.first", r.First)
			resource(o, "spec.order.then", r.Then)
		}
		if r := x.Spec.Colocation; r != nil {
			resource(o, "spec.colocation.resource", r.Resource)
			resource(o, "spec.colocation.with", r.With)
		}
	}
	for _, f := range m.FenceDevices {
		for i, n := range f.Spec.Targets {
			node(&f.Object, fmt.Sprintf("spec.targets[%d]", i), n)
		}
		for n := range f.Spec.TargetPlugs {
			node(&f.Object, "spec.targetPlugs."+n, n)
		}
	}
	c.units(m)
	c.files(m)
}

// cloned maps the names of what stands inside clones to the clones' names.
func cloned(m *Manifests) map[string]string {
	inside := map[string]string{}
	for _, r := range m.Resources {
		if r.Spec.Clone != nil {
			inside[r.Metadata.Name] = r.Spec.Clone.Name
		}
	}
	for _, g := range m.Groups {
		if g.Spec.Clone == nil {
			continue
		}
		inside[g.Metadata.Name] = g.Spec.Clone.Name
		for _, r := range g.Spec.Resources {
			inside[r.Name] = g.Spec.Clone.Name
		}
	}
	return inside
}

// nodesUnsure tells that some node's name could not be decoded.
func (c *checker) nodesUnsure(o *Object) bool {
	for p := range c.failed[o] {
		if p == "spec" || p == "spec.nodes" || strings.HasPrefix(p, "spec.nodes[") && (strings.HasSuffix(p, "].name") || strings.HasSuffix(p, "]")) {
			return true
		}
	}
	return false
}

// nodeNames lists the nodes, those among them that resources make: Pacemaker Remote nodes and guest nodes.
func nodeNames(m *Manifests) []string {
	var names []string
	if m.Cluster != nil {
		for _, n := range m.Cluster.Spec.Nodes {
			names = append(names, n.Name)
		}
	}
	primitives(m, func(_ *Object, name string, p *Primitive) {
		if p.Agent == "ocf:pacemaker:remote" {
			names = append(names, name)
		}
		if guest := p.Meta.Get("remote-node"); guest != "" {
			names = append(names, guest)
		}
	})
	return names
}

// units checks that what the cluster starts does not start at boot as well.
func (c *checker) units(m *Manifests) {
	if m.Cluster == nil || m.Cluster.Spec.Prepare == nil {
		return
	}
	short := func(unit string) string { return strings.TrimSuffix(unit, ".service") }
	primitives(m, func(o *Object, name string, p *Primitive) {
		for unit, state := range m.Cluster.Spec.Prepare.Units {
			if p.Agent == "systemd:"+short(unit) || p.Agent == "systemd:"+short(unit)+".service" {
				if state == "enabled" || state == "masked" {
					c.errorf(&m.Cluster.Object, "spec.prepare.units."+unit, "the cluster starts this unit as %s%s; write disabled",
						name, place(o.Pos("")))
				}
			}
		}
	})
}

// primitives calls f for each primitive with its name.
func primitives(m *Manifests, f func(o *Object, name string, p *Primitive)) {
	for _, r := range m.Resources {
		f(&r.Object, r.Metadata.Name, &r.Spec.Primitive)
	}
	for _, g := range m.Groups {
		for i := range g.Spec.Resources {
			f(&g.Object, g.Spec.Resources[i].Name, &g.Spec.Resources[i].Primitive)
		}
	}
}
