package v1

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxNesting bounds the rules inside rules of an expression. Real ones have three at most.
const maxNesting = 64

// ParseExpression reads an expression. The error says what is wrong and where in the text.
func ParseExpression(s string) (*Expression, error) {
	p := &expressionParser{}
	if err := p.split(s); err != nil {
		return nil, err
	}
	e, err := p.rule(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind != endToken {
		if t.kind == closeToken {
			return nil, t.errorf("no parenthesis is open here; remove it")
		}
		return nil, t.errorf("and, or or the end must follow a test; a text with blanks in it must stand in double quotes")
	}
	if len(e.Parts) == 1 && e.Parts[0].Join == "" {
		e = &e.Parts[0]
	}
	return e, nil
}

type tokenKind int

const (
	endToken tokenKind = iota
	wordToken
	openToken
	closeToken
)

type token struct {
	kind   tokenKind
	text   string
	quoted bool // in part at least, so that it is none of the language's words
	equals int  // where the first = outside quotes stands in text, or -1
	column int  // from 1, in runes
}

func (t token) is(words ...string) bool {
	return t.kind == wordToken && !t.quoted && slices.Contains(words, t.text)
}

func (t token) errorf(format string, args ...any) error {
	at := "at the end"
	if t.kind != endToken {
		text := t.text
		if r := []rune(text); len(r) > 32 {
			text = string(r[:32]) + "…"
		}
		at = fmt.Sprintf("at character %d (%s)", t.column, text)
	}
	return fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...))
}

// endsWord tells whether a character outside quotes belongs to no word.
func endsWord(r rune) bool { return r == '(' || r == ')' || unicode.IsSpace(r) || unicode.IsControl(r) }

type expressionParser struct {
	tokens []token
	at     int
}

// split cuts the text into words and parentheses.
func (p *expressionParser) split(s string) error {
	column := 1
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == '(':
			p.tokens = append(p.tokens, token{kind: openToken, text: "(", column: column})
		case r == ')':
			p.tokens = append(p.tokens, token{kind: closeToken, text: ")", column: column})
		case endsWord(r):
		default:
			t, length, err := word(s, column)
			if err != nil {
				return err
			}
			p.tokens = append(p.tokens, t)
			size = length
		}
		column += utf8.RuneCountInString(s[:size])
		s = s[size:]
	}
	return nil
}

// word reads the word that s begins with, parts of which may stand in quotes; length is how much of s it takes.
func word(s string, column int) (t token, length int, err error) {
	t = token{kind: wordToken, equals: -1, column: column}
	var text strings.Builder
	quote := rune(0)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case quote == 0 && endsWord(r):
			t.text = text.String()
			return t, i, nil
		case quote == 0 && (r == '"' || r == '\''):
			quote, t.quoted = r, true
		case r == quote && quote != 0:
			quote = 0
		case quote != 0 && r == '\\' && i+1 < len(s):
			next, nextSize := utf8.DecodeRuneInString(s[i+1:])
			switch next {
			case 'n':
				text.WriteByte('\n')
			case 'r':
				text.WriteByte('\r')
			case 't':
				text.WriteByte('\t')
			default:
				text.WriteString(s[i+1 : i+1+nextSize])
			}
			size += nextSize
		default:
			if quote == 0 && r == '=' && t.equals < 0 {
				t.equals = text.Len()
			}
			text.WriteString(s[i : i+size])
		}
		i += size
	}
	t.text = text.String()
	if quote != 0 {
		return t, 0, t.errorf("the quote %c never ends", quote)
	}
	return t, len(s), nil
}

func (p *expressionParser) peek() token {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return token{}
}

func (p *expressionParser) next() token {
	t := p.peek()
	p.at++
	return t
}

// value reads a word that is none of those of the language that may stand there.
func (p *expressionParser) value(what string, words []string) (string, error) {
	t := p.next()
	switch {
	case t.kind != wordToken:
		return "", t.errorf("%s is missing", what)
	case t.is(words...):
		return "", t.errorf(`%s is missing; if it is the word %s itself, write "%s" in quotes`, what, t.text, t.text)
	}
	return t.text, nil
}

// rule reads all that stands between two parentheses, or the whole text. It always gives a Join.
func (p *expressionParser) rule(depth int) (*Expression, error) {
	or := &Expression{Join: "or"}
	for {
		and := Expression{Join: "and"}
		for {
			part, err := p.part(depth)
			if err != nil {
				return nil, err
			}
			and.Parts = append(and.Parts, part)
			if !p.peek().is("and") {
				break
			}
			p.next()
		}
		more := p.peek().is("or")
		switch {
		case !more && len(or.Parts) == 0:
			return &and, nil
		case len(and.Parts) == 1:
			or.Parts = append(or.Parts, and.Parts[0])
		case depth >= maxNesting:
			return nil, p.peek().errorf("nested more than %d levels deep", maxNesting)
		default:
			or.Parts = append(or.Parts, and)
		}
		if !more {
			return or, nil
		}
		p.next()
	}
}

func (p *expressionParser) part(depth int) (Expression, error) {
	if p.peek().kind != openToken {
		return p.test()
	}
	open := p.next()
	if depth >= maxNesting {
		return Expression{}, open.errorf("nested more than %d levels deep", maxNesting)
	}
	e, err := p.rule(depth + 1)
	if err != nil {
		return Expression{}, err
	}
	if t := p.next(); t.kind != closeToken {
		if t.kind == endToken {
			return Expression{}, open.errorf("the parenthesis is never closed")
		}
		return Expression{}, t.errorf("and, or or ) must follow a test; a text with blanks in it must stand in double quotes")
	}
	return *e, nil
}

func (p *expressionParser) test() (e Expression, err error) {
	t := p.next()
	switch {
	case t.kind != wordToken || t.is(joinWords...):
		return e, t.errorf("a test is missing, such as: defined ATTRIBUTE, ATTRIBUTE eq VALUE")
	case t.is("defined", "not_defined"):
		a := &AttributeTest{Operation: t.text}
		a.Attribute, err = p.value("the attribute's name", joinWords)
		e.Attribute = a
	case t.is("date"):
		e.Date, err = p.date()
	case t.is("date-spec"):
		d := &DateTest{Operation: "date_spec"}
		d.Spec, err = p.pairs("date-spec", dateSpecNames)
		e.Date = d
	case t.is("resource"):
		e.Resource, err = p.resource()
	case t.is("op"):
		e.Operation, err = p.operation()
	default:
		e.Attribute, err = p.comparison(t)
	}
	return e, err
}

var symbols = map[string]string{
	"<": "lt", ">": "gt", "<=": "lte", ">=": "gte", "=": "eq", "==": "eq", "!=": "ne", "<>": "ne", "le": "lte", "ge": "gte", "is": "eq", "not": "ne",
}

func (p *expressionParser) comparison(attribute token) (*AttributeTest, error) {
	a := &AttributeTest{Attribute: attribute.text}
	t := p.next()
	switch {
	case t.is(comparisons...):
		a.Operation = t.text
	case t.kind != wordToken || t.is(joinWords...):
		return nil, t.errorf("%s needs an operator and a value, such as: %s eq VALUE; or write defined %s", a.Attribute, a.Attribute, a.Attribute)
	case t.is("defined", "not_defined"):
		return nil, t.errorf("it stands before the attribute: write %s %s", t.text, a.Attribute)
	case symbols[t.text] != "":
		return nil, t.errorf("unknown operator; write %s", symbols[t.text])
	default:
		return nil, t.errorf("unknown operator%s", hint(t.text, comparisons))
	}
	if p.peek().is(comparedTypes...) {
		a.Type = p.next().text
	}
	if p.peek().is(valueSources...) {
		a.Source = p.next().text
	}
	if p.peek().kind == openToken {
		open := p.next()
		if p.next().kind != closeToken {
			return nil, open.errorf("a value cannot begin with a parenthesis; put it in double quotes")
		}
		return a, nil
	}
	value, err := p.value("the value to compare with", valueWords)
	a.Value = &value
	return a, err
}

func (p *expressionParser) date() (d *DateTest, err error) {
	t := p.next()
	d = &DateTest{Operation: t.text}
	switch {
	case t.is("gt"):
		d.Start, err = p.dateValue()
	case t.is("lt"):
		d.End, err = p.dateValue()
	case t.is("in_range"):
		err = p.within(d, t)
	case t.is("date_spec"):
		err = t.errorf("write date-spec NAME=VALUE, without date before it")
	case symbols[t.text] != "" && slices.Contains(dateOperations, symbols[t.text]):
		err = t.errorf("unknown operator; write %s", symbols[t.text])
	default:
		err = t.errorf(`after date stands gt, lt or in_range; an attribute with the name date is written "date"%s`, suggestion(t.text, dateOperations))
	}
	return d, err
}

func (p *expressionParser) dateValue() (string, error) {
	t := p.peek()
	s, err := p.value("the date", dateWords)
	if err == nil && s == "" {
		err = t.errorf("the date is empty")
	}
	return s, err
}

// within reads what follows in_range. "START to duration …" is how pcs writes a range without an end.
func (p *expressionParser) within(d *DateTest, in token) (err error) {
	if t := p.peek(); t.kind == wordToken && !t.is(dateWords...) {
		if d.Start, err = p.dateValue(); err != nil {
			return err
		}
	}
	if p.peek().is("to") {
		p.next()
		if d.Start == "" || !p.peek().is("duration") {
			if d.End, err = p.dateValue(); err != nil {
				return err
			}
		}
	}
	if d.Start == "" && d.End == "" {
		return in.errorf("needs a date: date in_range START to END, or date in_range START duration NAME=VALUE")
	}
	if p.peek().is("duration") {
		p.next()
		d.Duration, err = p.pairs("duration", durationNames)
	}
	return err
}

// pairs reads NAME=VALUE as often as it is there.
func (p *expressionParser) pairs(of string, names []string) ([]NameValue, error) {
	pairs := []NameValue{}
	for {
		t := p.peek()
		if t.kind != wordToken || t.is(joinWords...) {
			return pairs, nil
		}
		p.next()
		if t.equals < 0 {
			return nil, t.errorf("%s takes NAME=VALUE, such as hours=9-16", of)
		}
		name, value := t.text[:t.equals], t.text[t.equals+1:]
		switch {
		case !slices.Contains(names, name):
			return nil, t.errorf("unknown part of %s%s", of, hint(name, names))
		case slices.ContainsFunc(pairs, func(p NameValue) bool { return p.Name == name }):
			return nil, t.errorf("%s is given twice", name)
		case value == "" && !t.quoted:
			return nil, t.errorf("%s has no value", name)
		}
		pairs = append(pairs, NameValue{Name: name, Value: &value})
	}
}

func (p *expressionParser) resource() (*ResourceTest, error) {
	t := p.peek()
	spec, err := p.value("CLASS:PROVIDER:TYPE", joinWords)
	if err != nil {
		return nil, err
	}
	parts := strings.SplitN(spec, ":", 3)
	switch len(parts) {
	case 1:
		return nil, t.errorf("write CLASS:PROVIDER:TYPE, each of which may be empty, such as ::%s", spec)
	case 2:
		return nil, t.errorf("two colons are needed: write %s::%s (class and type) or %s: (class and provider)", parts[0], parts[1], spec)
	}
	return &ResourceTest{Class: parts[0], Provider: parts[1], Type: parts[2]}, nil
}

func (p *expressionParser) operation() (*OperationTest, error) {
	name, err := p.value("the operation's name", joinWords)
	if err != nil {
		return nil, err
	}
	o := &OperationTest{Name: name}
	t := p.peek()
	if t.kind != wordToken || t.is(joinWords...) {
		return o, nil
	}
	p.next()
	if t.equals < 0 || t.text[:t.equals] != "interval" || t.equals+1 == len(t.text) {
		return nil, t.errorf("only interval=INTERVAL may follow op %s", name)
	}
	o.Interval = t.text[t.equals+1:]
	return o, nil
}
