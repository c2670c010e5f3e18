package cib

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// unit is a part of a plan's changes that is tried as a whole.
type unit struct {
	cause reconcile.Cause
	edits []int
	// words are what its edits name: the ids of elements, and values of attributes.
	words map[string]bool
}

// byObject makes a unit of each object that the plan changes, and byField of each of its fields. Objects that the scheduler never looks at are
// none.
func (p *planner) byObject() []unit {
	return p.units(func(a author) author { return author{object: a.object} })
}
func (p *planner) byField() []unit { return p.units(func(a author) author { return a }) }

func (p *planner) units(of func(author) author) []unit {
	var units []unit
	index := map[author]int{}
	for i, a := range p.authors.edits {
		switch a.object.Kind {
		case "", "ACLRole", "ACLUser", "ACLGroup", "Alert":
			continue
		}
		k := of(a)
		j, ok := index[k]
		if !ok {
			j = len(units)
			index[k] = j
			units = append(units, unit{cause: p.cause(k), words: map[string]bool{}})
		}
		units[j].edits = append(units[j].edits, i)
		p.edits[i].words(units[j].words)
	}
	return units
}

// cause writes an author as the cause of a reaction, with its place in the manifests.
func (p *planner) cause(a author) reconcile.Cause {
	c := reconcile.Cause{Object: a.object, Path: a.path, Source: p.want.Source}
	if o := p.byRef[a.object]; o != nil {
		c.Source = o.Pos[""]
		if pos, ok := o.Pos[a.path]; ok {
			c.Source = pos
		}
	}
	return c
}

// words collects what an edit names.
func (e Edit) words(into map[string]bool) {
	for _, at := range []string{e.At, e.To} {
		for _, step := range strings.Split(at, "/") {
			if _, id, ok := strings.Cut(step, "#"); ok {
				into[unescapeID.Replace(id)] = true
			}
		}
	}
	for _, w := range refersTo(e.Value.Reveal()) {
		into[w] = true
	}
	els, _ := fragments(string(e.XML)) // that it is readable was seen when it was carried out
	for _, el := range els {
		walk(el, func(el *etree.Element) {
			for _, a := range el.Attr {
				for _, w := range refersTo(a.Value) {
					into[w] = true
				}
			}
		})
	}
}

// refersTo are the ids that an attribute's value may name: fencing levels list devices.
func refersTo(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
}

func walk(el *etree.Element, do func(*etree.Element)) {
	do(el)
	for _, c := range el.ChildElements() {
		walk(c, do)
	}
}

// needs tells for each edit the edits without which it cannot be carried out, or would leave the CIB broken: those that make what it stands in
// or names, and those that take away what names the thing that it deletes.
func (p *planner) needs() [][]int {
	x := traces{makes: map[string][]int{}, deletes: map[string]int{}, unnames: map[string][]int{}, moves: map[string]int{}}
	for i, e := range p.edits {
		x.note(i, e, p.live)
	}
	out := make([][]int, len(p.edits))
	for i, e := range p.edits {
		on := map[int]bool{}
		need := func(is ...int) {
			for _, j := range is {
				if j != i && !on[j] {
					on[j] = true
					out[i] = append(out[i], j)
				}
			}
		}
		words := map[string]bool{e.After: true}
		e.words(words)
		for w := range words {
			need(x.makes["#"+w]...)
		}
		for _, at := range []string{e.At, e.To} {
			for n := range len(at) + 1 { // every element on the way
				if n == len(at) || at[n] == '/' {
					need(x.makes[at[:n]]...)
				}
			}
		}
		x.made(e, func(key string) {
			if j, ok := x.deletes[key]; ok && j < i {
				need(j) // its successor has its id
			}
		})
		if e.Do == remove {
			if old, err := p.live.resolve(e.At); err == nil {
				walk(old, func(el *etree.Element) {
					id := attr(el, "id")
					if id == "" || refers(el.Tag) {
						return
					}
					need(x.unnames[id]...)
					if j, ok := x.moves[id]; ok {
						need(j)
					}
				})
			}
		}
		slices.Sort(out[i])
	}
	return out
}

// traces are what the edits of a plan do to ids and addresses ("#ID", "TAG#ID", "TAG#ID/CHILD", "SECTION").
type traces struct {
	makes   map[string][]int // by what is made
	deletes map[string]int   // by what is deleted
	unnames map[string][]int // by the id that an attribute of the live CIB names no longer
	moves   map[string]int   // by the id of what is moved
}

func (x *traces) note(i int, e Edit, live *tree) {
	x.made(e, func(key string) { x.makes[key] = append(x.makes[key], i) })
	if _, id, ok := strings.Cut(e.At, "#"); ok && e.Do == move {
		x.moves[unescapeID.Replace(id)] = i
	}
	old, err := live.resolve(e.At)
	if err != nil || e.Do == create || e.Do == move {
		return
	}
	for _, el := range e.gone(old) {
		walk(el, func(el *etree.Element) {
			for _, a := range el.Attr {
				switch {
				case a.Key == "id" && !refers(el.Tag):
					if e.Do == remove {
						x.deletes["#"+a.Value] = i
					}
				default:
					for _, w := range refersTo(a.Value) {
						x.unnames[w] = append(x.unnames[w], i)
					}
				}
			}
		})
	}
}

// made tells what an edit makes.
func (x *traces) made(e Edit, tell func(key string)) {
	switch {
	case e.Do == set && e.Attr == "id":
		tell("#" + e.Value.Reveal())
	case e.Do == create || e.Do == replace:
		els, _ := fragments(string(e.XML)) // that it is readable was seen when it was carried out
		for _, el := range els {
			makes(el, e.At, tell)
		}
	}
}

func makes(el *etree.Element, parent string, tell func(string)) {
	at := parent + "/" + el.Tag
	if parent == "configuration" {
		at = el.Tag
	}
	if id := attr(el, "id"); id != "" && !refers(el.Tag) {
		at = el.Tag + "#" + escapeID.Replace(id)
		tell("#" + id)
	}
	tell(at)
	for _, c := range el.ChildElements() {
		makes(c, at, tell)
	}
}

// gone are the elements that an edit takes away, or whose attributes it changes.
func (e Edit) gone(at *etree.Element) []*etree.Element {
	switch e.Do {
	case replace:
		return at.SelectElements(e.Attr)
	case set, unset:
		bare := etree.NewElement(at.Tag)
		if a := at.SelectAttr(e.Attr); a != nil && e.Attr != "id" {
			bare.CreateAttr(e.Attr, a.Value)
		}
		return []*etree.Element{bare}
	}
	return []*etree.Element{at}
}

// needsOf lifts the needs of edits to those of units, transitively.
func needsOf(units []unit, edits [][]int) [][]int {
	home := map[int]int{}
	for u := range units {
		for _, i := range units[u].edits {
			home[i] = u
		}
	}
	out := make([][]int, len(units))
	for u := range units {
		seen := map[int]bool{u: true}
		for queue := []int{u}; len(queue) > 0; queue = queue[1:] {
			for _, i := range units[queue[0]].edits {
				for _, j := range edits[i] {
					if n, ok := home[j]; ok && !seen[n] {
						seen[n] = true
						queue = append(queue, n)
						out[u] = append(out[u], n)
					}
				}
			}
		}
		slices.Sort(out[u])
	}
	return out
}
