package cib

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// wanted is an object with its elements in the words of the live CIB.
type wanted struct {
	*Object
	view
	els    []*etree.Element // of the parts
	parts  [][]field        // the fields of each
	fields []field          // of all
}

// read makes the elements of all objects, and looks up what is known of them as a whole.
func (p *planner) read() error {
	p.byRef, p.members, p.reserved = map[reconcile.Ref]*wanted{}, map[string][]string{}, map[string]bool{}
	p.refs = map[string]bool{}
	references(p.refs, p.live.Root().SelectElement("configuration"))
	for i := range p.want.Objects {
		o := &p.want.Objects[i]
		w := &wanted{Object: o, view: view{long: longSets(o, p.inv[o.Ref]), refs: p.refs}}
		for _, part := range o.Parts {
			el := part.el
			if el != nil {
				el = el.Copy()
			} else {
				var err error
				if el, err = fragment(part.XML); err != nil {
					return fmt.Errorf("%s: %w", o.Ref, err)
				}
			}
			box := etree.NewElement("wanted") // an element with a parent, as in a CIB
			box.AddChild(el)
			p.dialect.inWords(el)
			references(p.refs, el)
			w.els = append(w.els, el)
			if !isSet(part.Section) && !apart(el.Tag) { // sets of everybody's options may be renamed
				p.reserved[attr(el, "id")], p.reserved[attr(inner(el), "id")] = true, true
			}
		}
		for _, id := range o.Named {
			p.reserved[id] = true
		}
		if o.Group != "" {
			p.members[o.Group] = append(p.members[o.Group], o.Ref.Name)
		}
		p.objects = append(p.objects, w)
		p.byRef[o.Ref] = w
	}
	for _, w := range p.objects { // only now all references are known
		for i, el := range w.els {
			fields := fieldsOf(w.Parts[i].Prefix, el, w.view)
			w.parts = append(w.parts, fields)
			w.fields = append(w.fields, fields...)
		}
	}
	return nil
}

// longSets are the ids that the manifest names, and those of the sets of the long form that it named before.
func longSets(o *Object, e entry) map[string]bool {
	long := map[string]bool{}
	for _, id := range o.Named {
		long[id] = true
	}
	for path := range e.fields {
		if i := strings.LastIndex(path, "Sets["); i >= 0 && strings.HasSuffix(path, "]") {
			long[path[i+len("Sets["):len(path)-1]] = true
		}
	}
	return long
}

var pathID = regexp.MustCompile(`@id\s*=\s*["']([^"']+)["']`)

// references collects the ids that an element refers to: by id-ref, in tags, and in permissions. References to resources are not meant:
// those are ids of objects.
func references(refs map[string]bool, el *etree.Element) {
	switch el.Tag {
	case "obj_ref":
		refs[attr(el, "id")] = true
	case "acl_permission":
		if id := attr(el, "reference"); id != "" {
			refs[id] = true
		}
		for _, m := range pathID.FindAllStringSubmatch(attr(el, "xpath"), -1) {
			refs[m[1]] = true
		}
	}
	if id := attr(el, "id-ref"); id != "" {
		refs[id] = true
	}
	for _, c := range el.Child {
		if c, ok := c.(*etree.Element); ok {
			references(refs, c)
		}
	}
}

// homes finds the elements of the live CIB that are not told apart by ids.
type homes struct {
	nodes  map[string]*etree.Element // by name
	levels map[string]*etree.Element // by levelKey
}

func homesOf(doc *etree.Document) homes {
	h := homes{nodes: map[string]*etree.Element{}, levels: map[string]*etree.Element{}}
	by := func(name, tag string, m map[string]*etree.Element, key func(*etree.Element) string) {
		s := section(doc, name)
		if s == nil {
			return
		}
		for _, el := range s.SelectElements(tag) {
			if k := key(el); m[k] == nil {
				m[k] = el
			}
		}
	}
	by("nodes", "node", h.nodes, func(el *etree.Element) string { return attr(el, "uname") })
	by("fencing-topology", "fencing-level", h.levels, levelKey)
	return h
}

// uniqueID makes an id that nothing has yet.
func (p *planner) uniqueID(id string) string {
	base := id
	for n := 1; p.work.find(id) != nil || p.reserved[id]; n++ {
		id = fmt.Sprintf("%s-%d", base, n)
	}
	return id
}
