package cib

import (
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// blockText writes the children of a tag in one line, so that what means the same has the same text. "" stands for no such child. refs are
// the ids that something refers to; others mean nothing.
func blockText(parent *etree.Element, tag string, refs map[string]bool) string {
	var texts []string
	for _, t := range parent.Child {
		el, ok := t.(*etree.Element)
		if !ok || el.Tag != tag {
			continue
		}
		switch tag {
		case "rule":
			texts = append(texts, ruleText(el, parent.Tag == "rsc_location", refs))
		case "lifetime":
			texts = append(texts, blockText(el, "rule", refs))
		case "resource_set":
			texts = append(texts, setText(el, refs))
		case "obj_ref", "role":
			texts = append(texts, attr(el, "id"))
		default:
			texts = append(texts, plainText(el, refs))
		}
	}
	if tag == "obj_ref" || tag == "role" {
		return strings.Join(texts, ", ")
	}
	return strings.Join(texts, "; ")
}

// plainText writes an element and what is in it: attributes by name, then the children.
func plainText(el *etree.Element, refs map[string]bool) string {
	words := attrWords(el, refs)
	var inside []string
	for _, c := range el.ChildElements() {
		inside = append(inside, strings.TrimSpace(c.Tag+" "+plainText(c, refs)))
	}
	switch el.Tag {
	case "select", "select_attributes": // the order of events means nothing
		slices.Sort(inside)
	}
	if len(inside) > 0 || len(words) == 0 {
		words = append(words, "{"+strings.Join(inside, ", ")+"}")
	}
	return strings.Join(words, " ")
}

// attrWords writes attributes, but for those that say what is so anyway.
func attrWords(el *etree.Element, refs map[string]bool, skip ...string) []string {
	var words []string
	for _, a := range el.Attr {
		key, value := a.FullKey(), a.Value
		if slices.Contains(skip, key) || key == "id" && !refs[value] {
			continue
		}
		switch key {
		case "role":
			value = canonicalRole(value)
		case "sequential", "require-all":
			if on, ok := boolean(value); ok {
				if on {
					continue // Pacemaker's default
				}
				value = "false"
			}
		case "score":
			value = scoreText(value)
		}
		words = append(words, key+"="+quotedText(value))
	}
	slices.Sort(words)
	return words
}

func setText(el *etree.Element, refs map[string]bool) string {
	words := attrWords(el, refs)
	if has(el, "id-ref") {
		return strings.Join(words, " ")
	}
	var members []string
	for _, r := range el.SelectElements("resource_ref") {
		members = append(members, attr(r, "id"))
	}
	return strings.Join(append([]string{"[" + strings.Join(members, " ") + "]"}, words...), " ")
}

// ruleText writes a rule as people do. The score of a rule has a meaning in a location constraint only, and there only at the top.
func ruleText(el *etree.Element, location bool, refs map[string]bool) string {
	skip := []string{"boolean-op"}
	if !location {
		skip = append(skip, "score", "score-attribute")
	}
	words := attrWords(el, refs, skip...)
	if has(el, "id-ref") {
		return strings.Join(words, " ")
	}
	text := conditionText(el, refs)
	if len(words) > 0 {
		text = strings.Join(words, " ") + ": " + text
	}
	return text
}

func conditionText(rule *etree.Element, refs map[string]bool) string {
	join := " and " // what is not or is and (pe_evaluate_rules, lib/pengine/rules.c)
	if strings.EqualFold(attr(rule, "boolean-op"), "or") {
		join = " or "
	}
	var tests []string
	for _, c := range rule.ChildElements() {
		tests = append(tests, testText(c, refs))
	}
	return strings.Join(tests, join)
}

func testText(el *etree.Element, refs map[string]bool) string {
	q := func(name string) string { return quotedText(attr(el, name)) }
	var words []string
	known := []string{"attribute", "operation", "value", "type", "value-source", "start", "end", "class", "provider", "name", "interval"}
	switch el.Tag {
	case "rule":
		words = append(attrWords(el, refs, "boolean-op", "score", "score-attribute"), "("+conditionText(el, refs)+")")
		return strings.Join(words, " ")
	case "expression":
		op := attr(el, "operation")
		if op == "defined" || op == "not_defined" {
			words = []string{op, q("attribute")}
			break
		}
		words = []string{q("attribute"), op}
		if t := attr(el, "type"); t != "" {
			words = append(words, t)
		}
		if s := attr(el, "value-source"); s != "" && s != "literal" {
			words = append(words, s)
		}
		if has(el, "value") {
			words = append(words, q("value"))
		} else {
			words = append(words, "()")
		}
	case "date_expression":
		words = []string{"date", attr(el, "operation")}
		if has(el, "start") {
			words = append(words, q("start"))
		}
		if has(el, "end") {
			words = append(words, "to", q("end"))
		}
	case "rsc_expression":
		words = []string{"resource", q("class") + ":" + q("provider") + ":" + q("type")}
	case "op_expression":
		words = []string{"op", q("name")}
		if has(el, "interval") {
			words = append(words, "interval="+spanText(attr(el, "interval")))
		}
	default:
		words, known = []string{el.Tag}, nil
	}
	words = append(words, attrWords(el, refs, known...)...)
	for _, c := range el.ChildElements() {
		words = append(words, strings.TrimSpace(c.Tag+" "+strings.Join(attrWords(c, refs), " ")))
	}
	return strings.Join(words, " ")
}

// scoreText writes a score the same way whatever its spelling; what is no score stays.
func scoreText(s string) string {
	switch n, ok := score(s); {
	case !ok:
		return s
	case n == infinity:
		return "INFINITY"
	case n == -infinity:
		return "-INFINITY"
	default:
		return strconv.Itoa(n)
	}
}

// quotedText puts a text that would not stand for itself in quotes.
func quotedText(s string) string {
	if s == "" || strings.ContainsAny(s, " \t\r\n()\";,{}") || s == "and" || s == "or" {
		return strconv.Quote(s)
	}
	return s
}
