package cib

import (
	"errors"
	"fmt"
	"time"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

// topPrimitive imports a primitive that stands by itself: a fence device if it is one that the kind can say.
func (im *importer) topPrimitive(el *etree.Element) error {
	if err := im.claim(el); err != nil {
		return err
	}
	if im.isFenceDevice(el) {
		return im.fenceDevice(el)
	}
	return im.resource(el, nil)
}

// resource imports a primitive, with the clone around it if there is one.
func (im *importer) resource(el, wrap *etree.Element) error {
	r := &v1.Resource{}
	s := im.named(&r.Object, "Resource", attr(el, "id"))
	p, err := s.primitive(el, "spec")
	if err != nil {
		return err
	}
	r.Spec.Primitive = p
	if wrap != nil {
		r.Spec.Clone = s.cloneOf(wrap, attr(el, "id"))
	}
	im.into.Add(r)
	return nil
}

func (im *importer) group(el, wrap *etree.Element) error {
	if err := im.claim(el); err != nil {
		return err
	}
	g := &v1.ResourceGroup{}
	s := im.named(&g.Object, "ResourceGroup", attr(el, "id"))
	s.attributes(el, "spec", &g.Spec, "id")
	g.Spec.Params, _, g.Spec.ParamSets = s.sets(el, "spec", paramsOf(attr(el, "id"), ""))
	g.Spec.Meta, _, g.Spec.MetaSets = s.sets(el, "spec", metaOf(attr(el, "id")))
	s.strange(el, "spec", []string{"instance_attributes", "meta_attributes", "primitive"})
	for _, c := range el.SelectElements("primitive") {
		at := fmt.Sprintf("spec.resources[%d]", len(g.Spec.Resources))
		m, err := s.member(c, at)
		if err != nil {
			s.lost("spec.resources", "%s: %v", called(c), err)
			continue
		}
		g.Spec.Resources = append(g.Spec.Resources, m)
	}
	if wrap != nil {
		g.Spec.Clone = s.cloneOf(wrap, attr(el, "id"))
	}
	im.into.Add(g)
	return nil
}

func (s subject) member(el *etree.Element, at string) (m v1.GroupMember, err error) {
	if err := s.claim(el); err != nil {
		return m, err
	}
	m.Name = attr(el, "id")
	m.Primitive, err = s.primitive(el, at)
	return m, err
}

// clone imports a clone or, as it was called before Pacemaker 2, a master.
func (im *importer) clone(el *etree.Element) error {
	var inner []*etree.Element
	for _, c := range el.ChildElements() {
		switch c.Tag {
		case "primitive", "group":
			inner = append(inner, c)
		case "instance_attributes", "meta_attributes":
		default:
			return fmt.Errorf("hactl does not know %s in it", called(c))
		}
	}
	if len(inner) != 1 {
		return fmt.Errorf("it holds %d resources; a clone has one", len(inner))
	}
	if inner[0].Tag == "group" {
		if err := im.claim(el); err != nil {
			return err
		}
		return im.group(inner[0], el)
	}
	if err := im.claim(el, inner[0]); err != nil {
		return err
	}
	return im.resource(inner[0], el)
}

func (s subject) cloneOf(el *etree.Element, inner string) *v1.Clone {
	c := &v1.Clone{}
	id := attr(el, "id")
	if id != inner+"-clone" {
		c.Name = id
	}
	s.attributes(el, "spec.clone", c, "id")
	c.Params, _, c.ParamSets = s.sets(el, "spec.clone", paramsOf(id, ""))
	c.Meta, _, c.MetaSets = s.sets(el, "spec.clone", metaOf(id))
	if v, ok := c.Meta["promotable"]; ok {
		if yes, known := boolean(v.Text); known {
			c.Promotable = &yes
			delete(c.Meta, "promotable")
		}
	}
	if el.Tag == "master" { // whatever its meta attributes say (clone_unpack in Pacemaker's lib/pengine)
		yes := true
		c.Promotable = &yes
		s.remark("spec.clone", "The CIB has a <master>, the older word for a promotable clone.")
	}
	s.strange(el, "spec.clone", nil)
	return c
}

func (im *importer) template(el *etree.Element) error {
	if err := im.claim(el); err != nil {
		return err
	}
	t := &v1.ResourceTemplate{}
	s := im.named(&t.Object, "ResourceTemplate", attr(el, "id"))
	p, err := s.primitive(el, "spec")
	if err != nil {
		return err
	}
	t.Spec.Primitive = p
	im.into.Add(t)
	return nil
}

func paramsOf(id, owner string) setForm {
	return setForm{tag: "instance_attributes", plain: "params", long: "paramSets", id: id + "-instance_attributes", owner: owner}
}

func metaOf(id string) setForm {
	return setForm{tag: "meta_attributes", plain: "meta", long: "metaSets", id: id + "-meta_attributes"}
}

func utilizationOf(id string) setForm {
	return setForm{tag: "utilization", plain: "utilization", long: "utilizationSets", id: id + "-utilization"}
}

// primitive reads a primitive or template. An error says why hactl cannot manage it at all.
func (s subject) primitive(el *etree.Element, at string) (p v1.Primitive, err error) {
	id := attr(el, "id")
	if has(el, "class") || has(el, "type") {
		switch {
		case has(el, "template"):
			return p, errors.New("it has both an agent and a template")
		case has(el, "provider") && attr(el, "class") != "ocf":
			return p, fmt.Errorf("an agent of class %s has no provider", attr(el, "class"))
		}
		p.Agent = agentOf(el)
	}
	s.attributes(el, at, &p, "id", "class", "provider", "type")
	p.Params, p.Secrets, p.ParamSets = s.sets(el, at, paramsOf(id, id))
	p.Meta, _, p.MetaSets = s.sets(el, at, metaOf(id))
	p.Utilization, _, p.UtilizationSets = s.sets(el, at, utilizationOf(id))
	p.Operations, p.OperationsID, p.OperationsFrom = s.operations(el, at)
	s.strange(el, at, []string{"instance_attributes", "meta_attributes", "utilization", "operations"})
	return p, nil
}

func (s subject) operations(el *etree.Element, at string) (ops []v1.Operation, id, from string) {
	path := joinPath(at, "operations")
	for i, list := range el.SelectElements("operations") {
		if i > 0 {
			s.lost(path, "a second <operations> in %s", called(el))
			continue
		}
		s.attributes(list, path, &struct{}{}, "id", "id-ref")
		s.strange(list, path, []string{"op"})
		id, from = s.needed(list), attr(list, "id-ref")
		made := map[string]bool{}
		for _, op := range list.SelectElements("op") {
			o := s.operation(op, attr(el, "id"), fmt.Sprintf("%s[%d]", path, len(ops)), made)
			ops = append(ops, o)
		}
	}
	return ops, id, from
}

// operation reads an op of a resource. made are the ids that hactl will make up for those before it.
func (s subject) operation(el *etree.Element, resource, at string, made map[string]bool) (o v1.Operation) {
	s.attributes(el, at, &o, "id")
	id := operationID(resource, o.Name, o.Interval, o.Role, made)
	if !s.anew(el, id) {
		o.ID = attr(el, "id")
		id = o.ID
	}
	made[id] = true
	if d, ok := span(o.Interval); ok && d == 0 {
		o.Interval = ""
	}
	o.Params, _, o.ParamSets = s.sets(el, at, paramsOf(id, ""))
	o.Meta, _, o.MetaSets = s.sets(el, at, metaOf(id))
	s.strange(el, at, []string{"instance_attributes", "meta_attributes"})
	if on, known := boolean(o.Enabled); known && !on {
		s.remark(at+".enabled", setAtRunTime, "pcs resource update")
	}
	return o
}

// operationID is the id that hactl makes up for an operation.
func operationID(resource, name, interval, role string, made map[string]bool) string {
	if d, ok := span(interval); interval == "" || ok && d == 0*time.Second {
		interval = "0s"
	}
	id := resource + "-" + ncName(name) + "-interval-" + ncName(interval)
	if made[id] {
		id += "-" + role
	}
	return id
}

func (im *importer) bundle(el *etree.Element) error {
	if err := im.claim(el); err != nil {
		return err
	}
	b := &v1.Bundle{}
	id := attr(el, "id")
	s := im.named(&b.Object, "Bundle", id)
	s.attributes(el, "spec", &b.Spec, "id")
	b.Spec.Params, _, b.Spec.ParamSets = s.sets(el, "spec", paramsOf(id, ""))
	b.Spec.Meta, _, b.Spec.MetaSets = s.sets(el, "spec", metaOf(id))
	s.strange(el, "spec", []string{"instance_attributes", "meta_attributes", "docker", "podman", "rkt", "network", "storage", "primitive"})
	for _, c := range el.ChildElements() {
		switch c.Tag {
		case "docker", "podman", "rkt":
			if b.Spec.Docker != nil || b.Spec.Podman != nil || b.Spec.Rkt != nil {
				return errors.New("it has several containers")
			}
			x := s.container(c)
			switch c.Tag {
			case "docker":
				b.Spec.Docker = x
			case "podman":
				b.Spec.Podman = x
			default:
				b.Spec.Rkt = x
			}
		case "network":
			if b.Spec.Network != nil {
				return errors.New("it has two networks")
			}
			b.Spec.Network = s.bundleNetwork(c)
		case "storage":
			s.attributes(c, "spec.storage", &struct{}{})
			s.strange(c, "spec.storage", []string{"storage-mapping"})
			for _, x := range c.SelectElements("storage-mapping") {
				var m v1.StorageMapping
				s.attributes(x, fmt.Sprintf("spec.storage[%d]", len(b.Spec.Storage)), &m)
				m.ID = s.needed(x)
				b.Spec.Storage = append(b.Spec.Storage, m)
			}
		case "primitive":
			m, err := s.member(c, "spec.resource")
			if err != nil || b.Spec.Resource != nil {
				return fmt.Errorf("%s in it: %w", called(c), errors.Join(err, errors.New("a bundle holds one")))
			}
			b.Spec.Resource = &m
		}
	}
	im.into.Add(b)
	return nil
}

func (s subject) container(el *etree.Element) *v1.Container {
	c := &v1.Container{}
	s.attributes(el, "spec."+el.Tag, c, "masters")
	if has(el, "masters") && c.PromotedMax == "" {
		c.PromotedMax = attr(el, "masters")
	}
	s.strange(el, "spec."+el.Tag, []string{})
	return c
}

func (s subject) bundleNetwork(el *etree.Element) *v1.BundleNetwork {
	n := &v1.BundleNetwork{}
	s.attributes(el, "spec.network", n)
	s.strange(el, "spec.network", []string{"port-mapping"})
	for _, c := range el.SelectElements("port-mapping") {
		var p v1.PortMapping
		s.attributes(c, fmt.Sprintf("spec.network.ports[%d]", len(n.Ports)), &p)
		p.ID = s.needed(c)
		n.Ports = append(n.Ports, p)
	}
	return n
}
