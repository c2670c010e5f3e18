package cib

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

func (b *builder) resource(r *v1.Resource) {
	o := b.object(Resource(r.Metadata.Name), &r.Object, "spec", "")
	el := o.primitive(r.Metadata.Name, &r.Spec.Primitive)
	o.part("", "resources", o.cloned(el, r.Spec.Clone))
	o.done()
}

func (b *builder) group(g *v1.ResourceGroup) {
	o := b.object(Group(g.Metadata.Name), &g.Object, "spec", "")
	el := etree.NewElement("group")
	el.CreateAttr("id", g.Metadata.Name)
	o.description(el, g.Spec.Description)
	o.pairs(el, "meta_attributes", g.Metadata.Name+"-meta_attributes", "meta", "meta", g.Spec.Meta)
	o.part("", "resources", o.cloned(el, g.Spec.Clone))
	o.done()
	after := ""
	for i := range g.Spec.Resources {
		mem := &g.Spec.Resources[i]
		at := fmt.Sprintf("spec.resources[%d]", i)
		m := b.object(Resource(mem.Name), &g.Object, at, at)
		m.part("", "resources", m.primitive(mem.Name, &mem.Primitive))
		m.x.Group, m.x.After = g.Metadata.Name, after
		m.done()
		after = mem.Name
	}
}

func (b *objectBuilder) description(el *etree.Element, text string) {
	if text != "" {
		el.CreateAttr("description", text)
		b.says("description", "description")
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
	wrap := etree.NewElement("clone")
	wrap.CreateAttr("id", id)
	b.says("clone", "clone")
	meta := v1.Options{}
	maps.Copy(meta, c.Meta)
	if c.Promotable != nil && *c.Promotable {
		b.says("clone.meta.promotable", "clone.promotable")
		pair(setIn(wrap, "meta_attributes", id+"-meta_attributes"), "promotable", "true")
		delete(meta, "promotable")
	}
	b.pairs(wrap, "meta_attributes", id+"-meta_attributes", "clone.meta", "clone.meta", meta)
	wrap.AddChild(el)
	return wrap
}

func (b *objectBuilder) primitive(id string, p *v1.Primitive) *etree.Element {
	el := etree.NewElement("primitive")
	el.CreateAttr("id", id)
	class, rest, _ := strings.Cut(p.Agent, ":")
	el.CreateAttr("class", class)
	if provider, typ, ok := strings.Cut(rest, ":"); ok && class == "ocf" {
		el.CreateAttr("provider", provider)
		rest = typ
	}
	el.CreateAttr("type", rest)
	b.says("agent", "agent")
	b.description(el, p.Description)
	b.params(el, id, p.Params, p.Secrets)
	b.pairs(el, "meta_attributes", id+"-meta_attributes", "meta", "meta", p.Meta)
	b.pairs(el, "utilization", id+"-utilization", "utilization", "utilization", p.Utilization)
	b.operations(el, id, p.Operations)
	return el
}

// params adds the parameters and, as references, the secret ones.
func (b *objectBuilder) params(el *etree.Element, id string, params v1.Options, secrets map[string]v1.SecretRef) {
	set := id + "-instance_attributes"
	b.pairs(el, "instance_attributes", set, "params", "params", params)
	for _, n := range slices.Sorted(maps.Keys(secrets)) {
		path := joinPath(b.at, "secrets."+n)
		b.says("params."+n, "secrets."+n)
		pair(setIn(el, "instance_attributes", set), n, lrm)
		value := b.builder.secrets.Value(b.o, path)
		if why := unfit(value); why != "" {
			b.errorf(b.o.Pos(path), path, "%s", why)
		}
		b.state.Secrets = append(b.state.Secrets, Secret{Resource: id, Param: n, Value: value, Object: b.x.Ref, Source: b.o.Pos(path)})
	}
}

func (b *objectBuilder) operations(el *etree.Element, id string, ops []v1.Operation) {
	if len(ops) == 0 {
		return
	}
	list := el.CreateElement("operations")
	ids := map[string]bool{}
	for i, o := range ops {
		op := list.CreateElement("op")
		interval := o.Interval
		if interval == "" {
			interval = "0s"
		}
		opID := id + "-" + ncName(o.Name) + "-interval-" + ncName(interval)
		if ids[opID] { // two monitors of the same interval in different roles
			opID += "-" + o.Role
		}
		ids[opID] = true
		op.CreateAttr("id", opID)
		op.CreateAttr("name", o.Name)
		op.CreateAttr("interval", interval)
		at := fmt.Sprintf("operations[%d]", i)
		var named []string
		for _, a := range []struct{ name, value string }{{"timeout", o.Timeout}, {"role", o.Role}, {"on-fail", o.OnFail}, {"enabled", o.Enabled},
			{"record-pending", o.RecordPending}, {"start-delay", o.StartDelay}, {"interval-origin", o.IntervalOrigin}, {"description", o.Description}} {
			if a.value != "" {
				op.CreateAttr(a.name, a.value)
				named = append(named, a.name)
			}
		}
		g := "operations[" + opKey(op) + "]"
		if _, twice := b.x.Pos[g]; twice {
			b.errorf(b.o.Pos(joinPath(b.at, at)), at, "a second operation %s: operations are told apart by name, interval and role; change one of these", opKey(op))
		}
		b.says(g, at)
		for _, n := range named {
			b.says(g+"."+n, at+"."+n)
		}
		b.pairs(op, "instance_attributes", opID+"-instance_attributes", g+".params", at+".params", o.Params)
	}
}
