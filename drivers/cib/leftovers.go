package cib

import (
	"slices"
	"strings"

	"github.com/beevik/etree"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// leftovers tells of objects that no manifest tells, and of records without an object. A part of the manifests does not know of either.
func (p *planner) leftovers() {
	p.authors.turn(reconcile.Ref{}) // only the record changes
	ids := map[string]bool{}        // of what is wanted or recorded, by section and id
	levels := map[string]bool{}
	for _, o := range p.objects {
		for i, part := range o.Parts {
			el := o.els[i]
			ids[part.Section+" "+attr(el, "id")], ids[part.Section+" "+attr(inner(el), "id")] = true, true
			if el.Tag == "fencing-level" {
				levels[levelKey(el)] = true
			}
		}
	}
	recorded := map[string]bool{}
	for _, ref := range sortedRefs(p.inv) {
		e := p.inv[ref]
		section := sectionOf[ref.Kind]
		ids[section+" "+ref.Name] = true
		recorded[ref.Name] = true
		there := p.live.findIn(section, ref.Name) != nil
		if ref.Kind == "FencingTopology" {
			there = false
			for path := range e.fields {
				if k, ok := strings.CutPrefix(path, "levels["); ok {
					k, _, _ = strings.Cut(k, "]")
					there = there || p.homes.levels[k] != nil
					levels[k] = true
				}
			}
		}
		if p.byRef[ref] != nil || e.owner != p.want.Owner || p.pruning.doomed[ref] != nil {
			continue
		}
		if ref.Kind == "Node" || ref.Kind == "Cluster" {
			p.formerFields(e)
			continue
		}
		if p.want.Part {
			continue
		}
		if !there {
			p.pinPair(inventorySet(p.live.Document), attr(e.el, "name"), ref)
			p.do(Edit{Do: remove, At: address(e.el)})
			p.tell(reconcile.Change{Object: ref, Action: reconcile.Delete, Path: "record",
				Source: p.want.Source, Why: "the object is gone from the cluster"})
			continue
		}
		p.note(reconcile.Note{Kind: reconcile.NoteWarning, Object: ref, Text: "is no longer in the manifests and stays; " + p.howToDelete(e)})
	}
	for _, name := range []string{"resources", "constraints", "fencing-topology", "acls", "tags", "alerts"} {
		s := section(p.live.Document, name)
		if s == nil || p.want.Part {
			continue
		}
		for _, el := range s.ChildElements() {
			id := attr(el, "id")
			if ids[name+" "+id] || ids[name+" "+attr(inner(el), "id")] || name == "constraints" && p.avoidsOf(id, recorded) {
				continue
			}
			if el.Tag == "fencing-level" {
				if levels[levelKey(el)] {
					continue
				}
				id = levelKey(el)
			}
			kind, text := reconcile.NoteUnmanaged, "is in the cluster and in no manifest"
			switch {
			case p.ids[id] != nil || p.ids[attr(inner(el), "id")] != nil || strings.HasPrefix(id, stopOrder):
				continue // it goes
			case runtimeConstraint(id):
				kind = reconcile.NoteRuntime
				text += until(el)
			}
			p.note(reconcile.Note{Kind: kind, Object: reconcile.Ref{Kind: el.Tag, Name: id}, Text: text})
		}
	}
	p.foreignSets()
}

func (p *planner) howToDelete(e entry) string {
	if e.protected {
		return "it is protected (metadata.protect)"
	}
	return "delete it with --prune"
}

// formerFields removes what the manifest said of a node or of the cluster: of one that it tells nothing of any more at once, like any field,
// and of a node that left the cluster with --prune.
func (p *planner) formerFields(e entry) {
	isMember := func(m Member) bool { return m.Name == e.ref.Name }
	if e.ref.Kind == "Node" && !p.want.Prune && !slices.ContainsFunc(p.want.Members, isMember) {
		if p.homes.nodes[e.ref.Name] != nil {
			p.note(reconcile.Note{Kind: reconcile.NoteWarning, Object: e.ref, Text: "is no longer in the manifests, and its attributes stay; delete them with --prune"})
		}
		return
	}
	if e.ref.Kind == "Cluster" { // it has another name now, under which its fields are compared
		p.strike(e, false)
		p.tell(reconcile.Change{Object: e.ref, Action: reconcile.Delete, Path: "record", Source: p.want.Source, Why: "the cluster is called " + p.want.Cluster + " now"})
		return
	}
	el := element("node", "")
	el.CreateAttr("uname", e.ref.Name)
	if live := p.homes.nodes[e.ref.Name]; live != nil {
		o := &wanted{Object: &Object{Ref: e.ref, Parts: []Part{{Section: "nodes"}}, Pos: map[string]v1.Pos{"": p.want.Source}},
			view: view{long: longSets(&Object{}, e), refs: p.refs}, els: []*etree.Element{el}, parts: [][]field{nil}}
		p.object(o)
	}
	p.authors.turn(reconcile.Ref{})
	p.strike(e, false)
	if !p.changed[e.ref] {
		p.tell(reconcile.Change{Object: e.ref, Action: reconcile.Delete, Path: "record", Source: p.want.Source, Why: "the manifests say nothing of it any more"})
	}
}

// sectionOf tells where the objects of a kind stand.
var sectionOf = map[string]string{
	"Resource": "resources", "ResourceGroup": "resources", "ResourceTemplate": "resources", "Bundle": "resources", "FenceDevice": "resources",
	"Constraint": "constraints", "FencingTopology": "fencing-topology", "ACLRole": "acls", "ACLUser": "acls", "ACLGroup": "acls", "Tag": "tags",
	"Alert": "alerts",
}

// avoidsOf tells whether a constraint is part of a fence device of the inventory.
func (p *planner) avoidsOf(id string, recorded map[string]bool) bool {
	i := strings.LastIndex(id, "-avoids-")
	return i > 0 && recorded[id[:i]]
}

// foreignSets tells of sets of cluster options and defaults that are not ours, and of foreign names in the inventory.
func (p *planner) foreignSets() {
	o := p.byRef[Options(p.want.Cluster)]
	if o == nil {
		return
	}
	for _, name := range []string{"crm_config", "rsc_defaults", "op_defaults"} {
		s := section(p.live.Document, name)
		if s == nil {
			continue
		}
		home := o.plainProperties(s)
		if name != "crm_config" {
			home = o.plainSet(s, "meta_attributes")
		}
		for _, el := range s.ChildElements() {
			switch {
			case el == home || o.long[attr(el, "id")] || o.fieldNamed("@"+attr(el, "id-ref")):
			case name == "crm_config" && attr(el, "id") == inventoryID:
				p.foreignRecords(el)
			case el.SelectElement("nvpair") == nil && !has(el, "id-ref"): // empty
			default:
				text, id := "is a property set of an agent or a tool, left alone", attr(el, "id")
				if name != "crm_config" {
					text = "is a set of " + name + " in no manifest, left alone"
				}
				p.note(reconcile.Note{Kind: reconcile.NoteRuntime, Object: reconcile.Ref{Kind: el.Tag, Name: id}, Text: text})
			}
		}
	}
}

// fieldNamed tells whether a set of the long form with that key is wanted.
func (o *wanted) fieldNamed(key string) bool {
	return slices.ContainsFunc(o.Parts, func(p Part) bool { return strings.HasSuffix(p.Prefix, "["+key+"]") })
}

func (p *planner) foreignRecords(set *etree.Element) {
	for _, nv := range set.ChildElements() {
		if !strings.HasPrefix(attr(nv, "name"), inventoryID+"-") {
			p.note(reconcile.Note{Kind: reconcile.NoteWarning, Object: Options(p.want.Cluster), Path: "properties." + attr(nv, "name"),
				Text: "stands in hactl's inventory, where it does not belong: declare it in the manifest and remove it there (cibadmin --delete --xpath \"//nvpair[@id='" + attr(nv, "id") + "']\")"})
		}
	}
}
