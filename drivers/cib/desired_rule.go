package cib

import (
	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
)

// rule writes a rule; base is its id unless it names one. What the schema demands beside is added by inWords.
func (b *objectBuilder) rule(r *v1.Rule, base, path string) *etree.Element {
	el := etree.NewElement("rule")
	if r.IDRef != "" {
		el.CreateAttr("id-ref", r.IDRef)
		return el
	}
	b.id(el, r.ID, base)
	spec := *r
	spec.ID = ""
	encode(el, &spec, nil)
	at := joinPath(b.at, joinPath(path, "expression"))
	e, err := v1.ParseExpression(r.Expression)
	if err != nil {
		b.errorf(b.o.Pos(at), at, "%v", err)
		return el
	}
	b.expression(el, e)
	return el
}

// rules writes a list of rules; the ids are made of base.
func (b *objectBuilder) rules(parent *etree.Element, rules []v1.Rule, base, path string) {
	for i := range rules {
		parent.AddChild(b.rule(&rules[i], base, indexed(path, i)))
	}
}

// expression writes the condition of a rule into its element.
func (b *objectBuilder) expression(rule *etree.Element, e *v1.Expression) {
	if e.Join == "" {
		b.test(rule, e)
		return
	}
	if len(e.Parts) > 1 {
		rule.CreateAttr("boolean-op", e.Join)
	}
	for i := range e.Parts {
		part := &e.Parts[i]
		if part.Join == "" {
			b.test(rule, part)
			continue
		}
		inner := rule.CreateElement("rule")
		b.id(inner, "", attr(rule, "id")+"-rule")
		b.expression(inner, part)
	}
}

func (b *objectBuilder) test(rule *etree.Element, e *v1.Expression) {
	add := func(tag string, spec any) *etree.Element {
		el := rule.CreateElement(tag)
		b.id(el, "", attr(rule, "id")+"-expr")
		encode(el, spec, nil)
		return el
	}
	switch {
	case e.Attribute != nil:
		add("expression", e.Attribute)
	case e.Resource != nil:
		add("rsc_expression", e.Resource)
	case e.Operation != nil:
		add("op_expression", e.Operation)
	case e.Date != nil:
		el := add("date_expression", e.Date)
		if e.Date.Duration != nil {
			b.dates(el, "duration", e.Date.Duration)
		}
		if e.Date.Operation == "date_spec" {
			b.dates(el, "date_spec", e.Date.Spec)
		}
	}
}

func (b *objectBuilder) dates(expr *etree.Element, tag string, values []v1.NameValue) {
	el := expr.CreateElement(tag)
	b.id(el, "", attr(expr, "id")+"-"+map[string]string{"duration": "duration", "date_spec": "datespec"}[tag])
	for _, v := range values {
		if v.Value != nil {
			el.CreateAttr(v.Name, *v.Value)
		}
	}
}
