package v1

import (
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

	VolumeGroups    []*VolumeGroup
	DRBDResources   []*DRBDResource
	ISCSITargets    []*ISCSITarget
	ISCSIInitiators []*ISCSIInitiator

	// Policy is what hactl watch may do to the cluster by itself; nil: what it does without one. It is no part of what the cluster is to be: All, Order and
	// everything that is made of them are without it.
	Policy *WatchPolicy

	// Order is that in which Add got the objects, over all kinds: the order of elements has meaning in the CIB.
	Order []any

	// Whole are the manifests that these were selected from; nil: nothing was left out.
	Whole *Manifests
}

// Add puts an object, a pointer to its kind's type, behind those that are there. A WatchPolicy becomes the Policy.
func (m *Manifests) Add(o any) {
	if p, ok := o.(*WatchPolicy); ok {
		m.Policy = p
		return
	}
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
	case *VolumeGroup:
		m.VolumeGroups = append(m.VolumeGroups, o)
	case *DRBDResource:
		m.DRBDResources = append(m.DRBDResources, o)
	case *ISCSITarget:
		m.ISCSITargets = append(m.ISCSITargets, o)
	case *ISCSIInitiator:
		m.ISCSIInitiators = append(m.ISCSIInitiators, o)
	}
}

// Remove takes out the objects other than the Cluster for which gone is true.
func (m *Manifests) Remove(gone func(*Object) bool) {
	m.Order = slices.DeleteFunc(m.Order, func(o any) bool {
		_, cluster := o.(*Cluster)
		return !cluster && gone(o.(interface{ Base() *Object }).Base())
	})
	remove(&m.Resources, gone)
	remove(&m.Groups, gone)
	remove(&m.Constraints, gone)
	remove(&m.FenceDevices, gone)
	remove(&m.Templates, gone)
	remove(&m.Bundles, gone)
	remove(&m.Tags, gone)
	remove(&m.Topologies, gone)
	remove(&m.ACLRoles, gone)
	remove(&m.ACLUsers, gone)
	remove(&m.ACLGroups, gone)
	remove(&m.Alerts, gone)
	remove(&m.VolumeGroups, gone)
	remove(&m.DRBDResources, gone)
	remove(&m.ISCSITargets, gone)
	remove(&m.ISCSIInitiators, gone)
}

func remove[T any, P interface {
	*T
	Base() *Object
}](objects *[]P, gone func(*Object) bool) {
	*objects = slices.DeleteFunc(*objects, func(o P) bool { return gone(o.Base()) })
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
	all = appendAll(all, m.ISCSITargets)
	all = appendAll(all, m.ISCSIInitiators)
	all = appendAll(all, m.VolumeGroups)
	all = appendAll(all, m.DRBDResources)
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
	types := fieldTable{}
	for _, o := range m.All() {
		base, first := o.(interface{ Base() *Object }).Base(), len(uses)
		types.walk(o, func(p spot) {
			if ref, ok := p.value.Interface().(SecretRef); ok {
				uses = append(uses, SecretUse{base, p.path, ref})
			}
		})
		slices.SortStableFunc(uses[first:], func(a, b SecretUse) int { return strings.Compare(a.Path, b.Path) })
	}
	return uses
}
