package v1

import (
	"fmt"
	"slices"
	"strings"
)

// Manifests is everything that belongs to one Cluster, in the order of the files.
type Manifests struct {
	Cluster      *Cluster
	Resources    []*Resource
	Groups       []*ResourceGroup
	Constraints  []*Constraint
	FenceDevices []*FenceDevice
	Templates    []*ResourceTemplate
	Bundles      []*Bundle
	Tags         []*Tag
	Topologies   []*FencingTopology
	ACLRoles     []*ACLRole
	ACLUsers     []*ACLUser
	ACLGroups    []*ACLGroup
	Alerts       []*Alert

	// Order is that in which Add got the objects, over all kinds: the order of elements has meaning in the CIB.
	Order []any
}

// Add puts an object, a pointer to its kind's type, behind those that are there.
func (m *Manifests) Add(o any) {
	m.Order = append(m.Order, o)
	switch o := o.(type) {
	case *Cluster:
		m.Cluster = o
	case *Resource:
		m.Resources = append(m.Resources, o)
	case *ResourceGroup:
		m.Groups = append(m.Groups, o)
	case *Constraint:
		m.Constraints = append(m.Constraints, o)
	case *FenceDevice:
		m.FenceDevices = append(m.FenceDevices, o)
	case *ResourceTemplate:
		m.Templates = append(m.Templates, o)
	case *Bundle:
		m.Bundles = append(m.Bundles, o)
	case *Tag:
		m.Tags = append(m.Tags, o)
	case *FencingTopology:
		m.Topologies = append(m.Topologies, o)
	case *ACLRole:
		m.ACLRoles = append(m.ACLRoles, o)
	case *ACLUser:
		m.ACLUsers = append(m.ACLUsers, o)
	case *ACLGroup:
		m.ACLGroups = append(m.ACLGroups, o)
	case *Alert:
		m.Alerts = append(m.Alerts, o)
	}
}

// All lists the objects as pointers to their kinds' types (*Cluster, *Resource, …): the Cluster first, then those that Add got in its order,
// then the others kind by kind.
func (m *Manifests) All() []any {
	all := m.byKind()
	if len(m.Order) == 0 {
		return all
	}
	rest := make(map[any]bool, len(all))
	for _, o := range all {
		rest[o] = true
	}
	ordered := make([]any, 0, len(all))
	take := func(o any) {
		if rest[o] {
			ordered = append(ordered, o)
			delete(rest, o)
		}
	}
	if m.Cluster != nil {
		take(m.Cluster)
	}
	for _, o := range m.Order {
		take(o)
	}
	for _, o := range all {
		take(o)
	}
	return ordered
}

func (m *Manifests) byKind() []any {
	var all []any
	if m.Cluster != nil {
		all = append(all, m.Cluster)
	}
	all = appendAll(all, m.Templates)
	all = appendAll(all, m.Resources)
	all = appendAll(all, m.Groups)
	all = appendAll(all, m.Bundles)
	all = appendAll(all, m.Constraints)
	all = appendAll(all, m.FenceDevices)
	all = appendAll(all, m.Topologies)
	all = appendAll(all, m.Tags)
	all = appendAll(all, m.ACLRoles)
	all = appendAll(all, m.ACLUsers)
	all = appendAll(all, m.ACLGroups)
	all = appendAll(all, m.Alerts)
	return all
}

func appendAll[T any](all []any, objects []*T) []any {
	for _, o := range objects {
		all = append(all, o)
	}
	return all
}

// Objects lists the common parts of the objects in the order of All.
func (m *Manifests) Objects() []*Object {
	all := m.All()
	objects := make([]*Object, len(all))
	for i, o := range all {
		objects[i] = o.(interface{ Base() *Object }).Base()
	}
	return objects
}

// SetDefaults sets the defaults of every object. Load has done it.
func (m *Manifests) SetDefaults() {
	for _, o := range m.All() {
		o.(interface{ SetDefaults() }).SetDefaults()
	}
}

// Validate checks manifests that were not loaded; Load has done it. The error is an Errors.
func (m *Manifests) Validate() error {
	c := &checker{types: fieldTable{}}
	if m.Cluster == nil {
		c.errs = append(c.errs, &Error{Message: "no object of kind Cluster; a set of manifests needs its Cluster"})
	}
	c.manifests(m)
	return c.errs.err()
}

// ID is an XML id that a set of manifests brings into the CIB.
type ID struct {
	// Name is the id.
	Name string
	// What says what it names: primitive, group, clone, constraint or fence device.
	What string
	// Object is the one that brings it, at Path.
	Object *Object
	Path   string
}

// The values of ID.What.
const (
	IDPrimitive  = "primitive"
	IDGroup      = "group"
	IDClone      = "clone"
	IDConstraint = "constraint"
	IDFence      = "fence device"
)

// IDs lists the ids of everything that has a name of its own in the CIB, in the order of All: also group members, clones (default names
// included) and the constraints that avoidTargets makes. It does not list the ids that the CIB layer makes up for attribute sets and
// operations.
func (m *Manifests) IDs() []ID {
	var ids []ID
	clone := func(o *Object, c *Clone) {
		if c == nil {
			return
		}
		id := ID{Name: c.Name, What: IDClone, Object: o, Path: "spec.clone.name"}
		if id.Name == "" {
			id.Name = o.Metadata.Name + "-clone"
		}
		ids = append(ids, id)
	}
	for _, r := range m.Resources {
		ids = append(ids, ID{r.Metadata.Name, IDPrimitive, &r.Object, "metadata.name"})
		clone(&r.Object, r.Spec.Clone)
	}
	for _, g := range m.Groups {
		ids = append(ids, ID{g.Metadata.Name, IDGroup, &g.Object, "metadata.name"})
		for i, r := range g.Spec.Resources {
			ids = append(ids, ID{r.Name, IDPrimitive, &g.Object, fmt.Sprintf("spec.resources[%d].name", i)})
		}
		clone(&g.Object, g.Spec.Clone)
	}
	for _, c := range m.Constraints {
		ids = append(ids, ID{c.Metadata.Name, IDConstraint, &c.Object, "metadata.name"})
	}
	for _, f := range m.FenceDevices {
		ids = append(ids, ID{f.Metadata.Name, IDFence, &f.Object, "metadata.name"})
		if f.Spec.AvoidTargets {
			for _, n := range f.Nodes() {
				ids = append(ids, ID{f.Metadata.Name + "-avoids-" + n, IDConstraint, &f.Object, "spec.avoidTargets"})
			}
		}
	}
	return ids
}

// Lookup finds what has an id in the CIB.
func (m *Manifests) Lookup(id string) (ID, bool) {
	for _, x := range m.IDs() {
		if x.Name == id {
			return x, true
		}
	}
	return ID{}, false
}

// SecretUse is a place that refers to a secret.
type SecretUse struct {
	Object *Object
	// Path is the reference's field, such as spec.secrets.password.
	Path string
	Ref  SecretRef
}

// Secrets lists every reference to a secret, in the order of All and then of the paths.
func (m *Manifests) Secrets() []SecretUse {
	var uses []SecretUse
	add := func(o *Object, path string, refs map[string]SecretRef) {
		first := len(uses)
		for name, ref := range refs {
			uses = append(uses, SecretUse{o, path + "." + name, ref})
		}
		slices.SortFunc(uses[first:], func(a, b SecretUse) int { return strings.Compare(a.Path, b.Path) })
	}
	for _, r := range m.Resources {
		add(&r.Object, "spec.secrets", r.Spec.Secrets)
	}
	for _, g := range m.Groups {
		for i, r := range g.Spec.Resources {
			add(&g.Object, fmt.Sprintf("spec.resources[%d].secrets", i), r.Secrets)
		}
	}
	for _, f := range m.FenceDevices {
		add(&f.Object, "spec.secrets", f.Spec.Secrets)
	}
	return uses
}
