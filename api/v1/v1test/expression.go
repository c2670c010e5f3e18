package v1test

import (
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"pgregory.net/rapid"
)

// word is a text of an expression: any, and often one of the words of the language.
var word = rapid.OneOf(rapid.SampledFrom([]string{"", "and", "or", "date", "date-spec", "to", "duration", "string", "meta", "op", "a b", "(", `"`, "'",
	`\`, "=", "a=b", "#uname", "\n", "interval=1", "resource", "defined"}), Text, rapid.StringMatching(`[a-z]{1,6}`))

var (
	nonEmptyWord  = word.Filter(func(s string) bool { return s != "" })
	noColon       = word.Filter(func(s string) bool { return !strings.Contains(s, ":") })
	comparison    = rapid.SampledFrom([]string{"lt", "gt", "lte", "gte", "eq", "ne"})
	comparedType  = rapid.SampledFrom([]string{"", "string", "integer", "number", "version"})
	durationNames = []string{"years", "months", "weeks", "days", "hours", "minutes", "seconds"}
	dateSpecNames = []string{"years", "months", "monthdays", "hours", "minutes", "seconds", "yeardays", "weekyears", "weeks", "weekdays", "moon"}
)

// Expression makes the tree of any expression.
func Expression(t *rapid.T) *v1.Expression {
	e := test(t)
	if rapid.Bool().Draw(t, "joined") {
		e = joined(t, 0)
		if len(e.Parts) == 1 && e.Parts[0].Join == "" {
			e = e.Parts[0]
		}
	}
	return &e
}

func joined(t *rapid.T, depth int) v1.Expression {
	e := v1.Expression{Join: rapid.SampledFrom([]string{"and", "or"}).Draw(t, "join")}
	n := rapid.IntRange(1, 3).Draw(t, "parts")
	if n == 1 {
		e.Join = "and"
	}
	for range n {
		if depth < 3 && rapid.IntRange(0, 3).Draw(t, "nested") == 0 {
			e.Parts = append(e.Parts, joined(t, depth+1))
		} else {
			e.Parts = append(e.Parts, test(t))
		}
	}
	return e
}

func test(t *rapid.T) v1.Expression {
	switch rapid.IntRange(0, 6).Draw(t, "test") {
	case 0:
		defined := rapid.SampledFrom([]string{"defined", "not_defined"}).Draw(t, "operation")
		return v1.Expression{Attribute: &v1.AttributeTest{Attribute: word.Draw(t, "attribute"), Operation: defined}}
	case 1:
		return v1.Expression{Date: &v1.DateTest{Operation: "gt", Start: nonEmptyWord.Draw(t, "start")}}
	case 2:
		return v1.Expression{Date: &v1.DateTest{Operation: "lt", End: nonEmptyWord.Draw(t, "end")}}
	case 3:
		return v1.Expression{Date: within(t)}
	case 4:
		return v1.Expression{Date: &v1.DateTest{Operation: "date_spec", Spec: pairs(t, dateSpecNames)}}
	case 5:
		return v1.Expression{Resource: &v1.ResourceTest{Class: noColon.Draw(t, "class"), Provider: noColon.Draw(t, "provider"), Type: word.Draw(t, "type")}}
	}
	if rapid.Bool().Draw(t, "op") {
		return v1.Expression{Operation: &v1.OperationTest{Name: word.Draw(t, "name"), Interval: word.Draw(t, "interval")}}
	}
	a := &v1.AttributeTest{Attribute: word.Draw(t, "attribute"), Operation: comparison.Draw(t, "operation"), Type: comparedType.Draw(t, "type"),
		Source: rapid.SampledFrom([]string{"", "param", "meta"}).Draw(t, "source")}
	if rapid.IntRange(0, 5).Draw(t, "value?") > 0 {
		v := word.Draw(t, "value")
		a.Value = &v
	}
	return v1.Expression{Attribute: a}
}

func within(t *rapid.T) *v1.DateTest {
	d := &v1.DateTest{Operation: "in_range"}
	which := rapid.IntRange(1, 3).Draw(t, "which")
	if which&1 != 0 {
		d.Start = nonEmptyWord.Draw(t, "start")
	}
	if which&2 != 0 {
		d.End = nonEmptyWord.Draw(t, "end")
	}
	if rapid.Bool().Draw(t, "duration") {
		d.Duration = pairs(t, durationNames)
	}
	return d
}

func pairs(t *rapid.T, names []string) []v1.NameValue {
	list := []v1.NameValue{}
	for _, n := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 3, rapid.ID).Draw(t, "names") {
		v := word.Draw(t, "value")
		list = append(list, v1.NameValue{Name: n, Value: &v})
	}
	return list
}
