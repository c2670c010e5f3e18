package cib

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// Desired writes the manifests as the elements that they are to be in the CIB. Ids of parts follow pcs's habits.
func (d *Driver) Desired(m *v1.Manifests, s reconcile.Secrets) (State, error) {
	if m == nil || m.Cluster == nil {
		return State{}, nil
	}
	b := &builder{state: State{Cluster: m.Cluster.Metadata.Name, Owner: d.owner, Prune: d.prune, Source: m.Cluster.Pos("")}, secrets: s}
	b.cluster(m.Cluster)
	for _, f := range m.FenceDevices {
		b.fenceDevice(f)
	}
	for _, r := range m.Resources {
		b.resource(r)
	}
	for _, g := range m.Groups {
		b.group(g)
	}
	for _, c := range m.Constraints {
		b.constraint(c)
	}
	if err := errors.Join(b.errs...); err != nil {
		return State{}, err
	}
	return b.state, nil
}

// builder collects the wanted objects.
type builder struct {
	state   State
	secrets reconcile.Secrets
	errs    []error
}

func (b *builder) errorf(pos v1.Pos, path, format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("%s: %s: %s", pos, path, fmt.Sprintf(format, args...)))
}

// objectBuilder makes one object of the manifest object o; at is the path of its spec in o.
type objectBuilder struct {
	*builder
	o  *v1.Object
	at string
	x  Object
}

func (b *builder) object(ref reconcile.Ref, o *v1.Object, at, posAt string) *objectBuilder {
	return &objectBuilder{builder: b, o: o, at: at, x: Object{Ref: ref, Pos: map[string]v1.Pos{"": o.Pos(posAt)}}}
}

func (b *objectBuilder) part(prefix, section string, el *etree.Element) {
	b.x.Parts = append(b.x.Parts, Part{Prefix: prefix, Section: section, XML: source(el)})
}

func (b *objectBuilder) done() { b.state.Objects = append(b.state.Objects, b.x) }

// says notes where a field of the object stands: path below the object's spec.
func (b *objectBuilder) says(field, path string) { b.x.Pos[field] = b.o.Pos(joinPath(b.at, path)) }

// pairs adds the options as an attribute set to el, unless there are none to write. id is the set's.
func (b *objectBuilder) pairs(el *etree.Element, tag, id, group, path string, o v1.Options) {
	var set *etree.Element
	for _, n := range o.Names() {
		name := n
		if tag != "instance_attributes" && tag != "utilization" {
			name = canonicalName(n)
		}
		f := joinPath(group, name)
		b.says(f, path+"."+n)
		if o[n].Null {
			b.x.Null = append(b.x.Null, f)
			continue
		}
		if set == nil {
			set = setIn(el, tag, id)
		}
		pair(set, name, o[n].Text)
	}
}

// setIn gives the attribute set with that id in el, or el itself where that is the set.
func setIn(el *etree.Element, tag, id string) *etree.Element {
	if el.Tag == tag {
		return el
	}
	for _, c := range el.SelectElements(tag) {
		if attr(c, "id") == id {
			return c
		}
	}
	set := etree.NewElement(tag)
	set.CreateAttr("id", id)
	el.InsertChildAt(setPlace(el), set)
	return set
}

// pair adds an nvpair with pcs's id.
func pair(set *etree.Element, name, value string) {
	nv := set.CreateElement("nvpair")
	nv.CreateAttr("id", attr(set, "id")+"-"+ncName(name))
	nv.CreateAttr("name", name)
	nv.CreateAttr("value", value)
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

// setPlace is where a new attribute set goes in a resource: behind the sets that are there, before operations and members.
func setPlace(el *etree.Element) int {
	place := 0
	for i, t := range el.Child {
		c, ok := t.(*etree.Element)
		if !ok {
			continue
		}
		switch c.Tag {
		case "instance_attributes", "meta_attributes", "utilization":
			place = i + 1
		}
	}
	return place
}

func (b *builder) cluster(c *v1.Cluster) {
	o := b.object(Options(c.Metadata.Name), &c.Object, "spec", "spec")
	set := func(tag, id string) *etree.Element {
		el := etree.NewElement(tag)
		el.CreateAttr("id", id)
		return el
	}
	props := set("cluster_property_set", "cib-bootstrap-options")
	o.pairs(props, "cluster_property_set", "", "properties", "properties", c.Spec.Properties)
	o.part("properties", "crm_config", props)
	if len(c.Spec.ResourceDefaults) > 0 {
		el := set("meta_attributes", "rsc_defaults-meta_attributes")
		o.pairs(el, "meta_attributes", "", "resourceDefaults", "resourceDefaults", c.Spec.ResourceDefaults)
		o.part("resourceDefaults", "rsc_defaults", el)
	}
	if len(c.Spec.OperationDefaults) > 0 {
		el := set("meta_attributes", "op_defaults-meta_attributes")
		o.pairs(el, "meta_attributes", "", "operationDefaults", "operationDefaults", c.Spec.OperationDefaults)
		o.part("operationDefaults", "op_defaults", el)
	}
	o.done()
	for i, n := range c.Spec.Nodes {
		id := n.ID
		if id == 0 {
			id = i + 1
		}
		b.state.Members = append(b.state.Members, Member{Name: n.Name, ID: id})
		if len(n.Attributes)+len(n.Utilization) == 0 {
			continue
		}
		at := fmt.Sprintf("spec.nodes[%d]", i)
		o := b.object(NodeOptions(n.Name), &c.Object, at, at)
		el := etree.NewElement("node")
		el.CreateAttr("id", strconv.Itoa(id))
		el.CreateAttr("uname", n.Name)
		prefix := "nodes-" + strconv.Itoa(id)
		o.pairs(el, "instance_attributes", prefix, "attributes", "attributes", n.Attributes)
		o.pairs(el, "utilization", prefix+"-utilization", "utilization", "utilization", n.Utilization)
		o.part("", "nodes", el)
		o.done()
	}
}
