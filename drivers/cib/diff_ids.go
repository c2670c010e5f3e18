package cib

import (
	"strings"

	"github.com/beevik/etree"
)

// freshInside gives what is in an element ids that are free; the objects in it keep theirs.
func (c *comparison) freshInside(el *etree.Element) bool {
	for _, k := range el.ChildElements() {
		switch {
		case k == inner(el):
			if !c.freshInside(k) {
				return false
			}
		case !c.freshIDs(k):
			return false
		}
	}
	return true
}

// freshIDs gives an element and what is in it ids that are free. One that the manifest names must be free itself; it is told if it is not.
func (c *comparison) freshIDs(el *etree.Element) bool { return c.fresh(el, map[string]bool{}) }

func (c *comparison) fresh(el *etree.Element, used map[string]bool) bool {
	if id := attr(el, "id"); id != "" && !refers(el.Tag) {
		if c.o.long[id] {
			if other := c.work.find(id); other != nil {
				c.errorf("", "the id %q is taken by a <%s> in the cluster (%s); choose another one", id, other.Tag, places([]*etree.Element{other}))
				return false
			}
		} else {
			free := c.uniqueID(id)
			for n := 1; used[free]; n++ {
				free = c.uniqueID(id + "-" + strings.Repeat("1", n))
			}
			el.CreateAttr("id", free)
			used[free] = true
		}
	}
	for _, k := range el.ChildElements() {
		if !c.fresh(k, used) {
			return false
		}
	}
	return true
}

// replaceBlock puts the wanted elements of a block in the place of those that holder has. holder is an element of the live CIB or of the
// working copy.
func (c *comparison) replaceBlock(part Part, f field, holder *etree.Element) {
	at := address(holder)
	now, err := c.work.resolve(at)
	if err != nil {
		c.errorf(f.path(), "%v", err)
		return
	}
	if isSet(part.Section) || part.Section == "nodes" {
		if live, err := c.planner.live.resolve(at); err == nil {
			c.pin(live)
		}
	}
	old := now.SelectElements(f.tag)
	for _, el := range old { // their ids are free for their successors
		c.work.drop(el)
	}
	var xml strings.Builder
	ok := true
	for i, el := range f.el.SelectElements(f.tag) {
		el = el.Copy()
		if i < len(old) && c.refs[attr(old[i], "id")] && !c.refs[attr(el, "id")] && !refers(el.Tag) {
			el.CreateAttr("id", attr(old[i], "id")) // something refers to it
			for _, k := range el.ChildElements() {
				ok = ok && c.freshIDs(k)
			}
		} else {
			ok = ok && c.freshIDs(el)
		}
		xml.WriteString(source(el))
	}
	for _, el := range old {
		c.work.add(el)
	}
	if ok {
		c.do(Edit{Do: replace, At: at, Attr: f.tag, XML: Fragment(xml.String())})
	}
}
