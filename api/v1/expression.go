package v1

import (
	"slices"
	"strings"
)

// Expression is the condition of a Rule: a test, or several joined by and or or (a rule inside a rule in the CIB). It is written as pcs and
// the manuals write it:
//
//	defined ATTRIBUTE
//	not_defined ATTRIBUTE
//	ATTRIBUTE lt|gt|lte|gte|eq|ne [string|integer|number|version] [param|meta] VALUE
//	date gt DATE
//	date lt DATE
//	date in_range [START] [to END] [duration NAME=VALUE …]
//	date-spec NAME=VALUE …
//	resource [CLASS]:[PROVIDER]:[TYPE]
//	op NAME [interval=INTERVAL]
//
// joined with and and or, where and binds closer, and with parentheses, which make a rule inside the rule: "a or b and c" is the same as
// "a or (b and c)". With param or meta, VALUE names a parameter or meta attribute of the resource; () in place of VALUE is none at all, to
// which an attribute that is not defined is equal. in_range needs START or END. The names of duration are years, months, weeks, days, hours,
// minutes and seconds; those of date-spec years, months, monthdays, hours, minutes, seconds, yeardays, weekyears, weeks, weekdays and moon.
//
// What holds white space, a parenthesis or a quote, or would be taken for one of the words, is written in double or single quotes. Inside
// them \ stands before a quote or \, and \n, \r and \t are a line feed, a carriage return and a tab.
type Expression struct {
	// Join is "and" or "or" of Parts; "" is one test.
	Join string
	// Parts are at least two, or one where a rule stands alone inside a rule; Join is then "and". One test at the top is no part of anything.
	Parts []Expression
	// One of these is given where Join is empty.
	Attribute *AttributeTest
	Date      *DateTest
	Resource  *ResourceTest
	Operation *OperationTest
}

// AttributeTest tests a node attribute (expression).
type AttributeTest struct {
	Attribute string `cib:"attribute"`
	// Operation is lt, gt, lte, gte, eq, ne, defined or not_defined.
	Operation string `cib:"operation"`
	// Value is nil with defined and not_defined. Elsewhere nil compares with an attribute that is not defined.
	Value *string `cib:"value"`
	// Type of the comparison: string, integer, number, version; "" lets Pacemaker choose.
	Type string `cib:"type"`
	// Source is param or meta; "" is literal, as the CIB may call it.
	Source string `cib:"value-source"`
}

// DateTest tests the date and time (date_expression).
type DateTest struct {
	// Operation is gt, lt, in_range or date_spec.
	Operation string `cib:"operation"`
	Start     string `cib:"start"`
	End       string `cib:"end"`
	// Duration and Spec are the attributes of the elements duration and date_spec: hours, weekdays, … , in the order of the CIB. A Duration
	// that is empty and not nil is a duration of nothing.
	Duration []NameValue
	Spec     []NameValue
}

// ResourceTest tests the agent of a resource (rsc_expression). An empty field is any.
type ResourceTest struct {
	Class    string `cib:"class"`
	Provider string `cib:"provider"`
	Type     string `cib:"type"`
}

// OperationTest tests an operation (op_expression).
type OperationTest struct {
	Name string `cib:"name"`
	// Interval is empty for any.
	Interval string `cib:"interval"`
}

// The words of the language. A text that is one of them, where it would be taken for it, is quoted.
var (
	joinWords      = []string{"and", "or"}
	testWords      = []string{"and", "or", "defined", "not_defined", "date", "date-spec", "resource", "op"}
	comparisons    = []string{"lt", "gt", "lte", "gte", "eq", "ne"}
	comparedTypes  = []string{"string", "integer", "number", "version"}
	valueSources   = []string{"param", "meta"}
	valueWords     = slices.Concat(joinWords, comparedTypes, valueSources)
	dateOperations = []string{"gt", "lt", "in_range"}
	dateWords      = []string{"and", "or", "to", "duration"}
	// The attributes that rule-3.9.rng allows, those that it calls invalid there included.
	durationNames = []string{"years", "months", "weeks", "days", "hours", "minutes", "seconds",
		"monthdays", "weekdays", "yearsdays", "weekyears", "moon"}
	dateSpecNames = []string{"years", "months", "monthdays", "hours", "minutes", "seconds", "yeardays", "weekyears", "weeks", "weekdays", "moon",
		"yearsdays"}
)

// String writes the expression so that ParseExpression gives the same again, in one line.
func (e *Expression) String() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

func (e *Expression) write(b *strings.Builder) {
	switch {
	case e.Join != "":
		for i := range e.Parts {
			if i > 0 {
				b.WriteString(" " + e.Join + " ")
			}
			if e.Parts[i].Join == "" {
				e.Parts[i].write(b)
				continue
			}
			b.WriteString("(")
			e.Parts[i].write(b)
			b.WriteString(")")
		}
	case e.Attribute != nil:
		e.Attribute.write(b)
	case e.Date != nil:
		e.Date.write(b)
	case e.Resource != nil:
		b.WriteString("resource " + quoted(e.Resource.Class+":"+e.Resource.Provider+":"+e.Resource.Type, joinWords))
	case e.Operation != nil:
		b.WriteString("op " + quoted(e.Operation.Name, joinWords))
		if e.Operation.Interval != "" {
			b.WriteString(" interval=" + quoted(e.Operation.Interval, nil))
		}
	}
}

func (a *AttributeTest) write(b *strings.Builder) {
	if a.Operation == "defined" || a.Operation == "not_defined" {
		b.WriteString(a.Operation + " " + quoted(a.Attribute, joinWords))
		return
	}
	b.WriteString(quoted(a.Attribute, testWords) + " " + a.Operation)
	if a.Type != "" {
		b.WriteString(" " + a.Type)
	}
	if a.Source != "" && a.Source != "literal" {
		b.WriteString(" " + a.Source)
	}
	if a.Value == nil {
		b.WriteString(" ()")
		return
	}
	b.WriteString(" " + quoted(*a.Value, valueWords))
}

func (d *DateTest) write(b *strings.Builder) {
	switch d.Operation {
	case "date_spec":
		b.WriteString("date-spec")
		writePairs(b, d.Spec)
	case "gt":
		b.WriteString("date gt " + quoted(d.Start, dateWords))
	case "lt":
		b.WriteString("date lt " + quoted(d.End, dateWords))
	default:
		b.WriteString("date " + d.Operation)
		if d.Start != "" {
			b.WriteString(" " + quoted(d.Start, dateWords))
		}
		if d.End != "" {
			b.WriteString(" to " + quoted(d.End, dateWords))
		}
		if d.Duration != nil {
			b.WriteString(" duration")
			writePairs(b, d.Duration)
		}
	}
}

func writePairs(b *strings.Builder, pairs []NameValue) {
	for _, p := range pairs {
		value := ""
		if p.Value != nil {
			value = *p.Value
		}
		b.WriteString(" " + p.Name + "=" + quoted(value, nil))
	}
}

var quoteEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// quoted puts a text in quotes where it needs them: so that it stays one word and is none of the words of its place.
func quoted(s string, words []string) string {
	if s != "" && !strings.ContainsFunc(s, endsWord) && !strings.ContainsAny(s, `"'`) && !slices.Contains(words, s) {
		return s
	}
	return `"` + quoteEscapes.Replace(s) + `"`
}
