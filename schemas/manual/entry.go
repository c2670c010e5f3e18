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

// Lookup finds what a word means: nothing for the list of kinds, a path for Find, an agent, expression.
func (m *Manual) Lookup(word string) (Entry, error) {
	switch {
	case word == "":
		return index{m}, nil
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

// index is the list of the kinds.
type index struct{ m *Manual }

func (x index) Text(bool) string {
	var b strings.Builder
	for _, k := range v1.Kinds() {
		fmt.Fprintf(&b, "%-18s%s\n", k, hang(x.about(k), 18))
	}
	return b.String()
}

// about is the first sentence on a kind.
func (x index) about(kind string) string {
	first, _, _ := strings.Cut(x.m.Text(kind), ". ")
	first = strings.TrimPrefix(strings.TrimPrefix(first, kind+" "), "is ")
	return strings.TrimSuffix(first, ".")
}

func (x index) Tree(bool) any {
	type kind struct {
		Kind        string `json:"kind"`
		Description string `json:"description"`
	}
	var kinds []kind
	for _, k := range v1.Kinds() {
		kinds = append(kinds, kind{k, x.about(k)})
	}
	return kinds
}

// page is a text about something that is no type of a manifest.
type page struct{ name, text string }

func (p page) Text(bool) string { return strings.ToUpper(p.name) + "\n\n" + paragraphs(p.text, "") }

func (p page) Tree(bool) any {
	return node{Path: p.name, Description: p.text}
}
