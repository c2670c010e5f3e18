package cib

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// doomed is an object that goes: one of this owner that no manifest tells any more, or that lives on under another name.
type doomed struct {
	entry
	// els are its elements in the working copy; resources without the clone around them.
	els []*etree.Element
	// heir is the object that takes its place, nil where it is deleted for good.
	heir *wanted
	// begun tells that an earlier run has begun to delete it.
	begun bool
	// runs is where it runs now, in words; "" where it is known to be inactive.
	runs string
	// why it goes, where that is no matter of the manifests.
	why string
	// unmanaged tells that Pacemaker will not stop it.
	unmanaged bool
}

// resource tells whether it is something that runs.
func (d *doomed) resource() bool {
	switch d.ref.Kind {
	case "Resource", "FenceDevice", "Bundle":
		return true
	}
	return false
}

// pruning is what a plan knows of the objects that go. A deletion takes two changes of the CIB at most: the first is the final configuration,
// but that what is to go is still there and told to stop, with the constraints among it; the second, once it is inactive, takes it away.
type pruning struct {
	doomed map[reconcile.Ref]*doomed
	order  []*doomed
	// ids are those of the elements that go, clones and groups around resources included.
	ids map[string]*doomed
	// later are the elements of the working copy that only the second change takes away.
	later []*etree.Element
	waits map[*etree.Element]bool // the same
	// heirs are the new resources that must not start before their predecessors have stopped.
	heirs []string
	// secondEdit and secondChange are the first of the second change of the CIB; -1: there is only one.
	secondEdit, secondChange int
	pinsThen                 []Pin // of the second change
	// stopped are the resources to wait for between the two, left those that Pacemaker leaves alone.
	stopped, left []string
}

// tags of the elements that the objects of a kind have.
var elementTags = map[string][]string{
	"Resource": {"primitive"}, "FenceDevice": {"primitive"}, "ResourceGroup": {"group"}, "ResourceTemplate": {"template"}, "Bundle": {"bundle"},
	"Constraint": {"rsc_location", "rsc_order", "rsc_colocation", "rsc_ticket"}, "ACLRole": {"acl_role"}, "ACLUser": {"acl_target"},
	"ACLGroup": {"acl_group"}, "Tag": {"tag"}, "Alert": {"alert"},
}

// doom finds the objects that go, and refuses what must not go.
func (p *planner) doom() {
	p.pruning = pruning{doomed: map[reconcile.Ref]*doomed{}, ids: map[string]*doomed{}, waits: map[*etree.Element]bool{}, secondEdit: -1, secondChange: -1}
	heirs := map[reconcile.Ref]*wanted{}
	for _, o := range p.objects {
		if o.RenamedFrom != "" {
			heirs[reconcile.Ref{Kind: o.Ref.Kind, Name: o.RenamedFrom}] = o
		}
	}
	for _, ref := range sortedRefs(p.inv) {
		e := p.inv[ref]
		if e.owner != p.want.Owner || p.byRef[ref] != nil {
			continue
		}
		d := &doomed{entry: e, els: p.elementsOf(e), heir: heirs[ref]}
		if len(d.els) == 0 {
			continue // see leftovers
		}
		d.begun = !p.want.Part && d.resource() && ownStop(d.els[0]) != nil
		if p.want.Prune || d.heir != nil || d.begun {
			p.condemn(d)
		}
	}
	p.followers()
	p.refuse()
}

func (p *planner) condemn(d *doomed) {
	p.pruning.doomed[d.ref] = d
	p.pruning.order = append(p.pruning.order, d)
	for _, el := range d.els {
		p.ids[attr(el, "id")] = d
		if in := el.SelectElement("primitive"); in != nil && el.Tag == "bundle" {
			p.ids[attr(in, "id")] = d
		}
		for w := el.Parent(); w != nil && (w.Tag == "clone" || w.Tag == "master"); w = w.Parent() {
			p.ids[attr(w, "id")] = d
		}
	}
}

// elementsOf finds the elements of a recorded object in the working copy: none where it is gone, or something else has its name now.
func (p *planner) elementsOf(e entry) []*etree.Element {
	var els []*etree.Element
	switch e.ref.Kind {
	case "FencingTopology":
		for _, path := range sortedKeys(e.fields) {
			if k, ok := strings.CutPrefix(path, "levels["); ok && strings.HasSuffix(k, "]") {
				if l := p.homes.levels[strings.TrimSuffix(k, "]")]; l != nil {
					if el, err := p.work.resolve(address(l)); err == nil {
						els = append(els, el)
					}
				}
			}
		}
		return els
	case "Node", "Cluster":
		return nil // see leftovers
	}
	el := p.work.findIn(sectionOf[e.ref.Kind], e.ref.Name)
	if e.ref.Kind == "ACLUser" {
		el, _ = p.work.resolve("acl_target#" + escapeID.Replace(e.ref.Name))
	}
	if el == nil || !slices.Contains(elementTags[e.ref.Kind], el.Tag) {
		return nil
	}
	els = append(els, el)
	for _, path := range sortedKeys(e.fields) {
		if k, ok := strings.CutPrefix(path, "avoidTargets["); ok && strings.HasSuffix(k, "]") {
			if c := p.work.findIn("constraints", e.ref.Name+"-avoids-"+strings.TrimSuffix(k, "]")); c != nil {
				els = append(els, c)
			}
		}
	}
	return els
}

// followers takes what is ours, told by no manifest, and about nothing but what goes: where a deletion that was begun is finished
// without --prune.
func (p *planner) followers() {
	if len(p.pruning.order) == 0 || p.want.Prune {
		return
	}
	for more := true; more; {
		more = false
		for _, ref := range sortedRefs(p.inv) {
			e := p.inv[ref]
			if e.owner != p.want.Owner || p.byRef[ref] != nil || p.pruning.doomed[ref] != nil {
				continue
			}
			switch ref.Kind {
			case "Constraint", "Tag", "ResourceGroup":
			default:
				continue
			}
			els := p.elementsOf(e)
			if len(els) == 0 {
				continue
			}
			all, begun := true, false
			about := namesIn(els[0])
			if ref.Kind == "ResourceGroup" {
				about = nil
				for _, m := range els[0].SelectElements("primitive") {
					about = append(about, attr(m, "id"))
				}
			}
			for _, id := range about {
				d := p.ids[id]
				all = all && d != nil
				begun = begun || d != nil && d.begun
			}
			if all && begun {
				p.condemn(&doomed{entry: e, els: els, begun: true})
				more = true
			}
		}
	}
}

// refuse says which deletions are out of the question.
func (p *planner) refuse() {
	var protected []string
	deleted := 0
	for _, d := range p.pruning.order {
		if d.protected {
			protected = append(protected, d.ref.String())
		}
		if d.heir == nil {
			deleted++
		}
	}
	if protected != nil {
		p.errs = append(p.errs, fmt.Errorf("%s: %s: protected by metadata.protect and cannot be deleted or renamed: put it back as it was, or first apply it once more "+
			"with protect: false", p.want.Source, joinWords(protected)))
	}
	told := slices.ContainsFunc(p.want.Objects, func(o Object) bool { return o.Ref.Kind != "Cluster" && o.Ref.Kind != "Node" })
	if p.want.Prune && !told && deleted > 0 {
		p.errs = append(p.errs, fmt.Errorf("%s: --prune would delete all %d objects of the owner %q: the manifests tell nothing beside the Cluster, which is taken for a mistake; "+
			"name all manifests with -f (to be rid of everything, leave a single harmless object, such as an ACLRole)", p.want.Source, deleted, p.want.Owner))
	}
}

// namesIn are the ids that a constraint, a tag, a level or an ACL names.
func namesIn(el *etree.Element) []string {
	var ids []string
	walk(el, func(c *etree.Element) {
		switch c.Tag {
		case "rsc_location", "rsc_order", "rsc_colocation", "rsc_ticket":
			for _, a := range []string{"rsc", "with-rsc", "first", "then"} {
				if id := attr(c, a); id != "" {
					ids = append(ids, id)
				}
			}
		case "resource_ref", "obj_ref", "role":
			ids = append(ids, attr(c, "id"))
		case "acl_permission":
			if id := attr(c, "reference"); id != "" {
				ids = append(ids, id)
			}
		case "fencing-level":
			ids = append(ids, refersTo(attr(c, "devices"))...)
		case "primitive":
			if id := attr(c, "template"); id != "" {
				ids = append(ids, id)
			}
		}
		if id := attr(c, "id-ref"); id != "" {
			ids = append(ids, id)
		}
	})
	return ids
}
