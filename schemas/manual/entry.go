package manual

import (
	"fmt"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// Entry is something that can be explained.
type Entry interface {
	// Text is for people; recursive asks for the fields within fields.
	Text(recursive bool) string
	// Tree is the same for JSON.
	Tree(recursive bool) any
}

// Lookup finds what a word means: nothing for the list of kinds, a path for Find, an agent, expression, lints.
func (m *Manual) Lookup(word string) (Entry, error) {
	switch {
	case word == "":
		return m.kinds(), nil
	case strings.EqualFold(word, "lints"):
		return lints(), nil
	case strings.EqualFold(word, "expression"):
		return page{"Expression", m.Text("Expression")}, nil
	}
	first, _, _ := strings.Cut(word, ".")
	if m.find(first) == nil {
		if e, ok, err := findAgent(word); ok {
			return e, err
		}
	}
	return m.Find(word)
}

// list is a line for each of several words.
type list []node

func (m *Manual) kinds() list {
	var l list
	for _, k := range v1.Kinds() {
		first, _, _ := strings.Cut(m.Text(k), ". ")
		first = strings.TrimPrefix(strings.TrimPrefix(first, k+" "), "is ")
		l = append(l, node{Name: k, Description: strings.TrimSuffix(first, ".")})
	}
	return l
}

func lints() list {
	var l list
	for _, x := range v1.Lints() {
		l = append(l, node{Name: x.ID, Description: x.Explanation})
	}
	return l
}

func (l list) Text(bool) string {
	column := 0
	for _, n := range l {
		column = max(column, len(n.Name)+2)
	}
	var b strings.Builder
	for _, n := range l {
		fmt.Fprintf(&b, "%-*s%s\n", column, n.Name, hang(n.Description, column))
	}
	return b.String()
}

func (l list) Tree(bool) any { return []node(l) }

// page is a text about something that is no type of a manifest.
type page struct{ name, text string }

func (p page) Text(bool) string { return strings.ToUpper(p.name) + "\n\n" + paragraphs(p.text, "") }

func (p page) Tree(bool) any {
	return node{Path: p.name, Description: p.text}
}
