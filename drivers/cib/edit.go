package cib

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// Edit is one change of the configuration. Elements are addressed as TAG#ID, children without an id as TAG#ID/CHILD (see address), the
// sections by their name alone.
type Edit struct {
	// Do is create, delete, set, unset, move or replace.
	Do string `json:"do"`
	// At is the element that is deleted, moved or has its attribute changed; of a create, the parent of the new element.
	At string `json:"at"`
	// To is the new parent of a move.
	To string `json:"to,omitempty"`
	// After is the id of the sibling before the new or moved element: "" is at the end, "^" at the front, "=" where the schema has it.
	After string `json:"after,omitempty"`
	// Attr and Value of a set or unset; Attr of a replace is the tag of the children that go.
	Attr  string         `json:"attr,omitempty"`
	Value reconcile.Text `json:"value,omitzero"`
	// XML is the new element; of a replace there are any number.
	XML Fragment `json:"xml,omitempty"`
}

// The edits.
const (
	create = "create"
	remove = "delete"
	set    = "set"
	unset  = "unset"
	move   = "move"
	// replace puts elements in the place of all children of one tag: no tool could tell which of them stays.
	replace = "replace"

	inPlace = "="
)

// Fragment is an element as text; it prints and marshals with passwords masked.
type Fragment string

func (f Fragment) String() string {
	els, err := fragments(string(f))
	if err != nil {
		return "(unreadable)"
	}
	var b strings.Builder
	for _, el := range els {
		mask(el)
		b.WriteString(source(el))
	}
	return b.String()
}

// MarshalJSON masks passwords.
func (f Fragment) MarshalJSON() ([]byte, error) { return json.Marshal(f.String()) }

func mask(el *etree.Element) {
	if secretPair(el) {
		el.CreateAttr("value", reconcile.Mask)
	}
	for _, c := range el.ChildElements() {
		mask(c)
	}
}

func (e Edit) String() string {
	switch e.Do {
	case set:
		return fmt.Sprintf("set %s %s=%q", e.At, e.Attr, e.Value.String())
	case unset:
		return fmt.Sprintf("unset %s %s", e.At, e.Attr)
	case remove:
		return "delete " + e.At
	case replace:
		if e.XML == "" {
			return fmt.Sprintf("delete %s in %s", e.Attr, e.At)
		}
		return fmt.Sprintf("replace %s in %s: %s", e.Attr, e.At, e.XML)
	case move:
		return strings.TrimSpace(fmt.Sprintf("move %s to %s %s", e.At, e.To, place(e.After)))
	}
	return strings.TrimSpace(fmt.Sprintf("create in %s %s", e.At, place(e.After))) + ": " + e.XML.String()
}

func place(after string) string {
	switch after {
	case "", inPlace:
		return ""
	case "^":
		return "first"
	}
	return "after " + after
}

// apply carries the edit out on a CIB.
func (e Edit) apply(t *tree) error {
	at, err := t.resolve(e.At)
	if err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	switch e.Do {
	case set:
		switch e.Attr {
		case agentAttr:
			setAgent(at, e.Value.Reveal())
		case "id":
			t.drop(at)
			at.CreateAttr("id", e.Value.Reveal())
			t.add(at)
		default:
			at.CreateAttr(e.Attr, e.Value.Reveal())
		}
	case unset:
		names := []string{e.Attr}
		if e.Attr == agentAttr {
			names = strings.Split(agentAttr, ":")
		}
		for _, name := range names {
			at.RemoveAttr(name)
		}
	case remove:
		if at.Parent() == nil {
			return fmt.Errorf("%s: it has no parent", e)
		}
		t.drop(at)
		at.Parent().RemoveChild(at)
	case move:
		to, err := t.resolve(e.To)
		if err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		at.Parent().RemoveChild(at)
		return t.insert(to, at, e.After)
	case create:
		el, err := fragment(string(e.XML))
		if err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		t.add(el)
		return t.insert(at, el, e.After)
	case replace:
		els, err := fragments(string(e.XML))
		if err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		for _, old := range at.SelectElements(e.Attr) {
			t.drop(old)
			at.RemoveChild(old)
		}
		for _, el := range els {
			t.add(el)
			at.InsertChildAt(rankPlace(at, el.Tag), el)
		}
	default:
		return fmt.Errorf("unknown edit %q", e.Do)
	}
	return nil
}

func (t *tree) insert(parent, el *etree.Element, after string) error {
	switch after {
	case "":
		parent.AddChild(el)
	case "^":
		parent.InsertChildAt(0, el)
	case inPlace:
		parent.InsertChildAt(rankPlace(parent, el.Tag), el)
	default:
		for _, c := range t.ids[after] {
			if c.Parent() == parent {
				parent.InsertChildAt(c.Index()+1, el)
				return nil
			}
		}
		return fmt.Errorf("%s is not in %s", after, address(parent))
	}
	return nil
}

// setAgent splits class[:provider]:type.
func setAgent(el *etree.Element, agent string) {
	class, rest, _ := strings.Cut(agent, ":")
	el.CreateAttr("class", class)
	if provider, typ, ok := strings.Cut(rest, ":"); ok && class == "ocf" {
		el.CreateAttr("provider", provider)
		rest = typ
	} else {
		el.RemoveAttr("provider")
	}
	el.CreateAttr("type", rest)
}

// applyAll carries edits out on a copy and raises the epoch, as every change of the configuration must (crm_diff does not).
func applyAll(doc *etree.Document, edits []Edit) (*etree.Document, error) {
	out := newTree(doc.Copy())
	for _, e := range edits {
		if err := e.apply(out); err != nil {
			return nil, err
		}
	}
	return out.Document, raiseEpoch(out.Root())
}
