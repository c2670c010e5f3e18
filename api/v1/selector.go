package v1

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Selector chooses objects by their labels, with the meaning that `kubectl -l` has: all requirements must hold. The zero Selector chooses everything.
type Selector struct {
	text         string
	requirements []requirement
}

// requirement is one condition on one label.
type requirement struct {
	key    string
	op     string // one of the keys of meanings
	values []string
}

// meanings tell for each operator whether a requirement holds for an object that has the label, and whether it does for one that lacks it.
var meanings = map[string]struct {
	holds  func(values []string, value string) bool
	absent bool
}{
	"exists": {holds: func([]string, string) bool { return true }},
	"!":      {holds: func([]string, string) bool { return false }, absent: true},
	"in":     {holds: slices.Contains[[]string]},
	"notin":  {holds: func(values []string, value string) bool { return !slices.Contains(values, value) }, absent: true},
	">":      {holds: func(values []string, value string) bool { return compareNumbers(value, values[0]) > 0 }},
	"<":      {holds: func(values []string, value string) bool { return compareNumbers(value, values[0]) < 0 }},
}

// compareNumbers gives the order of two whole numbers; 0 if one of them is none, for which neither > nor < holds.
func compareNumbers(a, b string) int {
	x, err := strconv.ParseInt(a, 10, 64)
	y, err2 := strconv.ParseInt(b, 10, 64)
	switch {
	case err != nil || err2 != nil || x == y:
		return 0
	case x < y:
		return -1
	}
	return 1
}

// The words of a selector. Labels of manifests may hold anything; what a selector can ask for is what Kubernetes lets a label be, without its
// limits of length (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/).
var (
	selectorToken = regexp.MustCompile(`^\s*(==|!=|[=!<>(),]|[A-Za-z0-9_./-]+)`)
	selectorWord  = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)
)

// ParseSelector reads a selector: requirements with commas between them, each KEY, !KEY, KEY=VALUE (also ==), KEY!=VALUE, KEY in (A,B),
// KEY notin (A,B), KEY>NUMBER or KEY<NUMBER. As in kubectl, != and notin hold for objects without the label, too.
func ParseSelector(text string) (Selector, error) {
	p := selectorParser{}
	for rest := text; strings.TrimSpace(rest) != ""; {
		m := selectorToken.FindStringSubmatch(rest)
		if m == nil {
			return Selector{}, fmt.Errorf("selector %q: %q cannot stand there; write labels as KEY=VALUE with commas between them", text, strings.TrimSpace(rest))
		}
		p.tokens = append(p.tokens, m[1])
		rest = rest[len(m[0]):]
	}
	if len(p.tokens) == 0 {
		return Selector{}, errors.New("the selector is empty; write labels as KEY=VALUE with commas between them, or leave it out")
	}
	s := Selector{text: text}
	for {
		r, err := p.requirement()
		if err != nil {
			return Selector{}, fmt.Errorf("selector %q: %w", text, err)
		}
		s.requirements = append(s.requirements, r)
		switch t := p.next(); t {
		case "":
			return s, nil
		case ",":
		default:
			return Selector{}, fmt.Errorf("selector %q: %q stands where a comma or the end should be", text, t)
		}
	}
}

type selectorParser struct{ tokens []string }

// next takes the next token; "" is the end.
func (p *selectorParser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *selectorParser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *selectorParser) word(what string) (string, error) {
	t := p.next()
	if !selectorWord.MatchString(t) {
		return "", fmt.Errorf("%s is missing before %s", what, orEnd(t))
	}
	return t, nil
}

func orEnd(token string) string {
	if token == "" {
		return "the end"
	}
	return strconv.Quote(token)
}

func (p *selectorParser) requirement() (r requirement, err error) {
	if p.peek() == "!" {
		p.next()
		r.op = "!"
		r.key, err = p.word("the label's name")
		return r, err
	}
	if r.key, err = p.word("the label's name"); err != nil {
		return r, err
	}
	switch op := p.peek(); op {
	case "", ",":
		r.op = "exists"
		return r, nil
	case "=", "==", "!=":
		p.next()
		r.op = map[bool]string{false: "in", true: "notin"}[op == "!="]
		value := ""
		if t := p.peek(); t != "" && t != "," { // a label may have the empty value
			value, err = p.word("the value of " + r.key)
		}
		r.values = []string{value}
		return r, err
	case "<", ">":
		p.next()
		r.op = op
		value, err := p.word("the number for " + r.key)
		if _, bad := strconv.ParseInt(value, 10, 64); err == nil && bad != nil {
			err = fmt.Errorf("%s %s wants a whole number, not %q", r.key, op, value)
		}
		r.values = []string{value}
		return r, err
	case "in", "notin":
		p.next()
		r.op = op
		r.values, err = p.list(r.key)
		return r, err
	default:
		return r, fmt.Errorf("%q stands where =, !=, in, notin, < or > should be", op)
	}
}

// list reads (A,B,…).
func (p *selectorParser) list(key string) ([]string, error) {
	if t := p.next(); t != "(" {
		return nil, fmt.Errorf("the values of %s must stand in parentheses, not behind %s", key, orEnd(t))
	}
	var values []string
	for {
		value := ""
		if t := p.peek(); t != "," && t != ")" {
			var err error
			if value, err = p.word("a value of " + key); err != nil {
				return nil, err
			}
		}
		values = append(values, value)
		switch t := p.next(); t {
		case ")":
			return values, nil
		case ",":
		default:
			return nil, fmt.Errorf("the values of %s end with ), not with %s", key, orEnd(t))
		}
	}
}

// Matches tells whether an object with these labels is chosen.
func (s Selector) Matches(labels map[string]string) bool {
	return !slices.ContainsFunc(s.requirements, func(r requirement) bool {
		value, ok := labels[r.key]
		m := meanings[r.op]
		if !ok {
			return !m.absent
		}
		return !m.holds(r.values, value)
	})
}

// Empty tells whether it chooses everything.
func (s Selector) Empty() bool { return len(s.requirements) == 0 }

// String gives the selector as it was written.
func (s Selector) String() string { return s.text }

// Select gives the Cluster and the objects that a selector chooses; members of a group come and go with it. What is left out is still wanted as
// it is: Whole tells of it. Check the whole first: references to what is left out are right.
func (m *Manifests) Select(s Selector) *Manifests {
	if s.Empty() {
		return m
	}
	part := &Manifests{Whole: m, Policy: m.Policy}
	for _, o := range m.All() {
		_, cluster := o.(*Cluster)
		if cluster || s.Matches(o.(interface{ Base() *Object }).Base().Metadata.Labels) {
			part.Add(o)
		}
	}
	return part
}
