package cib

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/drbd"
	"github.com/hactl/hactl/drivers/iscsiinitiator"
	"github.com/hactl/hactl/drivers/iscsitarget"
	"github.com/hactl/hactl/drivers/lvm"
	"github.com/hactl/hactl/reconcile"
)

// storage is what is made before any resource. A group with a lock manager is not: see later.
func storage(m *v1.Manifests) (refs []reconcile.Ref) {
	served := iscsitarget.Services(m)
	for _, x := range m.ISCSIInitiators {
		if served[x.Spec.Target] == nil { // that one waits for resources itself
			refs = append(refs, iscsiinitiator.Ref(x.Metadata.Name))
		}
	}
	for _, x := range m.VolumeGroups {
		if x.Spec.LockType == "" {
			refs = append(refs, lvm.Ref(x.Metadata.Name))
		}
	}
	for _, x := range m.DRBDResources {
		refs = append(refs, drbd.Ref(x.Metadata.Name))
	}
	return refs
}

// Desired writes the manifests as the elements that they are to be in the CIB, in the order of the manifests over all kinds. Ids of parts
// follow pcs's habits.
func (d *Driver) Desired(m *v1.Manifests, s reconcile.Secrets) (State, error) {
	if m == nil || m.Cluster == nil {
		return State{}, nil
	}
	b := &builder{state: State{Cluster: m.Cluster.Metadata.Name, Owner: d.owner, Prune: d.prune, Part: m.Whole != nil, Source: m.Cluster.Pos(""),
		Files: puts(m), Storage: storage(m), last: &comparisons{}},
		secrets: s, users: templateUsers(cmp.Or(m.Whole, m)), values: map[string]reconcile.Text{}}
	for _, o := range m.All() {
		switch o := o.(type) {
		case *v1.Cluster:
			b.cluster(o)
		case *v1.Resource:
			b.resource(o)
		case *v1.ResourceGroup:
			b.group(o)
		case *v1.ResourceTemplate:
			b.template(o)
		case *v1.Bundle:
			b.bundle(o)
		case *v1.FenceDevice:
			b.fenceDevice(o)
		case *v1.Constraint:
			b.constraint(o)
		case *v1.Tag:
			b.tag(o)
		case *v1.FencingTopology:
			b.topology(o)
		case *v1.ACLRole:
			b.aclRole(o)
		case *v1.ACLUser:
			b.aclSubject("acl_target", &o.Object, &o.Spec)
		case *v1.ACLGroup:
			b.aclSubject("acl_group", &o.Object, &o.Spec)
		case *v1.Alert:
			b.alert(o)
		}
	}
	if err := errors.Join(b.errs...); err != nil {
		return State{}, err
	}
	b.later(m)
	return b.state, nil
}

// builder collects the wanted objects.
type builder struct {
	state   State
	secrets reconcile.Secrets
	users   map[string][]string       // the primitives that use a template
	values  map[string]reconcile.Text // the secrets by RESOURCE/PARAM
	errs    []error
}

func (b *builder) errorf(pos v1.Pos, path, format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("%s: %s: %s", pos, path, fmt.Sprintf(format, args...)))
}

// objectBuilder makes one object of the manifest object o; at is the path of its spec in o.
type objectBuilder struct {
	*builder
	o   *v1.Object
	at  string
	x   Object
	ids map[string]bool // those of its elements
	// files are the resources for which Pacemaker reads the secrets of this object from files (lrm://).
	files []string
}

func (b *builder) object(ref reconcile.Ref, o *v1.Object, at, posAt string) *objectBuilder {
	x := Object{Ref: ref, Pos: map[string]v1.Pos{"": o.Pos(posAt)}, Protect: o.Metadata.Protect}
	if ref.Name == o.Metadata.Name { // not the members of a group, and not the nodes of a cluster
		x.RenamedFrom = o.Metadata.RenamedFrom
	}
	for _, l := range o.Metadata.Ignore {
		x.Ignore = append(x.Ignore, l.Lint)
	}
	return &objectBuilder{builder: b, o: o, at: at, x: x, ids: map[string]bool{}}
}

func (b *objectBuilder) part(prefix, section string, el *etree.Element) {
	b.x.Parts = append(b.x.Parts, Part{Prefix: prefix, Section: section, XML: source(el), el: el})
}

func (b *objectBuilder) done() { b.state.Objects = append(b.state.Objects, b.x) }

// says notes where a field of the object stands: path below the object's spec.
func (b *objectBuilder) says(field, path string) { b.x.Pos[field] = b.o.Pos(joinPath(b.at, path)) }

// element makes an element with an id.
func element(tag, id string) *etree.Element {
	el := etree.NewElement(tag)
	el.CreateAttr("id", id)
	return el
}

// attrs writes the fields of spec as attributes of el. group stands before the fields' names, path is where spec stands.
func (b *objectBuilder) attrs(el *etree.Element, spec any, group, path string) {
	encode(el, spec, func(json string) { b.says(joinPath(group, json), joinPath(path, json)) })
}

// id gives an element its id: the one that the manifest names, or one made of base that no other element of the object has.
func (b *objectBuilder) id(el *etree.Element, named, base string) {
	id := named
	if named != "" {
		b.x.Named = append(b.x.Named, named)
	} else {
		id = base
		for n := 1; b.ids[id]; n++ {
			id = base + "-" + strconv.Itoa(n)
		}
	}
	b.ids[id] = true
	el.CreateAttr("id", id)
}

// ncName makes a text fit for an id.
func ncName(s string) string {
	out := []rune(s)
	for i, r := range out {
		ok := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.' || r > 0xbf && r != 0xd7 && r != 0xf7
		if !ok {
			out[i] = '.' // as pcs does
		}
	}
	return string(out)
}

// templateUsers lists the primitives that name each template.
func templateUsers(m *v1.Manifests) map[string][]string {
	users := map[string][]string{}
	use := func(id string, p *v1.Primitive) {
		if p.Template != "" {
			users[p.Template] = append(users[p.Template], id)
		}
	}
	for _, r := range m.Resources {
		use(r.Metadata.Name, &r.Spec.Primitive)
	}
	for _, g := range m.Groups {
		for i := range g.Spec.Resources {
			use(g.Spec.Resources[i].Name, &g.Spec.Resources[i].Primitive)
		}
	}
	for _, x := range m.Bundles {
		if r := x.Spec.Resource; r != nil {
			use(r.Name, &r.Primitive)
		}
	}
	return users
}

// puts tells whether the manifests put files on the members.
func puts(m *v1.Manifests) bool {
	p := m.Cluster.Spec.Prepare
	return p != nil && len(p.Files) > 0 || slices.ContainsFunc(m.Alerts, func(a *v1.Alert) bool { return a.Spec.Script != nil })
}
