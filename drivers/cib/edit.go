package cib

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// Edit is one change of the configuration. Elements are addressed as TAG#ID, children without an id as TAG#ID/CHILD, the sections by
// their name alone.
type Edit struct {
	// Do is create, delete, set, unset or move.
	Do string `json:"do"`
	// At is the element that is deleted, moved or has its attribute changed; of a create, the parent of the new element.
	At string `json:"at"`
	// To is the new parent of a move.
	To string `json:"to,omitempty"`
	// After is the id of the sibling before the new or moved element: "" is at the end, "^" at the front, "sets" behind the attribute sets.
	After string `json:"after,omitempty"`
	// Attr and Value of a set or unset.
	Attr  string         `json:"attr,omitempty"`
	Value reconcile.Text `json:"value,omitzero"`
	// XML is the new element.
	XML Fragment `json:"xml,omitempty"`
}

// The edits.
const (
	create = "create"
	remove = "delete"
	set    = "set"
	unset  = "unset"
	move   = "move"
)

// Fragment is an element as text; it prints and marshals with passwords masked.
type Fragment string

func (f Fragment) String() string {
	el, err := fragment(string(f))
	if err != nil {
		return "(unreadable)"
	}
	mask(el)
	return source(el)
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
	case move:
		return strings.TrimSpace(fmt.Sprintf("move %s to %s %s", e.At, e.To, place(e.After)))
	}
	return strings.TrimSpace(fmt.Sprintf("create in %s %s", e.At, place(e.After))) + ": " + e.XML.String()
}

func place(after string) string {
	switch after {
	case "", "sets":
		return ""
	case "^":
		return "first"
	}
	return "after " + after
}

// address writes an element's address.
func address(el *etree.Element) string {
	if id := attr(el, "id"); id != "" {
		return el.Tag + "#" + id
	}
	if p := el.Parent(); p != nil && p.Tag != "configuration" && p.Tag != "cib" && p.Tag != "" {
		return address(p) + "/" + el.Tag
	}
	return el.Tag
}

// resolve finds an addressed element, or nil.
func resolve(doc *etree.Document, at string) *etree.Element {
	head, rest, _ := strings.Cut(at, "/")
	var el *etree.Element
	tag, id, named := strings.Cut(head, "#")
	switch {
	case named:
		if el = findID(doc, id); el == nil || el.Tag != tag {
			return nil
		}
	case head == "configuration":
		el = doc.Root().SelectElement("configuration")
	default:
		el = section(doc, head)
	}
	for _, t := range strings.FieldsFunc(rest, func(r rune) bool { return r == '/' }) {
		if el == nil {
			return nil
		}
		el = el.SelectElement(t)
	}
	return el
}

// apply carries the edit out on a document.
func (e Edit) apply(doc *etree.Document) error {
	at := resolve(doc, e.At)
	if at == nil {
		return fmt.Errorf("%s: there is no %s", e, e.At)
	}
	switch e.Do {
	case set:
		if e.Attr == agentAttr {
			setAgent(at, e.Value.Reveal())
		} else {
			at.CreateAttr(e.Attr, e.Value.Reveal())
		}
	case unset:
		at.RemoveAttr(e.Attr)
	case remove:
		if at.Parent() == nil {
			return fmt.Errorf("%s: it has no parent", e)
		}
		at.Parent().RemoveChild(at)
	case move:
		to := resolve(doc, e.To)
		if to == nil {
			return fmt.Errorf("%s: there is no %s", e, e.To)
		}
		at.Parent().RemoveChild(at)
		return insert(to, at, e.After)
	case create:
		el, err := fragment(string(e.XML))
		if err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		return insert(at, el, e.After)
	default:
		return fmt.Errorf("unknown edit %q", e.Do)
	}
	return nil
}

func insert(parent, el *etree.Element, after string) error {
	switch after {
	case "":
		parent.AddChild(el)
	case "^":
		parent.InsertChildAt(0, el)
	case "sets":
		parent.InsertChildAt(setPlace(parent), el)
	default:
		for _, c := range parent.ChildElements() {
			if attr(c, "id") == after {
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
	out := doc.Copy()
	for _, e := range edits {
		if err := e.apply(out); err != nil {
			return nil, err
		}
	}
	return out, raiseEpoch(out.Root())
}
