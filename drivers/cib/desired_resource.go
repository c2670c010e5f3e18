package cib

import (
	"maps"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

func (b *builder) resource(r *v1.Resource) {
	o := b.object(Resource(r.Metadata.Name), &r.Object, "spec", "")
	el := o.primitive("primitive", r.Metadata.Name, "", "", &r.Spec.Primitive)
	o.part("", "resources", o.cloned(el, r.Spec.Clone))
	o.done()
}

func (b *builder) template(t *v1.ResourceTemplate) {
	o := b.object(named("ResourceTemplate", t.Metadata.Name), &t.Object, "spec", "")
	o.files = append([]string{}, b.users[t.Metadata.Name]...)
	o.part("", "resources", o.primitive("template", t.Metadata.Name, "", "", &t.Spec.Primitive))
	o.done()
}

func (b *builder) group(g *v1.ResourceGroup) {
	id, s := g.Metadata.Name, &g.Spec
	o := b.object(Group(id), &g.Object, "spec", "")
	el := element("group", id)
	o.attrs(el, s, "", "")
	o.sets(el, "meta_attributes", id+"-meta_attributes", "meta", "meta", s.Meta, s.MetaSets)
	o.sets(el, "instance_attributes", id+"-instance_attributes", "params", "params", s.Params, s.ParamSets)
	o.part("", "resources", o.cloned(el, s.Clone))
	o.done()
	after := ""
	for i := range s.Resources {
		mem := &s.Resources[i]
		at := indexed("spec.resources", i)
		m := b.object(Resource(mem.Name), &g.Object, at, at)
		m.part("", "resources", m.primitive("primitive", mem.Name, "", "", &mem.Primitive))
		m.x.Group, m.x.After = id, after
		m.done()
		after = mem.Name
	}
}

// cloned wraps a primitive or group.
func (b *objectBuilder) cloned(el *etree.Element, c *v1.Clone) *etree.Element {
	if c == nil {
		return el
	}
	id := c.Name
	if id == "" {
		id = attr(el, "id") + "-clone"
	}
	wrap := element("clone", id)
	b.says("clone", "clone")
	b.attrs(wrap, c, "clone", "clone")
	meta := v1.Options{}
	maps.Copy(meta, c.Meta)
	if c.Promotable != nil {
		b.says("clone.meta.promotable", "clone.promotable")
		pair(setIn(wrap, "meta_attributes", id+"-meta_attributes"), "promotable", strconv.FormatBool(*c.Promotable))
		delete(meta, "promotable")
	}
	files := b.files
	b.files = nil // Pacemaker reads files by the names of primitives only
	b.sets(wrap, "meta_attributes", id+"-meta_attributes", "clone.meta", "clone.meta", meta, c.MetaSets)
	b.sets(wrap, "instance_attributes", id+"-instance_attributes", "clone.params", "clone.params", c.Params, c.ParamSets)
	b.files = files
	wrap.AddChild(el)
	return wrap
}

// primitive writes a primitive or template. group stands before its fields' paths, and path is where it stands below the object's spec.
func (b *objectBuilder) primitive(tag, id, group, path string, p *v1.Primitive) *etree.Element {
	if b.files == nil {
		b.files = []string{id}
	}
	el := element(tag, id)
	if p.Agent != "" {
		setAgent(el, p.Agent)
		b.says(joinPath(group, "agent"), joinPath(path, "agent"))
	}
	b.attrs(el, p, group, path)
	at := func(s string) (string, string) { return joinPath(group, s), joinPath(path, s) }
	g, where := at("params")
	b.sets(el, "instance_attributes", id+"-instance_attributes", g, where, p.Params, nil)
	b.secretParams(el, id+"-instance_attributes", g, path, p.Secrets)
	b.sets(el, "instance_attributes", id+"-instance_attributes", g, where, nil, p.ParamSets)
	g, where = at("meta")
	b.sets(el, "meta_attributes", id+"-meta_attributes", g, where, p.Meta, p.MetaSets)
	g, where = at("utilization")
	b.sets(el, "utilization", id+"-utilization", g, where, p.Utilization, p.UtilizationSets)
	b.operations(el, id, group, path, p.Operations, p.OperationsID, p.OperationsFrom)
	return el
}

func (b *objectBuilder) operations(el *etree.Element, id, group, path string, ops []v1.Operation, listID, from string) {
	if len(ops) == 0 && listID == "" && from == "" {
		return
	}
	list := el.CreateElement("operations")
	if listID != "" {
		b.id(list, listID, "")
		b.says(joinPath(group, "operationsID"), joinPath(path, "operationsID"))
	}
	if from != "" {
		list.CreateAttr("id-ref", from)
		b.says(joinPath(group, "operationsFrom"), joinPath(path, "operationsFrom"))
	}
	files := b.files
	b.files = nil
	for i := range ops {
		b.operation(list, id, group, indexed(joinPath(path, "operations"), i), &ops[i])
	}
	b.files = files
}

func (b *objectBuilder) operation(list *etree.Element, rsc, group, at string, o *v1.Operation) {
	op := list.CreateElement("op")
	interval := o.Interval
	if interval == "" {
		interval = "0s"
	}
	id := rsc + "-" + ncName(o.Name) + "-interval-" + ncName(interval)
	if b.ids[id] && o.Role != "" { // two monitors of the same interval in different roles
		id += "-" + o.Role
	}
	b.id(op, o.ID, id)
	id = attr(op, "id")
	op.CreateAttr("name", o.Name)
	op.CreateAttr("interval", interval)
	op.CreateAttr("role", o.Role)
	if o.Role == "" {
		op.RemoveAttr("role")
	}
	g := opPath(group, op)
	b.says(g, at)
	spec := *o
	spec.Name, spec.Interval = "", ""
	b.attrs(op, &spec, g, at)
	b.sets(op, "instance_attributes", id+"-instance_attributes", g+".params", at+".params", o.Params, o.ParamSets)
	b.sets(op, "meta_attributes", id+"-meta_attributes", g+".meta", at+".meta", o.Meta, o.MetaSets)
}

// indexed is the path of an element of a list.
func indexed(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// longName turns the last name of a path of a plain set into that of the long form.
func longName(path string) string {
	i := strings.LastIndex(path, ".") + 1
	return path[:i] + setsName[path[i:]]
}

// longPath is the path of a set of the long form.
func longPath(group, key string) string { return longName(group) + "[" + key + "]" }
