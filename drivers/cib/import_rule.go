package cib

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// hactlsOwn matches the ids of what hactl sets on its way.
var hactlsOwn = regexp.MustCompile(`^hactl-(seed|stop|stopping|order)-`)

// masked matches what crm_report and hactl put in place of a password.
var masked = regexp.MustCompile(`^(\*{4,}|` + regexp.QuoteMeta(reconcile.Mask) + `)$`)

// rule reads a rule. What an expression cannot say is an error, since a rule without it would mean something else.
func (s subject) rule(el *etree.Element, path string) (r v1.Rule, err error) {
	s.attributes(el, path, &r, "boolean-op")
	r.Score = tidyScore(r.Score)
	if r.IDRef != "" {
		if len(el.Attr) > 1 || len(el.ChildElements()) > 0 {
			return r, fmt.Errorf("the rule refers to %s and has contents of its own", r.IDRef)
		}
		return r, nil
	}
	r.ID = s.needed(el)
	for _, part := range el.FindElements(".//*") {
		if id := s.needed(part); id != "" {
			s.lost(path, "the id %s of a part of a rule, to which something refers", id)
		}
	}
	parts, join, err := expressions(el)
	if err != nil {
		return r, err
	}
	e := v1.Expression{Join: join, Parts: parts}
	if len(parts) == 1 && parts[0].Join == "" {
		e = parts[0]
	}
	r.Expression = e.String()
	again, err := v1.ParseExpression(r.Expression)
	if err != nil {
		return r, fmt.Errorf("the rule %s cannot be written: %s: %w", attr(el, "id"), r.Expression, err)
	}
	if !reflect.DeepEqual(again, &e) {
		return r, fmt.Errorf("the rule %s says more than an expression can: %s", attr(el, "id"), r.Expression)
	}
	return r, nil
}

// expressions reads the tests in a rule, and the word that joins them: and where it does not matter.
func expressions(el *etree.Element) (parts []v1.Expression, join string, err error) {
	for _, c := range el.ChildElements() {
		var e v1.Expression
		var unknown []string
		switch c.Tag {
		case "rule":
			// A score means nothing here, nor does a role: Pacemaker reads only those of the outermost rule.
			unknown = decode(c, &struct{}{}, "id", "boolean-op", "score", "score-attribute", "role")
			e.Parts, e.Join, err = expressions(c)
		case "expression":
			e.Attribute = &v1.AttributeTest{}
			unknown = decode(c, e.Attribute, "id")
			if e.Attribute.Source == "literal" {
				e.Attribute.Source = ""
			}
			if op := e.Attribute.Operation; op == "defined" || op == "not_defined" { // nothing is compared
				e.Attribute.Value, e.Attribute.Type, e.Attribute.Source = nil, "", ""
			}
		case "date_expression":
			e.Date, unknown, err = dateTest(c)
		case "rsc_expression":
			e.Resource = &v1.ResourceTest{}
			unknown = decode(c, e.Resource, "id")
		case "op_expression":
			e.Operation = &v1.OperationTest{}
			unknown = decode(c, e.Operation, "id")
		default:
			err = fmt.Errorf("hactl does not know %s in a rule", called(c))
		}
		if err == nil && len(unknown) > 0 {
			err = fmt.Errorf("%s in a rule has the attribute %s, which hactl does not know, or knows only with a value", called(c), strings.Join(unknown, ", "))
		}
		if err != nil {
			return nil, "", err
		}
		parts = append(parts, e)
	}
	join = strings.ToLower(attr(el, "boolean-op"))
	switch {
	case len(parts) == 0:
		return nil, "", fmt.Errorf("%s has no expression", called(el))
	case len(parts) == 1 || join == "":
		join = "and"
	case join != "and" && join != "or":
		return nil, "", fmt.Errorf("%s joins its expressions with %q", called(el), join)
	}
	return parts, join, nil
}

func dateTest(el *etree.Element) (d *v1.DateTest, unknown []string, err error) {
	d = &v1.DateTest{}
	unknown = decode(el, d, "id")
	for _, c := range el.ChildElements() {
		pairs := []v1.NameValue{}
		for _, a := range c.Attr {
			if a.FullKey() != "id" {
				value := a.Value
				pairs = append(pairs, v1.NameValue{Name: a.FullKey(), Value: &value})
			}
		}
		switch {
		case c.Tag == "date_spec" && d.Spec == nil:
			d.Spec = pairs
		case c.Tag == "duration" && d.Duration == nil:
			d.Duration = pairs
		default:
			return d, nil, fmt.Errorf("hactl does not know %s there, in a rule", called(c))
		}
	}
	if d.Operation == "date_spec" && d.Spec == nil {
		return d, nil, errors.New("a date_expression of a rule has no date_spec")
	}
	return d, unknown, nil
}

// tidyScore writes a score as Pacemaker understands it (char2score): INFINITY in capitals and without a plus, and no number beyond it.
func tidyScore(s string) string {
	switch strings.ToUpper(s) {
	case "INFINITY", "+INFINITY":
		return "INFINITY"
	case "-INFINITY":
		return "-INFINITY"
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n > infinity {
			return "INFINITY"
		}
		if n < -infinity {
			return "-INFINITY"
		}
	}
	return s
}
