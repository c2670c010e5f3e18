package cib

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

func raiseEpoch(cib *etree.Element) error {
	n, err := strconv.ParseUint(attr(cib, "epoch"), 10, 32)
	if err != nil {
		return fmt.Errorf("the CIB has no epoch: %q", attr(cib, "epoch"))
	}
	cib.CreateAttr("epoch", strconv.FormatUint(n+1, 10))
	cib.CreateAttr("num_updates", "0")
	return nil
}

// patchset writes the difference of two CIBs as crm_diff does (format 2 of lib/common/patchset.c), for cibadmin --patch: Pacemaker
// takes it only if the CIB still has the source's three version numbers. An element that stands elsewhere than before is deleted and
// created again: nothing is ever moved in place.
func patchset(from, to *etree.Document) (string, error) {
	d := &patcher{}
	a, b := from.Root(), to.Root()
	d.modify("/cib", a, b)
	ca, cb := a.SelectElement("configuration"), b.SelectElement("configuration")
	if ca == nil || cb == nil {
		return "", fmt.Errorf("the CIB has no configuration")
	}
	d.element("/cib/configuration", ca, cb)

	diff := etree.NewElement("diff")
	diff.CreateAttr("format", "2")
	v := diff.CreateElement("version")
	for _, x := range []struct {
		tag string
		cib *etree.Element
	}{{"source", a}, {"target", b}} {
		el := v.CreateElement(x.tag)
		for _, n := range []string{"admin_epoch", "epoch", "num_updates"} {
			el.CreateAttr(n, attr(x.cib, n))
		}
	}
	// Pacemaker deletes and modifies in the order given, then creates by rising position.
	sort.SliceStable(d.creates, func(i, j int) bool { return d.creates[i].position < d.creates[j].position })
	for _, el := range slices.Concat(d.deletes, d.modifies) {
		diff.AddChild(el)
	}
	for _, c := range d.creates {
		diff.AddChild(c.el)
	}
	return source(diff), nil
}

type patcher struct {
	deletes, modifies []*etree.Element
	creates           []creation
}

type creation struct {
	position int
	el       *etree.Element
}

// elementPath is one step of the path; Pacemaker reads TAG and TAG[@id='ID'].
func elementPath(el *etree.Element) string {
	if id := attr(el, "id"); id != "" {
		return "/" + el.Tag + "[@id='" + id + "']"
	}
	return "/" + el.Tag
}

func change(operation, path string) *etree.Element {
	c := etree.NewElement("change")
	c.CreateAttr("operation", operation)
	c.CreateAttr("path", path)
	return c
}

func (d *patcher) modify(path string, a, b *etree.Element) {
	var list []*etree.Element
	for _, x := range b.Attr {
		if old := a.SelectAttr(x.FullKey()); old == nil || old.Value != x.Value {
			el := etree.NewElement("change-attr")
			el.CreateAttr("name", x.FullKey())
			el.CreateAttr("operation", "set")
			el.CreateAttr("value", x.Value)
			list = append(list, el)
		}
	}
	for _, x := range a.Attr {
		if b.SelectAttr(x.FullKey()) == nil {
			el := etree.NewElement("change-attr")
			el.CreateAttr("name", x.FullKey())
			el.CreateAttr("operation", "unset")
			list = append(list, el)
		}
	}
	if list == nil {
		return
	}
	c := change("modify", path)
	cl := c.CreateElement("change-list")
	for _, el := range list {
		cl.AddChild(el)
	}
	res := c.CreateElement("change-result").CreateElement(b.Tag)
	for _, x := range b.Attr {
		res.CreateAttr(x.FullKey(), x.Value)
	}
	d.modifies = append(d.modifies, c)
}

// identities tells the children of an element apart: by tag and id. Those that have no id, or one that is there twice, are numbered.
func identities(els []*etree.Element) []string {
	keys := make([]string, len(els))
	seen := make(map[string]int, len(els))
	for i, el := range els {
		k := el.Tag
		if id := attr(el, "id"); id != "" {
			k += "#" + id
		}
		if seen[k]++; seen[k] > 1 {
			k += "#" + strconv.Itoa(seen[k])
		}
		keys[i] = k
	}
	return keys
}

// ambiguous tells whether some children have no path of their own: Pacemaker would take the first for the second.
func ambiguous(els []*etree.Element) bool {
	seen := make(map[string]bool, len(els))
	for _, el := range els {
		p := elementPath(el)
		if seen[p] {
			return true
		}
		seen[p] = true
	}
	return false
}

// renewed tells whether an element has to be deleted and made again because its children cannot be addressed.
func renewed(a, b *etree.Element) bool {
	as, bs := a.ChildElements(), b.ChildElements()
	return (ambiguous(as) || ambiguous(bs)) && digest(a, nil) != digest(b, nil)
}

func (d *patcher) element(path string, a, b *etree.Element) {
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
			d.deletes = append(d.deletes, change("delete", path+elementPath(c)))
		}
	}
	at, i := 0, 0
	for _, t := range b.Child {
		c, ok := t.(*etree.Element)
		if !ok {
			if _, comment := t.(*etree.Comment); comment {
				at++ // a node like any other to libxml
			}
			continue
		}
		if stay[is[i]] {
			o := old[is[i]]
			d.modify(path+elementPath(c), o, c)
			d.element(path+elementPath(c), o, c)
		} else {
			el := change("create", path)
			el.CreateAttr("position", strconv.Itoa(at))
			el.AddChild(c.Copy())
			d.creates = append(d.creates, creation{at, el})
		}
		at++
		i++
	}
}

// stays tells which children are in both lists and keep their order: those of a longest common sequence, by their identities.
func stays(as, bs []*etree.Element) map[string]bool {
	was := identities(as)
	index := make(map[string]int, len(as))
	for i, k := range was {
		index[k] = i
	}
	type link struct{ value, prev int }
	var seq []link // longest increasing sequence of old indices, by patience
	var tails []int
	for _, b := range identities(bs) {
		i, ok := index[b]
		if !ok {
			continue
		}
		k := sort.Search(len(tails), func(k int) bool { return seq[tails[k]].value >= i })
		prev := -1
		if k > 0 {
			prev = tails[k-1]
		}
		seq = append(seq, link{i, prev})
		if k == len(tails) {
			tails = append(tails, len(seq)-1)
		} else {
			tails[k] = len(seq) - 1
		}
	}
	out := map[string]bool{}
	if len(tails) > 0 {
		for i := tails[len(tails)-1]; i >= 0; i = seq[i].prev {
			out[was[seq[i].value]] = true
		}
	}
	return out
}

// version is admin_epoch.epoch.num_updates.
func version(cib *etree.Element) string {
	return strings.Join([]string{attr(cib, "admin_epoch"), attr(cib, "epoch"), attr(cib, "num_updates")}, ".")
}
