package cib

import (
	_ "embed"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// The way back from a change of the CIB is data that a shell and awk on any member can follow, without hactl: pieces, each an element that was
// modified, made or deleted, with what hactl left of it, what was before, and the change of a patch that takes it back. rollback.awk compares the
// pieces with the live CIB and makes a patch of those that are still hactl's own; the patch goes in only if the CIB has not moved since it was
// read (cibadmin --patch), so that one member wins and nothing is taken back twice. What somebody changed since stays, and is told.
//
// Resources that the change made are not just deleted: a first part puts everything else back and stops them in order, a second one deletes
// them when they have stopped.

//go:embed rollback.awk
var rollbackAwk string

// part is a patch that is made as a whole.
type part struct {
	pieces []piece
	// stopped are resources that must be inactive before it.
	stopped []string
}

// piece is one change of a part.
type piece struct {
	kind   string // modify, delete, create, replace
	label  string
	path   string // of the element
	parent string // of an element that is to be created
	ours   string // what hactl left: the canonical element, or the whole subtree
	back   string // the same, as it was before
	xml    string // the <change> of the patch
	after  string // the path of the element before it
}

// String is the line that rollback.awk reads.
func (p piece) String() string {
	return strings.Join([]string{p.kind, p.label, p.path, p.ours, p.back, p.xml, p.parent}, "\t")
}

// wayBack gives the parts that lead from what edits make of a CIB back to that CIB, and what they make of it.
func wayBack(before *etree.Document, edits []Edit) (parts []part, left *etree.Document, err error) {
	if left, err = applyAll(before, edits); err != nil {
		return nil, nil, err
	}
	// The inventory stays, if need be empty: it holds the mark of an apply that waits for confirmation.
	target := newTree(before.Copy())
	if left := inventorySet(left); left != nil && inventorySet(target.Document) == nil {
		crm := section(target.Document, "crm_config")
		if crm == nil {
			return nil, nil, fmt.Errorf("the CIB has no crm_config")
		}
		if len(crm.ChildElements()) == 0 {
			crm.AddChild(element("cluster_property_set", bootstrapID))
		}
		crm.AddChild(element("cluster_property_set", inventoryID))
	}
	doomed := onlyIn(left, target.Document)
	if len(doomed) == 0 {
		return []part{{pieces: pieces(left, target.Document)}}, left, nil
	}
	between := windDown(left, target, doomed)
	return []part{{pieces: pieces(left, between)}, {pieces: pieces(between, target.Document), stopped: doomed}}, left, nil
}

// onlyIn are the top-level resources of a CIB that another has not.
func onlyIn(a, b *etree.Document) []string {
	there := map[string]bool{}
	if s := section(b, "resources"); s != nil {
		for _, el := range s.FindElements(".//*[@id]") {
			there[attr(el, "id")] = true
		}
	}
	var ids []string
	if s := section(a, "resources"); s != nil {
		for _, el := range s.ChildElements() {
			if id := attr(el, "id"); el.Tag != "template" && !there[id] && !there[attr(inner(el), "id")] {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// windDown is target with the doomed resources still in it, told to stop, and with the constraints among them: they stop in order, and
// nothing else has to.
func windDown(left *etree.Document, target *tree, doomed []string) *etree.Document {
	t := newTree(target.Document.Copy())
	inside := map[string]bool{}
	for _, id := range doomed {
		for _, el := range newTree(left).ids[id] {
			if p := el.Parent(); p == nil || p.Tag != "resources" {
				continue
			}
			c := el.Copy()
			if m, err := fragment(string(stopOf(id))); err == nil && ownStop(c) == nil {
				c.InsertChildAt(rankPlace(c, m.Tag), m)
			}
			section(t.Document, "resources").AddChild(c)
			inside[id] = true
			for _, x := range c.FindElements(".//*[@id]") {
				inside[attr(x, "id")] = true
			}
		}
	}
	if s, to := section(left, "constraints"), section(t.Document, "constraints"); s != nil && to != nil {
		for _, el := range s.ChildElements() {
			if byID(to, attr(el, "id")) == nil && among(el, inside) {
				to.AddChild(el.Copy())
			}
		}
	}
	// Templates that they are made of, and the records of all this, go with them.
	if s, to := section(left, "resources"), section(t.Document, "resources"); s != nil {
		for _, el := range s.SelectElements("template") {
			if byID(to, attr(el, "id")) == nil {
				to.InsertChildAt(0, el.Copy())
			}
		}
	}
	return t.Document
}

// among tells whether a constraint is between resources of a set alone.
func among(el *etree.Element, set map[string]bool) bool {
	some := false
	for _, n := range []string{"rsc", "with-rsc", "first", "then"} {
		if v := attr(el, n); v != "" {
			if some = true; !set[v] {
				return false
			}
		}
	}
	for _, r := range el.FindElements(".//resource_ref") {
		if some = true; !set[attr(r, "id")] {
			return false
		}
	}
	return some
}

// pieces are the changes that make b of a.
func pieces(a, b *etree.Document) []piece {
	w := &piecer{}
	w.element("/cib/configuration", a.Root().SelectElement("configuration"), b.Root().SelectElement("configuration"))
	sort.SliceStable(w.created, func(i, j int) bool { return w.created[i].position < w.created[j].position })
	created := map[string]int{}
	for i, c := range w.created {
		created[c.path] = i
	}
	var out []piece
	again := map[int]bool{} // deleted and made anew: it stands elsewhere
	for _, d := range w.deleted {
		if i, ok := created[d.path]; ok {
			c := w.created[i]
			d.kind, d.ours, d.back, d.xml = "replace", d.after+" "+d.ours, c.after+" "+c.back, d.xml+c.xml
			again[i] = true
		}
		out = append(out, d)
	}
	out = append(out, w.modified...)
	for i, c := range w.created {
		if !again[i] {
			out = append(out, c.piece)
		}
	}
	return out
}

type piecer struct {
	deleted, modified []piece
	created           []placedPiece
}

type placedPiece struct {
	piece
	position int
}

func (w *piecer) element(path string, a, b *etree.Element) {
	as, bs := a.ChildElements(), b.ChildElements()
	was, is := identities(as), identities(bs)
	old := make(map[string]*etree.Element, len(as))
	for i, c := range as {
		old[was[i]] = c
	}
	stay := stays(as, bs)
	for i, c := range bs {
		if stay[is[i]] && renewed(old[is[i]], c) {
			delete(stay, is[i])
		}
	}
	for i, c := range as {
		if !stay[was[i]] {
			at := path + elementPath(c)
			w.deleted = append(w.deleted, piece{kind: "delete", label: labelOf(c), path: at, ours: subtree(c), after: pathBefore(path, as, i), xml: source(change("delete", at))})
		}
	}
	for i, c := range bs {
		at := path + elementPath(c)
		if !stay[is[i]] {
			el := change("create", path)
			el.CreateAttr("position", strconv.Itoa(c.Index()))
			el.AddChild(c.Copy())
			w.created = append(w.created, placedPiece{piece{kind: "create", label: labelOf(c), path: at, parent: path, back: subtree(c), after: pathBefore(path, bs, i), xml: source(el)}, c.Index()})
			continue
		}
		o := old[is[i]]
		var m patcher
		m.modify(at, o, c)
		if len(m.modifies) > 0 {
			w.modified = append(w.modified, piece{kind: "modify", label: labelOf(c), path: at, ours: canon(o), back: canon(c), xml: source(m.modifies[0])})
		}
		w.element(at, o, c)
	}
}

func pathBefore(parent string, els []*etree.Element, i int) string {
	if i == 0 {
		return ""
	}
	return parent + elementPath(els[i-1])
}

// labelOf names an element for people.
func labelOf(el *etree.Element) string {
	s := address(el)
	if n := attr(el, "name"); n != "" && el.Tag == "nvpair" {
		for p := el.Parent(); p != nil; p = p.Parent() {
			switch {
			case attr(p, "id") == inventoryID:
				return "the record of " + strings.TrimPrefix(n, inventoryID+"-")
			case kindOf(p) != "":
				return kindOf(p) + "/" + attr(p, "id") + " " + n
			}
		}
		return s + " (" + n + ")"
	}
	if k := kindOf(el); k != "" {
		return k + "/" + attr(el, "id")
	}
	return s
}

// canon writes an element without its children as rollback.awk does: the tag and the attributes in order.
func canon(el *etree.Element) string {
	list := make([]string, len(el.Attr))
	for i, a := range el.Attr {
		list[i] = a.FullKey() + `="` + flat.Replace(a.Value) + `"`
	}
	slices.Sort(list)
	return strings.Join(append([]string{el.Tag}, list...), " ")
}

// subtree is canon of an element and all that is in it.
func subtree(el *etree.Element) string {
	var b strings.Builder
	b.WriteString("<" + canon(el) + ">")
	for _, c := range el.ChildElements() {
		b.WriteString(subtree(c))
	}
	b.WriteString("</>")
	return b.String()
}

// flat keeps a value on one line, without tabs.
var flat = strings.NewReplacer("\t", "    ", "\n", `\n`, "\r", `\r`)
