package cib

import (
	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

// containers are the elements that say what runs in a bundle; there is one.
var containers = []string{"docker", "podman", "rkt"}

func (b *builder) bundle(x *v1.Bundle) {
	id, s := x.Metadata.Name, &x.Spec
	o := b.object(named("Bundle", id), &x.Object, "spec", "")
	el := element("bundle", id)
	o.attrs(el, s, "", "")
	for i, c := range []*v1.Container{s.Docker, s.Podman, s.Rkt} {
		if c != nil {
			tag := containers[i]
			o.says(tag, tag)
			o.attrs(el.CreateElement(tag), c, tag, tag)
		}
	}
	if n := s.Network; n != nil {
		net := el.CreateElement("network")
		o.says("network", "network")
		o.attrs(net, n, "network", "network")
		if len(n.Ports) > 0 {
			o.says("network.ports", "network.ports")
		}
		for i := range n.Ports {
			port := n.Ports[i]
			p := net.CreateElement("port-mapping")
			base := port.Port
			if base == "" {
				base = port.Range
			}
			o.id(p, port.ID, id+"-port-map-"+ncName(base))
			port.ID = ""
			encode(p, &port, nil)
		}
	}
	if len(s.Storage) > 0 {
		o.says("storage", "storage")
		o.storage(el.CreateElement("storage"), id, s.Storage)
	}
	o.sets(el, "instance_attributes", id+"-instance_attributes", "params", "params", s.Params, s.ParamSets)
	o.sets(el, "meta_attributes", id+"-meta_attributes", "meta", "meta", s.Meta, s.MetaSets)
	if r := s.Resource; r != nil {
		o.says("resource", "resource")
		o.says("resource.name", "resource.name")
		o.files = []string{r.Name}
		el.AddChild(o.primitive("primitive", r.Name, "resource", "resource", &r.Primitive))
	}
	o.part("", "resources", el)
	o.done()
}

func (b *objectBuilder) storage(el *etree.Element, id string, ms []v1.StorageMapping) {
	for i := range ms {
		m := ms[i]
		c := el.CreateElement("storage-mapping")
		b.id(c, m.ID, id+"-storage-map")
		m.ID = ""
		encode(c, &m, nil)
	}
}
