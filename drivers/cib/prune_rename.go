package cib

import (
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// inherit gives what an operator set on a resource to the one that takes its place: one that was stopped by hand stays stopped.
func (p *planner) inherit() {
	for _, d := range p.pruning.order {
		if d.heir == nil || !d.resource() {
			continue
		}
		heir := p.work.findIn("resources", d.heir.Ref.Name)
		old := (view{}).plainSet(d.els[0], "meta_attributes")
		if heir == nil || old == nil || p.live.findIn("resources", d.heir.Ref.Name) != nil {
			continue
		}
		for _, nv := range old.SelectElements("nvpair") {
			path := "meta." + attr(nv, "name")
			if runtimeField(path) && !d.fields[path] && !d.heir.wants(path) {
				p.bequeath(d, heir, nv)
			}
		}
	}
}

func (o *wanted) wants(path string) bool {
	for _, f := range o.fields {
		if f.path() == path {
			return true
		}
	}
	return false
}

func (p *planner) bequeath(d *doomed, heir, nv *etree.Element) {
	p.authors.turn(d.heir.Ref)
	set := d.heir.plainSet(heir, "meta_attributes")
	if set == nil {
		home := element("meta_attributes", p.uniqueID(attr(heir, "id")+"-meta_attributes"))
		p.do(Edit{Do: create, At: address(heir), After: inPlace, XML: Fragment(source(home))})
		if set = d.heir.plainSet(heir, "meta_attributes"); set == nil {
			return // told by do
		}
	}
	c := nv.Copy()
	c.CreateAttr("id", p.uniqueID(attr(set, "id")+"-"+attr(nv, "name")))
	p.do(Edit{Do: create, At: address(set), XML: Fragment(source(c))})
	p.note(reconcile.Note{Kind: reconcile.NoteRuntime, Object: d.heir.Ref, Path: "meta." + attr(nv, "name"), Source: d.heir.Pos[""],
		Text: strings.TrimSpace("is " + attr(nv, "value") + " on " + d.ref.Name + " and stays so under the new name")})
}
