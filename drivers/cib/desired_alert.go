package cib

import (
	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

func (b *builder) alert(a *v1.Alert) {
	id, s := a.Metadata.Name, &a.Spec
	o := b.object(named("Alert", id), &a.Object, "spec", "")
	el := element("alert", id)
	o.attrs(el, s, "", "")
	if s.Select != nil {
		o.says("select", "select")
		o.selects(el.CreateElement("select"), id, s.Select)
	}
	o.sets(el, "meta_attributes", id+"-meta_attributes", "meta", "meta", s.Meta, s.MetaSets)
	o.sets(el, "instance_attributes", id+"-instance_attributes", "params", "params", s.Params, s.ParamSets)
	for i := range s.Recipients {
		r, at := &s.Recipients[i], indexed("recipients", i)
		c := el.CreateElement("recipient")
		o.id(c, r.ID, a.RecipientID(i))
		encode(c, r, nil)
		g := "recipients[" + numbered(c, recipientKey) + "]"
		o.says(g, at)
		o.says(g+".description", at+".description")
		rid := attr(c, "id")
		o.sets(c, "meta_attributes", rid+"-meta_attributes", g+".meta", at+".meta", r.Meta, r.MetaSets)
		o.sets(c, "instance_attributes", rid+"-instance_attributes", g+".params", at+".params", r.Params, r.ParamSets)
	}
	o.part("", "alerts", el)
	o.done()
}

func (b *objectBuilder) selects(el *etree.Element, id string, s *v1.AlertSelect) {
	for _, x := range []struct {
		on  bool
		tag string
	}{{s.Nodes, "select_nodes"}, {s.Fencing, "select_fencing"}, {s.Resources, "select_resources"}} {
		if x.on {
			el.CreateElement(x.tag)
		}
	}
	if s.Attributes == nil {
		return
	}
	as := el.CreateElement("select_attributes")
	for _, n := range s.Attributes.Names {
		a := as.CreateElement("attribute")
		b.id(a, "", id+"-select_attributes-"+ncName(n))
		a.CreateAttr("name", n)
	}
}
