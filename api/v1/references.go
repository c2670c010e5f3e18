package v1

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// ids checks that every id of the CIB is valid and there only once. It gives the first of each name.
func (c *checker) ids(ids []ID) map[string]ID {
	first := make(map[string]ID, len(ids))
	for _, id := range ids {
		if id.Name == "" || strings.HasPrefix(id.Name, "-") { // told already: the object has no name
			continue
		}
		name := id.Path == "metadata.name" || strings.HasSuffix(id.Path, ".name") // the other ids have a check of their own, or are made
		if msg := checkID(id.Name); msg != "" && name {
			c.errorf(id.Object, id.Path, "%s", msg)
		}
		if id.Name == bootstrapID && id.What != "cluster_property_set" {
			c.errorf(id.Object, id.Path, "%q is reserved: it is the id of the set that holds the cluster's properties", id.Name)
		}
		was, dup := first[id.Name]
		if !dup {
			first[id.Name] = id
			continue
		}
		whose := was.Object.Kind + " " + was.Object.Metadata.Name
		if was.Object.Metadata.Name != id.Name || was.Path != "metadata.name" {
			whose = fmt.Sprintf("the %s of %s", was.What, whose)
		}
		what := ""
		switch {
		case id.Path == "spec.avoidTargets", id.What == IDClone, id.What == IDFencingLevel, id.What == IDRecipient:
			what = fmt.Sprintf("makes %s named %q, and ", indefinite(id.What), id.Name)
		}
		c.errorf(id.Object, id.Path, "%sthe name %q is taken by %s%s; names are ids of the CIB and must differ over all kinds",
			what, id.Name, whose, place(was.Object.Pos(was.Path)))
	}
	return first
}

// indefinite puts a or an before what something is.
func indefinite(what string) string {
	if strings.ContainsRune("aeioAEIO", rune(what[0])) {
		return "an " + what
	}
	return "a " + what
}

// names checks the names of the kinds that are no XML ids.
func (c *checker) names(m *Manifests) {
	first := map[string]*Object{}
	one := func(o *Object) {
		name := o.Metadata.Name
		if name == "" {
			return
		}
		if msg := checkWord(name); msg != "" {
			c.errorf(o, "metadata.name", "%s", msg)
		}
		key := o.Kind + " " + name
		if was := first[key]; was != nil {
			c.errorf(o, "metadata.name", "the name is that of another %s%s; give one another", o.Kind, place(was.Pos("metadata.name")))
			return
		}
		first[key] = o
	}
	for _, u := range m.ACLUsers {
		one(&u.Object)
	}
	for _, t := range m.Topologies {
		one(&t.Object)
	}
	for _, x := range m.VolumeGroups {
		one(&x.Object)
	}
	for _, x := range m.DRBDResources {
		one(&x.Object)
	}
	for _, x := range m.ISCSITargets {
		one(&x.Object)
	}
	for _, x := range m.ISCSIInitiators {
		one(&x.Object)
	}
}

// renames checks that what was renamed is not still there under its old name.
func (c *checker) renames(m *Manifests, ids map[string]ID) {
	for _, o := range m.Objects() {
		was := o.Metadata.RenamedFrom
		if was == "" || was == o.Metadata.Name {
			continue
		}
		if id, ok := ids[was]; ok {
			c.errorf(o, "metadata.renamedFrom", "%s %q is still there%s; remove one of the two",
				id.What, id.Name, place(id.Object.Pos(id.Path)))
		}
	}
}

// referrer checks the fields with a `ref` tag, which names what the text must be the name of: "resource" for what constraints take, "device"
// of fencing levels, "node", "role", "template", "operations", "element" for an idRef to an element of the same sort, and "any" for any id.
type referrer struct {
	*checker
	m                       *Manifests
	ids                     map[string]ID
	resources, roles, nodes []string
	node                    map[string]bool   // in small letters: Pacemaker compares without regard to case
	inside                  map[string]string // what stands inside clones and bundles, with their names
	budget                  int               // of comparisons for suggestions, which go over all names
}

// references checks that what objects name is there.
func (c *checker) references(m *Manifests, ids []ID, byName map[string]ID) {
	r := &referrer{checker: c, m: m, ids: byName, node: map[string]bool{}, inside: inside(m), nodes: nodeNames(m), budget: 1_000_000}
	for _, id := range ids {
		switch id.What {
		case IDPrimitive, IDTemplate, IDGroup, IDClone, IDBundle, IDFence, IDTag:
			r.resources = append(r.resources, id.Name)
		case IDACLRole:
			r.roles = append(r.roles, id.Name)
		}
	}
	for _, n := range r.nodes {
		r.node[strings.ToLower(n)] = true
	}
	for _, object := range m.All() {
		o := object.(interface{ Base() *Object }).Base()
		c.types.walk(object, func(p spot) {
			if ref := p.field.tag.Get("ref"); ref != "" && p.value.Kind() == reflect.String && p.value.Len() > 0 {
				r.refer(o, p, ref, p.value.String())
			}
		})
	}
	for _, f := range m.FenceDevices {
		for n := range f.Spec.TargetPlugs {
			r.toNode(&f.Object, "spec.targetPlugs."+n, n)
		}
	}
}

func (r *referrer) refer(o *Object, p spot, ref, name string) {
	switch ref {
	case "node":
		r.toNode(o, p.path, name)
	case "machine":
		r.toMachine(o, p.path, name)
	case "resource":
		r.toResource(o, p.path, name)
	case "device":
		if checkDevice(name) != "" {
			return // told already
		}
		if id, ok := r.ids[name]; name != "watchdog" && (!ok || id.What != IDFence && id.What != IDPrimitive) && !r.mayBeUnread(name) {
			r.lintf(lintUnknownResource, o, p.path, "there is no fence device %q%s", name, r.suggest(name, r.resources))
		}
	case "role":
		r.to(o, p.path, name, IDACLRole, r.suggest(name, r.roles))
	case "template":
		r.to(o, p.path, name, IDTemplate, r.suggest(name, r.resources))
	case "operations":
		r.to(o, p.path, name, "operations", "; another resource must have it as operationsID")
	case "element":
		r.to(o, p.path, name, p.element(), "")
	case "any":
		r.to(o, p.path, name, "", "")
	}
}

func (r *referrer) toNode(o *Object, path, name string) {
	cluster := r.m.Cluster
	if cluster == nil || len(cluster.Spec.Nodes) == 0 || r.node[strings.ToLower(name)] || r.mayBeUnread(name) || r.nodesUnsure(&cluster.Object) ||
		r.replica(name) {
		return
	}
	r.lintf(lintUnknownNode, o, path, "there is no node %q in Cluster %s%s", name, cluster.Metadata.Name, hint(name, r.nodes))
}

// toMachine checks the name of a member or of one of the Cluster's other machines.
func (r *referrer) toMachine(o *Object, path, name string) {
	if r.m.Cluster == nil {
		return
	}
	var known []string
	for _, n := range r.m.Cluster.Spec.Nodes {
		known = append(known, n.Name)
	}
	for _, h := range r.m.Cluster.Spec.Hosts {
		known = append(known, h.Name)
	}
	if !slices.Contains(known, name) && !r.mayBeUnread(name) && !r.nodesUnsure(&r.m.Cluster.Object) {
		r.errorf(o, path, "%q is neither a node nor one of the hosts of Cluster %s%s", name, r.m.Cluster.Metadata.Name, hint(name, known))
	}
}

// replica tells that a name is that of a bundle's container as a node: BUNDLE-NUMBER.
func (r *referrer) replica(name string) bool {
	i := strings.LastIndexByte(name, '-')
	return i > 0 && natural.MatchString(name[i+1:]) && r.ids[name[:i]].What == IDBundle
}

func (r *referrer) toResource(o *Object, path, name string) {
	if outer := r.inside[name]; outer != "" {
		// Pacemaker finds the instances of a clone by the name of what they hold only once they have run somewhere
		// (pcmk__find_constraint_resource); on a fresh cluster it ignores the constraint with an error.
		r.lintf(lintInsideClone, o, path, "%q stands inside %s, and Pacemaker takes no constraint on what a clone or bundle holds; write %s",
			name, outer, outer)
		return
	}
	switch r.ids[name].What {
	case IDPrimitive, IDTemplate, IDGroup, IDClone, IDBundle, IDFence, IDTag:
		return
	}
	if !r.mayBeUnread(name) {
		r.lintf(lintUnknownResource, o, path, "there is no resource, group, clone, bundle, fence device, template or tag %q%s",
			name, r.suggest(name, r.resources))
	}
}

// to checks a reference to an id that names something of a sort; "" is any.
func (r *referrer) to(o *Object, path, name, what, help string) {
	id, ok := r.ids[name]
	switch {
	case ok && (what == "" || id.What == what):
	case ok:
		r.lintf(lintUnknownReference, o, path, "%q is %s%s; the id of %s is needed",
			name, indefinite(id.What), place(id.Object.Pos(id.Path)), indefinite(what))
	case r.made(name, what) || r.mayBeUnread(name):
	case what == "":
		r.lintf(lintUnknownReference, o, path, "nothing has the id %q%s", name, r.suggest(name, r.resources))
	default:
		r.lintf(lintUnknownReference, o, path, "there is no %s %q%s", what, name, help)
	}
}

// made tells that an id may be one that the CIB layer makes for a part of something: NAME-… for an attribute set or operation of NAME, and those
// of the cluster's own options and nodes.
func (r *referrer) made(id, what string) bool {
	switch what {
	case IDACLRole, IDTemplate, "operations":
		return false
	}
	for _, prefix := range []string{"nodes-", "cib-bootstrap-options", "rsc_defaults-", "op_defaults-", "rsc-options", "op-options"} {
		if strings.HasPrefix(id, prefix) {
			return true
		}
	}
	for i := range len(id) {
		if id[i] == '-' {
			if _, ok := r.ids[id[:i]]; ok {
				return true
			}
		}
	}
	return false
}

// suggest is suggestion as long as the budget lasts: where thousands of names are wrong, no single one is mistyped.
func (r *referrer) suggest(name string, candidates []string) string {
	if r.budget -= len(candidates); r.budget < 0 {
		return ""
	}
	return suggestion(name, candidates)
}

// inside maps the names of what stands inside clones and bundles to the names of these.
func inside(m *Manifests) map[string]string {
	names := map[string]string{}
	for _, r := range m.Resources {
		if r.Spec.Clone != nil {
			names[r.Metadata.Name] = r.Spec.Clone.Name
		}
	}
	for _, g := range m.Groups {
		if g.Spec.Clone == nil {
			continue
		}
		names[g.Metadata.Name] = g.Spec.Clone.Name
		for _, r := range g.Spec.Resources {
			names[r.Name] = g.Spec.Clone.Name
		}
	}
	for _, b := range m.Bundles {
		if b.Spec.Resource != nil {
			names[b.Spec.Resource.Name] = b.Metadata.Name
		}
	}
	return names
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
		for _, n := range m.Cluster.Spec.RemoteNodes {
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
		for _, s := range p.MetaSets {
			for _, v := range s.Values {
				if v.Name == "remote-node" && v.Value != nil {
					names = append(names, *v.Value)
				}
			}
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

// primitives calls f for each primitive with its name, those of templates and bundles included.
func primitives(m *Manifests, f func(o *Object, name string, p *Primitive)) {
	for _, t := range m.Templates {
		f(&t.Object, t.Metadata.Name, &t.Spec.Primitive)
	}
	for _, r := range m.Resources {
		f(&r.Object, r.Metadata.Name, &r.Spec.Primitive)
	}
	for _, g := range m.Groups {
		for i := range g.Spec.Resources {
			f(&g.Object, g.Spec.Resources[i].Name, &g.Spec.Resources[i].Primitive)
		}
	}
	for _, b := range m.Bundles {
		if r := b.Spec.Resource; r != nil {
			f(&b.Object, r.Name, &r.Primitive)
		}
	}
}
