package v1

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// ID is an XML id that a set of manifests brings into the CIB.
type ID struct {
	// Name is the id.
	Name string
	// What says what it names: one of the constants below, or for an id that a manifest gives to a part of an object the name of the CIB's
	// element (op, operations, instance_attributes, meta_attributes, utilization, cluster_property_set, nvpair, rule, resource_set,
	// acl_permission, port-mapping, storage-mapping).
	What string
	// Object is the one that brings it, at Path.
	Object *Object
	Path   string
}

// The values of ID.What for what has a name.
const (
	IDPrimitive    = "primitive"
	IDTemplate     = "template"
	IDGroup        = "group"
	IDClone        = "clone"
	IDBundle       = "bundle"
	IDConstraint   = "constraint"
	IDFence        = "fence device"
	IDFencingLevel = "fencing level"
	IDTag          = "tag"
	IDACLRole      = "ACL role"
	IDACLGroup     = "ACL group"
	IDAlert        = "alert"
	IDRecipient    = "recipient"
)

// IDs lists the ids of everything that has a name of its own in the CIB, in the order of All: also group members, the primitives of bundles,
// clones, fencing levels and recipients of alerts (default names included), the constraints that avoidTargets makes, and every id that a
// manifest gives to a part of an object. It does not list the ids that the CIB layer makes up for attribute sets, operations and such. Nodes,
// ACL users and fencing topologies have no XML id.
func (m *Manifests) IDs() []ID {
	l := idList{types: fieldTable{}}
	for _, o := range m.All() {
		l.of(o)
	}
	return l.ids
}

// Lookup finds what has an id in the CIB. It goes through all ids; who asks often makes a map of IDs.
func (m *Manifests) Lookup(id string) (ID, bool) {
	for _, x := range m.IDs() {
		if x.Name == id {
			return x, true
		}
	}
	return ID{}, false
}

type idList struct {
	ids   []ID
	types fieldTable
}

// of adds the ids of one object.
func (l *idList) of(object any) {
	o := object.(interface{ Base() *Object }).Base()
	add := func(name, what, path string) { l.ids = append(l.ids, ID{name, what, o, path}) }
	named := func(what string) { add(o.Metadata.Name, what, "metadata.name") }
	clone := func(c *Clone) {
		if c != nil {
			add(cmp.Or(c.Name, o.Metadata.Name+"-clone"), IDClone, "spec.clone.name")
		}
	}
	switch x := object.(type) {
	case *Resource:
		named(IDPrimitive)
		clone(x.Spec.Clone)
	case *ResourceTemplate:
		named(IDTemplate)
	case *ResourceGroup:
		named(IDGroup)
		for i, r := range x.Spec.Resources {
			add(r.Name, IDPrimitive, fmt.Sprintf("spec.resources[%d].name", i))
		}
		clone(x.Spec.Clone)
	case *Bundle:
		named(IDBundle)
		if x.Spec.Resource != nil {
			add(x.Spec.Resource.Name, IDPrimitive, "spec.resource.name")
		}
	case *Constraint:
		named(IDConstraint)
	case *FenceDevice:
		named(IDFence)
		if x.Spec.AvoidTargets {
			for _, n := range x.Nodes() {
				add(o.Metadata.Name+"-avoids-"+n, IDConstraint, "spec.avoidTargets")
			}
		}
	case *FencingTopology:
		for i := range x.Spec.Levels {
			add(x.LevelID(i), IDFencingLevel, fmt.Sprintf("spec.levels[%d].id", i))
		}
	case *Tag:
		named(IDTag)
	case *ACLRole:
		named(IDACLRole)
	case *ACLGroup:
		named(IDACLGroup)
	case *Alert:
		named(IDAlert)
		for i := range x.Spec.Recipients {
			add(x.RecipientID(i), IDRecipient, fmt.Sprintf("spec.recipients[%d].id", i))
		}
	}
	l.types.walk(object, func(p spot) {
		if p.field.tag.Get("check") == "id" {
			if element := p.element(); element != "" {
				add(p.value.String(), element, p.path)
			}
		}
	})
}

// elements are the names in the CIB of the parts that manifests can give an id.
var elements = map[reflect.Type]string{
	reflect.TypeFor[Operation]():      "op",
	reflect.TypeFor[NameValue]():      "nvpair",
	reflect.TypeFor[Rule]():           "rule",
	reflect.TypeFor[ResourceSet]():    "resource_set",
	reflect.TypeFor[ACLPermission]():  "acl_permission",
	reflect.TypeFor[PortMapping]():    "port-mapping",
	reflect.TypeFor[StorageMapping](): "storage-mapping",
}

// element is the name in the CIB of the struct that an id or idRef belongs to; "" where the id is the name of something.
func (p spot) element() string {
	switch {
	case p.field.name == "operationsID":
		return "operations"
	case p.owner != reflect.TypeFor[AttributeSet]():
		return elements[p.owner]
	case p.of.name == "paramSets", p.of.name == "attributeSets":
		return "instance_attributes"
	case p.of.name == "utilizationSets":
		return "utilization"
	case p.of.name == "propertySets":
		return "cluster_property_set"
	}
	return "meta_attributes"
}

// nameCharacters drops what an XML id cannot hold, as pcs does.
func nameCharacters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_.-", r) {
			return r
		}
		return -1
	}, s)
}
